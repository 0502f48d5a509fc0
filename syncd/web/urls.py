"""URLs: the one parser, what may be asked for, and how a URL is shown without the secrets in it."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import lru_cache
from urllib.parse import unquote_to_bytes

import httpx

from syncd.web.failure import Failure

_PORTS = {"http": 80, "https": 443}
_SECRET = re.compile(r"(?i)([?&;][^=&;#]*(?:key|token|secret|passw|pwd|sign|auth|session|credential)[^=&;#]*=)[^&;#]*")
_USERINFO = re.compile(r"(?<=//)[^/?#]*@")
_SHOWN = 300
_KEPT = 1024
_KEPT_LENGTH = 400
"""How many parsed URLs are remembered, and up to which length: lists and CMSs are asked at the same few for ever."""


def parse(text: str) -> httpx.URL:
    """A URL that may be asked for. Raises Failure("bad_url") for anything but http(s) with a host and a valid port."""
    return _remembered(text) if isinstance(text, str) and len(text) <= _KEPT_LENGTH else _parse(text)


def _parse(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError, TypeError):
        raise Failure("bad_url", "the URL can't be parsed") from None
    if url.scheme not in _PORTS:
        raise Failure("bad_url", "only http and https are spoken")
    if not host(url) or "%" in host(url):
        raise Failure("bad_url", "the URL names no valid host")
    if not 0 < port(url) < 65536:
        raise Failure("bad_url", "the URL's port is out of range")
    return url.copy_with(fragment=None) if "#" in text else url


_remembered = lru_cache(maxsize=_KEPT)(_parse)


def host(url: httpx.URL) -> str:
    """The host as it goes on the wire (IDNA), in lower case, without a dot at the end or brackets."""
    return url.raw_host.decode("ascii").lower().rstrip(".")


def port(url: httpx.URL) -> int:
    return url.port if url.port is not None else _PORTS[url.scheme]


def place(text: str) -> tuple[str, int]:
    """(host, port) of a URL as a Guard compares them. Raises Failure("bad_url")."""
    url = parse(text)
    return host(url), port(url)


def origin(url: httpx.URL) -> tuple[str, str, int]:
    """Scheme, host and port: what credentials may be sent to."""
    return url.scheme, host(url), port(url)


def without_login(url: httpx.URL) -> tuple[httpx.URL, str]:
    """(the URL without user:password@, the Authorization value that it stood for or "")."""
    if not url.userinfo:
        return url, ""
    user, _, password = url.userinfo.partition(b":")
    pair = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
    return url.copy_with(userinfo=b""), "Basic " + b64encode(pair).decode("ascii")


def redacted(text: str) -> str:
    """A URL fit for logs, errors and pages: no log-in, no value of a parameter that looks secret, not endless."""
    text = _USERINFO.sub("", text, count=1)
    text = _SECRET.sub(r"\1***", text)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
