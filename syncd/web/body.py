"""Bodies within bounds: counted on the wire and after our own gzip, and only complete ones leave this place."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterable, Sequence

from syncd.web.api import Limits
from syncd.web.failure import Failure

Headers = Sequence[tuple[bytes, bytes]]
_GZIP = 16 + zlib.MAX_WBITS
_MEMBERS = 64
"""How many gzip members one body may have: each costs a new decompressor, and honest servers send one."""


def values(headers: Headers, name: bytes) -> list[bytes]:
    """All values of a header whose names are in lower case."""
    return [value for n, value in headers if n == name]


async def read_body(
    chunks: AsyncIterable[bytes], headers: Headers, limits: Limits, *, bodiless: bool
) -> tuple[bytes, int]:
    """(the decoded body, bytes on the wire). bodiless: an answer to HEAD, a 204 or a 304: its headers promise nothing.

    Raises Failure too_large, bad_encoding or truncated; never holds more than the limits.
    """
    gzipped = not bodiless and _is_gzip(headers)
    declared = None if bodiless else _declared_length(headers)
    if declared is not None and declared > limits.wire:
        raise Failure("too_large", f"the server announces {declared} bytes, more than {limits.wire}", sent=True)
    sink: _Plain | _Gzip = _Gzip(limits.body) if gzipped and declared != 0 else _Plain(limits.body)
    wire = 0
    async for chunk in chunks:
        wire += len(chunk)
        if wire > limits.wire:
            raise Failure("too_large", f"more than {limits.wire} bytes came", sent=True)
        sink.feed(chunk)
    if declared is not None and wire != declared:
        raise Failure("truncated", f"{wire} of {declared} bytes came", sent=True)
    return sink.finish(), wire


def _is_gzip(headers: Headers) -> bool:
    """Whether the body is gzipped once. We asked for nothing else, and stacked encodings are how bombs are built.

    "None" is what Wagtail says of every document that it serves (wagtail/utils/sendfile.py); browsers take it as it is meant.
    """
    codings = [c.strip().lower() for v in values(headers, b"content-encoding") for c in v.split(b",")]
    codings = [c for c in codings if c not in (b"", b"identity", b"none")]
    if not codings:
        return False
    if codings not in ([b"gzip"], [b"x-gzip"]):
        shown = b", ".join(codings)[:60].decode("ascii", "replace")
        raise Failure("bad_encoding", f"encoded as {shown!r}, only gzip was asked for", sent=True)
    return True


def _declared_length(headers: Headers) -> int | None:
    """Content-Length, unless the body is chunked (then it means nothing)."""
    lengths = set(values(headers, b"content-length"))
    if not lengths or values(headers, b"transfer-encoding"):
        return None
    length = lengths.pop()
    if lengths or not length.isdigit() or len(length) > 18:
        raise Failure("protocol", "the answer's Content-Length makes no sense", sent=True)
    return int(length)


class _Plain:
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._body = bytearray()

    def feed(self, chunk: bytes) -> None:
        self._body += chunk
        if len(self._body) > self._limit:
            raise Failure("too_large", f"the body has more than {self._limit} bytes", sent=True)

    def finish(self) -> bytes:
        return bytes(self._body)


class _Gzip(_Plain):
    """Inflates with a bound on every step: the libraries' decoders made 1 GiB of 269 bytes before one could count."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._inflate = zlib.decompressobj(_GZIP)
        self._members = 1

    def feed(self, chunk: bytes) -> None:
        while chunk:
            if self._inflate.eof:
                chunk = self._next_member(chunk)
                continue
            try:
                super().feed(self._inflate.decompress(chunk, self._limit + 1 - len(self._body)))
            except zlib.error:
                raise Failure("bad_encoding", "the gzip data is damaged", sent=True) from None
            chunk = self._inflate.unconsumed_tail or self._inflate.unused_data

    def _next_member(self, rest: bytes) -> bytes:
        """After the end of one member there may be another, or zeros as padding; anything else was not asked for."""
        rest = rest.lstrip(b"\0")
        if rest:
            self._members += 1
            if self._members > _MEMBERS or not rest.startswith(b"\x1f"):
                raise Failure("bad_encoding", "something follows the gzip data", sent=True)
            self._inflate = zlib.decompressobj(_GZIP)
        return rest

    def finish(self) -> bytes:
        if not self._inflate.eof:
            raise Failure("truncated", "the gzip data ends before its end", sent=True)
        return super().finish()
