"""multipart/form-data, by which most CMSs take files (RFC 7578): names and values are encoded here, never pasted."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class File:
    """A file of a multipart body. part: the field's name. type: its media type, "" for none known."""

    part: str
    name: str
    type: str
    data: bytes


def multipart(pairs: Sequence[tuple[str, str]], files: Sequence[File], encoding: str = "utf-8") -> tuple[bytes, str]:
    """(the body, its content type). The boundary is a hash of all that it divides."""
    parts = [(_disposition(name, encoding), in_lines(value).encode(encoding, "xmlcharrefreplace")) for name, value in pairs]
    parts += [(_file_head(file, encoding), file.data) for file in files]
    mark = hashlib.sha256(b"\0".join(head + data for head, data in parts)).hexdigest()[:32]
    lines = [b"--%s\r\n%s\r\n\r\n%s\r\n" % (mark.encode(), head, data) for head, data in parts]
    return b"".join([*lines, b"--%s--\r\n" % mark.encode()]), f"multipart/form-data; boundary={mark}"


def in_lines(text: str) -> str:
    """With the ends of lines that a browser's form has (HTML, 4.10.21.8)."""
    return re.sub(r"\r\n|\r|\n", "\r\n", text)


def _disposition(name: str, encoding: str) -> bytes:
    return b'Content-Disposition: form-data; name="%s"' % _named(name, encoding)


def _file_head(file: File, encoding: str) -> bytes:
    head = _disposition(file.part, encoding) + b'; filename="%s"' % _named(file.name, encoding)
    return head + b"\r\nContent-Type: %s" % (file.type.encode("ascii", "replace") or b"application/octet-stream")


def _named(name: str, encoding: str) -> bytes:
    for char, code in (('"', "%22"), ("\r", "%0D"), ("\n", "%0A")):
        name = name.replace(char, code)
    return name.encode(encoding, "replace")
