"""What can go wrong in one exchange, in our own words: sorted here, so that nobody else sees a library's errors."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import aiohttp
import httpx
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

HINTS = {
    "dns": "check the name and this machine's DNS server; where only a proxy may resolve names, set network.proxy",
    "connect": "check that the server is up and that the firewall lets us through (syncd check lists the hosts)",
    "timeout": "the server is too slow or something on the way swallows packets; it is tried again by itself",
    "tls_unsupported": (
        "the server speaks no TLS that this machine can: an old one (TLS 1.0), one with SM2/SM4 (TLCP), or one that "
        "wants a client certificate. Ask for an address with TLS 1.2 or 1.3, put a gateway that speaks both in "
        "front, or set network.client_cert"
    ),
    "tls_untrusted": (
        "if the certificate comes from your own authority, name its file in network.ca_file; else tell its owner"
    ),
    "proxy": "check network.proxy, that the proxy is up, and that its rules allow this host and port",
    "proxy_auth": "the proxy refused the log-in: check user and password in network.proxy",
    "blocked_address": (
        "the address is not public or not on the list: if it is meant so, set allow_private for the source, which "
        "opens the exact host and port of its url and no other, or name the CMS's exact host and port"
    ),
    "bad_url": "correct the URL: http or https with a host and a valid port",
    "too_large": "the answer is larger than the limit; check that the URL is the right one",
    "bad_encoding": "the server compresses in a way that was not asked for or is broken; tell its owner",
    "truncated": "the answer was cut off on the way; it is tried again by itself",
    "redirect_loop": "the server sends us round in circles; open the URL in a browser and enter the final address",
    "redirect_downgrade": "the server redirects from https to http; enter the final address yourself if you trust it",
    "protocol": "what came back is not valid HTTP; check that the port is that of a web server",
    "closed": (
        "the server hung up before it answered and is tried again by itself; if it stays, it may want a client "
        "certificate (network.client_cert) or block this address"
    ),
}
"""What an operator should do, for every reason that this package gives."""


class Failure(Exception):
    """One exchange failed. reason: a key of HINTS. sent: whether a byte of the request may have reached the server."""

    def __init__(self, reason: str, message: str, *, sent: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.sent = sent

    @property
    def hint(self) -> str:
        return HINTS[self.reason]


class Brief(Failure):
    """A failure that is often gone a moment later: worth one quick retry where that is safe."""


class AddressBlocked(Exception):
    """A socket was about to be opened to an address that the guard forbids. No OSError: nobody may take it for one."""


def explain(error: BaseException, *, sent: bool, proxied: bool) -> Failure:
    """Sort any error of the libraries below. The texts are ours: theirs hold URLs with whatever secrets are in them."""
    reason, message, brief = _sort(error)
    if reason == "dns" and proxied:
        reason, message = "proxy", "the proxy's name can't be resolved"
    return (Brief if brief else Failure)(reason, message, sent=sent)


def _sort(error: BaseException) -> tuple[str, str, bool]:
    """(reason, message, brief) of an error."""
    for kind, reason, message in _PLAIN:
        if isinstance(error, kind):
            return reason, message or str(error), False
    if isinstance(error, aiohttp.ClientConnectorError):
        return _sort_connector(error)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return _sort_proxy(error.status)
    if isinstance(error, aiohttp.ClientResponseError):
        return _sort_response(error)
    return _sort_connection(error)


_PLAIN: tuple[tuple[type[BaseException], str, str], ...] = (
    (AddressBlocked, "blocked_address", ""),
    (TimeoutError, "timeout", "no connection in time"),
    (aiohttp.InvalidURL, "bad_url", "the URL can't be used"),
    (aiohttp.NonHttpUrlClientError, "bad_url", "the URL can't be used"),
    (httpx.InvalidURL, "bad_url", "the URL can't be used"),
    (aiohttp.ClientPayloadError, "truncated", "the body ended before it was complete"),
)
"""Errors whose type says all; an empty message stands for the error's own, which is ours."""


def _sort_connector(error: aiohttp.ClientConnectorError) -> tuple[str, str, bool]:
    proxied = isinstance(error, aiohttp.ClientProxyConnectionError)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "tls_untrusted", f"certificate not trusted: {_certificate_fault(error.certificate_error)}", False
    if isinstance(error, aiohttp.ClientSSLError):
        return "tls_unsupported", f"no TLS in common: {_tls_fault(error.os_error)}", False
    if proxied:
        return "proxy", f"the proxy can't be reached: {_os_fault(error.os_error)}", True
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "dns", "the name can't be resolved", False
    if error.ssl is not False and _hung_up_in_handshake(error.os_error):
        return "tls_unsupported", "the server hung up in the TLS handshake", True
    return "connect", f"no connection: {_os_fault(error.os_error)}", True


def _hung_up_in_handshake(error: OSError) -> bool:
    """connect() itself ends with refused, unreachable or timed out; a reset comes from somebody who had accepted."""
    return isinstance(error, ConnectionResetError | ConnectionAbortedError | BrokenPipeError)


def _sort_proxy(status: int) -> tuple[str, str, bool]:
    if status == 407:
        return "proxy_auth", "the proxy wants a log-in or refused it (407)", False
    return "proxy", f"the proxy refused the connection ({status})", False


def _sort_response(error: aiohttp.ClientResponseError) -> tuple[str, str, bool]:
    causes = [e for e in _chain(error) if isinstance(e, HttpProcessingError)]
    if any(isinstance(e, LineTooLong) or "Too many" in e.message for e in causes):
        return "too_large", "the answer's headers are too large", False
    return "protocol", "the answer is not valid HTTP", False


def _sort_connection(error: BaseException) -> tuple[str, str, bool]:
    fault = next((e for e in _chain(error) if isinstance(e, ssl.SSLError)), None)
    if fault is not None:
        return "tls_unsupported", f"the server broke off TLS: {_tls_fault(fault)}", False
    if isinstance(error, aiohttp.ClientConnectionError | OSError):
        return "closed", "the connection was closed before the answer was complete", True
    return "protocol", f"the exchange failed ({type(error).__name__})", False


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(8):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _certificate_fault(error: Exception) -> str:
    return str(getattr(error, "verify_message", "") or type(error).__name__)


def _tls_fault(error: BaseException) -> str:
    return str(getattr(error, "reason", "") or type(error).__name__).lower().replace("_", " ")


def _os_fault(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
