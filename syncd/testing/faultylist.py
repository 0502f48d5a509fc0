"""What a list answers when it is not as it was: redesigned, blocked, emptied, cut, renamed, or in broken bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

Reply = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, Mapping[str, str], bytes, datetime], Reply]
_ENTRY = re.compile(rb"<entry>.*?</entry>", re.DOTALL)
_DATES = ("date_published", "date_modified", "DOCRELPUBTIME")
_HTML = {"content-type": "text/html; charset=utf-8"}


class FaultyList:
    """A list's server (`handle`) that answers as `fault` says for the addresses of lists; "" and all others: as it is.

    Validators are not honoured meanwhile, as by another machine that stepped in.
    """

    def __init__(self, handler: Handler, *, fault: str = "", until: datetime | None = None) -> None:
        self.fault, self.until = fault, until
        self._handler = handler

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Reply:
        over = self.until is not None and now >= self.until
        if not self.fault or over or path.startswith("/doc/"):
            return self._handler(method, path, headers, body, now)
        return faulty(self.fault, self._handler(method, path, {}, body, now))


def faulty(fault: str, good: Reply) -> Reply:
    """The answer to give instead of a good one of a FakeList. fault: one of FAULTS."""
    status, headers, body = good
    plain = {"content-type": headers.get("content-type", "")}
    return FAULTS[fault](status, plain, body)


def _blocked(status: int, headers: dict[str, str], body: bytes) -> Reply:
    return 403, _HTML, b"<html><title>403 Forbidden</title><body>WAF</body></html>"


def _error_page(status: int, headers: dict[str, str], body: bytes) -> Reply:
    return 200, _HTML, "<html><title>系统提示</title><body>系统维护中</body></html>".encode()


def _other_list(status: int, headers: dict[str, str], body: bytes) -> Reply:
    return status, headers, b'{"code": 500, "data": {"list": []}}'


def _truncated(status: int, headers: dict[str, str], body: bytes) -> Reply:
    return status, headers, body[: len(body) // 2]


def _wrong_encoding(status: int, headers: dict[str, str], body: bytes) -> Reply:
    """GB 18030, declared as UTF-8 in the header and in the XML itself."""
    kind = headers["content-type"].partition(";")[0]
    return status, {"content-type": f"{kind}; charset=utf-8"}, body.decode().encode("gb18030")


def _emptied(status: int, headers: dict[str, str], body: bytes) -> Reply:
    return status, headers, _with(body, lambda rows: [])


def _cut(status: int, headers: dict[str, str], body: bytes) -> Reply:
    return status, headers, _with(body, lambda rows: rows[: (len(rows) + 1) // 2])


def _redesigned(status: int, headers: dict[str, str], body: bytes) -> Reply:
    return status, headers, _with(body, lambda rows: [_without_dates(row) for row in rows])


def _guids(status: int, headers: dict[str, str], body: bytes) -> Reply:
    return status, headers, body.replace(b"/guid/", b"/id/")


def _renamed(status: int, headers: dict[str, str], body: bytes) -> Reply:
    return status, headers, body.replace(b"/guid/", b"/id/").replace(b"/doc/", b"/neu/")


FAULTS: Mapping[str, Callable[[int, dict[str, str], bytes], Reply]] = {
    "blocked": _blocked,
    "error_page": _error_page,
    "other_list": _other_list,
    "truncated": _truncated,
    "wrong_encoding": _wrong_encoding,
    "emptied": _emptied,
    "cut": _cut,
    "redesigned": _redesigned,
    "guids": _guids,
    "renamed": _renamed,
}


def _with(body: bytes, change: Callable[[list[Any]], list[Any]]) -> bytes:
    """A list with other rows: Atom, JSON Feed, or an array as gov.cn's."""
    if body.lstrip().startswith(b"<"):
        rows = b"".join(change(_ENTRY.findall(body)))
        return _ENTRY.sub(b"", body).replace(b"</feed>", rows + b"</feed>")
    value = json.loads(body)
    found = change(value) if isinstance(value, list) else value | {"items": change(value["items"])}
    return json.dumps(found, ensure_ascii=False).encode()


def _without_dates(row: Any) -> Any:
    if isinstance(row, bytes):
        return re.sub(rb"<(published|updated)>[^<]*</\1>", b"", row)
    return {(f"new_{key}" if key in _DATES else key): value for key, value in row.items()}
