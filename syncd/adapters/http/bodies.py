"""Bodies of requests: values are encoded here, in any character set; nothing is ever pasted into JSON, a form or XML."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote, quote_plus

from syncd.adapters.multipart import File, in_lines, multipart
from syncd.errors import Rejected

Shape = Literal["none", "json", "form", "multipart", "xml", "text"]
Pairs = Sequence[tuple[str, str]]
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ENTITY = re.compile(r"&#([0-9]{2,7});")
_WIDER = {"gb2312": "gbk", "iso-8859-1": "cp1252"}
"""As browsers read these names (WHATWG Encoding), and so the forms that are filled in with them."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request as it goes out. Secrets are filled in by `filled` alone, so that no error or log of it can hold one."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""
    shape: Shape = "none"
    charset: str = "utf-8"
    content_type: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def filled(self, secrets: Mapping[str, str]) -> Outgoing:
        """With each placeholder replaced by its secret, as this body writes it."""
        url, headers, body = self.url, dict(self.headers), self.body
        for mark, secret in secrets.items():
            url = url.replace(mark, quote(secret, safe=""))
            headers = {name: value.replace(mark, secret) for name, value in headers.items()}
            if mark.encode() in body:
                body = body.replace(mark.encode(), written(secret, self.shape, self.charset))
        return replace(self, url=url, headers=headers, body=body)


def codec(charset: str) -> str:
    """Python's name of what is meant by a charset."""
    return _WIDER.get(charset.strip().lower(), charset.strip().lower())


def written(value: str, shape: Shape, charset: str) -> bytes:
    """A value as it stands inside of a body of this shape."""
    if shape == "json":
        return json.dumps(value, ensure_ascii=False)[1:-1].encode("utf-8", "replace")
    if shape == "form":
        return quote_plus(value.encode(codec(charset), "replace")).encode()
    if shape == "xml":
        return html.escape(value).encode(codec(charset), "xmlcharrefreplace")
    return value.encode(codec(charset), "replace")


def json_body(value: Any) -> bytes:
    """JSON in UTF-8. Raises Rejected("template") for what JSON can't hold."""
    try:
        return json.dumps(value, ensure_ascii=False, default=_plain).encode("utf-8", "replace")
    except (TypeError, ValueError) as error:
        raise Rejected("", "template", f"options.*.json gives what JSON can't hold: {type(error).__name__}",
                       hint="correct the templates of json, then syncd retry") from None


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)


def form_body(pairs: Pairs, charset: str) -> bytes:
    """application/x-www-form-urlencoded; lines end as in a browser's form (WHATWG URL, 5.2; HTML, 4.10.21.8)."""
    return "&".join(f"{_quoted(name, charset)}={_quoted(value, charset)}" for name, value in pairs).encode("ascii")


def _quoted(text: str, charset: str) -> str:
    return quote_plus(in_lines(text).encode(codec(charset), "xmlcharrefreplace"), safe="*-._")


def multipart_body(pairs: Pairs, files: Sequence[File], charset: str) -> tuple[bytes, str]:
    """(multipart/form-data, its content type)."""
    return multipart(pairs, files, codec(charset))


def xml_body(text: str, charset: str) -> bytes:
    """XML without the characters that XML 1.0 forbids; what the charset lacks becomes a character reference."""
    return _NO_XML.sub("", text).encode(codec(charset), "xmlcharrefreplace")


def lacking(text: str, charset: str) -> str:
    """The characters of a text that a charset lacks, each once."""
    name = codec(charset)
    try:
        text.encode(name)
    except UnicodeEncodeError:
        return "".join(dict.fromkeys(char for char in text if not _has(char, name)))
    return ""


def _has(char: str, name: str) -> bool:
    try:
        char.encode(name)
    except UnicodeEncodeError:
        return False
    return True


def entities(text: str, charset: str) -> str:
    """HTML in which each character that the charset lacks is a numeric entity; half characters are dropped."""
    whole = text.encode("utf-8", "ignore").decode()
    return whole.encode(codec(charset), "xmlcharrefreplace").decode(codec(charset))


def whole(text: str, charset: str) -> str:
    """A plain text in which `entities` wrote what the charset lacks, as it was."""
    def char(found: re.Match[str]) -> str:
        code = int(found[1])
        lost = code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF and lacking(chr(code), charset)
        return chr(code) if lost else found[0]

    return _ENTITY.sub(char, text)


def replaced(text: str, charset: str) -> str:
    """A plain text in which each character that the charset lacks is a question mark."""
    return text.encode(codec(charset), "replace").decode(codec(charset))
