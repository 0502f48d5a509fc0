"""gov.cn's lists as they stand: its JSON files (ZUIXINZHENGCE.json and its sisters) and the policy library's answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from syncd.core.shape import shape_of
from syncd.errors import ReadFailed
from syncd.model import Problem
from syncd.sources.decode import decode
from syncd.sources.html import join, plain, squeeze
from syncd.sources.json_rows import filled_keys
from syncd.sources.jsonfeed import read_json, shape
from syncd.sources.raw import RawEntry, RawList, identified

CATEGORIES = {"gongwen": "国务院文件", "bumenfile": "国务院部门文件", "otherfile": "其他文件", "gongbao": "国务院公报"}
"""The four parts of the policy library (政策文件库), by the name that its answer gives them."""
LIBRARY = "library"
_ASKED = {"_gw": "gongwen", "_bm": "bumenfile", "_or": "otherfile", "_gb": "gongbao"}
"""How the parameter `t` asks for one part alone, as in t=zhengcelibrary_gw."""
_CHINA = timezone(timedelta(hours=8))
_NUMBERS = ("pcode", "fwzh", "wenhao")
_ISSUERS = ("puborg", "fwdw")
_EPOCH_MS = re.compile(r"\d{12,13}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is expected of the answer. list: "" where its shape says it; categories: of the library, all if empty;
    most: rows."""

    list: str = ""
    categories: tuple[str, ...] = ()
    most: int = 10_000


def is_list(value: Any) -> bool:
    """Whether a JSON value has the shape of gov.cn's list files."""
    return isinstance(value, list) and any(isinstance(row, dict) and row.keys() >= {"TITLE", "URL"} for row in value)


def is_library(value: Any) -> bool:
    """Whether a JSON value is an answer of the policy library's search."""
    return isinstance(value, dict) and "searchVO" in value


def is_filled_library(value: Any) -> bool:
    """Whether it has rows of the library: others have searches of the same make, with rows of their own."""
    if not is_library(value) or not isinstance(value["searchVO"], dict):
        return False
    found = value["searchVO"]
    parts = found.get("catMap")
    rows = [row for part in (parts.values() if isinstance(parts, dict) else [found]) for row in _rows_of(part)]
    return any(isinstance(row, dict) and row.keys() >= {"title", "url", "pubtime"} for row in rows)


def read_list(data: bytes, content_type: str, url: str, asked: Asked) -> RawList:
    """A list's rows; the function that the child runs. A row without an address, title or date is a Problem.

    Raises ReadFailed: empty_body, bad_encoding, too_many_entries, and not_understood for another shape, an empty list too.
    """
    if not data.strip():
        raise ReadFailed(
            "empty_body", "the body is empty", where=url, hint="open the address in a browser; it is tried again"
        )
    decoded = decode(data, content_type)
    value = read_json(decoded.text)
    problems = list(decoded.problems)
    library = asked.list == LIBRARY or (not asked.list and is_library(value))
    rows = _library(value, url, asked, problems) if library else _file(value, url, asked, problems)
    if not rows:
        raise ReadFailed(
            "not_understood",
            "none of its rows has a title and an address",
            where=url,
            hint=problems[0].hint if problems else "open the address in a browser; nothing was taken from it",
        )
    after = _next(value, url) if library else ""
    items = value if not library else [item for part in _parts(value, url).values() for item in part]
    carried = shape_of([filled_keys(item) for item in items if isinstance(item, dict)])
    return RawList(tuple(identified(rows, problems)), tuple(problems), next=after, shape=carried)


def _refuse_too_many(count: int, most: int) -> None:
    if count > most:
        raise ReadFailed("too_many_entries", f"it has {count} rows, more than {most}", hint="raise options.max_entries")


def _not_understood(seen: str, wanted: str, url: str) -> ReadFailed:
    return ReadFailed(
        "not_understood",
        f"it is {seen}, not {wanted}",
        where=url,
        hint="gov.cn may have changed its list, or the address is another kind's; nothing was taken from it",
    )


# --- list files ---------------------------------------------------------------------------------------------------


def _file(value: Any, url: str, asked: Asked, problems: list[Problem]) -> list[RawEntry]:
    if not is_list(value):
        raise _not_understood(shape(value), "a list of rows with TITLE, URL and DOCRELPUBTIME", url)
    _refuse_too_many(len(value), asked.most)
    return [row for n, item in enumerate(value) if (row := _file_row(item, f"[{n}]", url, problems))]


def _file_row(item: Any, where: str, url: str, problems: list[Problem]) -> RawEntry | None:
    named = _named(item, where, url, ("TITLE", "URL"), problems)
    if named is None:
        return None
    date = _text(item, "DOCRELPUBTIME")
    if not date:
        problems.append(
            Problem("no_date", f"{named[0][:60]!r} has no date; its page is asked", f"{where}.DOCRELPUBTIME")
        )
    return RawEntry(where, named[1], *named, published=date, summary=plain(_text(item, "SUB_TITLE")))


def _named(
    item: Any, where: str, url: str, names: tuple[str, str], problems: list[Problem]
) -> tuple[str, str] | None:
    """Title and address of a row; None, with the Problems told, where it lacks one."""
    if not isinstance(item, dict):
        problems.append(Problem("bad_entry", f"a row must be an object, not {shape(item)}; it is left out", where))
        return None
    found = plain(_text(item, names[0])), _address(_text(item, names[1]), url)
    for name, value in zip(names, found, strict=True):
        if not value:
            told = f"{name} is {str(item.get(name))[:60]!r}: the row is left out"
            problems.append(Problem("bad_entry", told, f"{where}.{name}"))
    return found if all(found) else None


def _text(item: dict[str, Any], name: str) -> str:
    value = item.get(name)
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _address(link: str, base: str) -> str:
    """Absolute, and https on the list's own site if the list is: it shows the same page both ways on different days."""
    url = join(base, link) if link else ""
    if url.startswith("http://") and base.startswith("https://") and urlsplit(url).netloc == urlsplit(base).netloc:
        return f"https://{url.removeprefix('http://')}"
    return url


# --- the policy library -------------------------------------------------------------------------------------------


def _library(value: Any, url: str, asked: Asked, problems: list[Problem]) -> list[RawEntry]:
    parts = _parts(value, url)
    wanted = asked.categories or tuple(CATEGORIES)
    for name in wanted if len(parts) > 1 else ():
        if not parts.get(name):
            hint = f"the library's part {name} ({CATEGORIES[name]}) shows nothing; was it renamed?"
            problems.append(Problem("no_category", hint, f"searchVO.catMap.{name}"))
    chosen = [(name, rows) for name, rows in parts.items() if name in wanted]
    _refuse_too_many(sum(len(rows) for _, rows in chosen), asked.most)
    found = [_library_row(name, item, where, url, problems) for name, item, where in _placed(chosen, value)]
    return [row for row in found if row is not None]


def _placed(parts: Sequence[tuple[str, list[Any]]], value: Any) -> Iterator[tuple[str, Any, str]]:
    """Each row with its part and its place in the answer."""
    together = bool(value["searchVO"].get("catMap"))
    for name, rows in parts:
        place = f"catMap.{name}." if together else ""
        yield from ((name, item, f"searchVO.{place}listVO[{n}]") for n, item in enumerate(rows))


def _parts(value: Any, url: str) -> dict[str, list[Any]]:
    """The rows of each part. `searchVO.totalCount` tells nothing: it is 0 while rows lie in `catMap`."""
    found = value.get("searchVO") if isinstance(value, dict) else None
    if not isinstance(found, dict) or value.get("code") != 200:
        raise _not_understood(_refusal(value), "an answer of the policy library with code 200 and searchVO", url)
    parts = found.get("catMap")
    if isinstance(parts, dict) and parts:
        return {name: _rows_of(part) for name, part in parts.items()}
    if isinstance(found.get("listVO"), list):
        return {_part_asked(url): found["listVO"]}
    raise _not_understood(f"{shape(value)} and in searchVO {shape(found)}", "an answer with catMap or listVO", url)


def _refusal(value: Any) -> str:
    if isinstance(value, dict) and "code" in value:
        return f"code {str(value['code'])[:20]} ({str(value.get('msg'))[:60]}) with {shape(value)}"
    return shape(value)


def _rows_of(part: Any) -> list[Any]:
    rows = part.get("listVO") if isinstance(part, dict) else None
    return rows if isinstance(rows, list) else []


def _part_asked(url: str) -> str:
    """The part that an address asks for alone; State Council documents where it doesn't say."""
    asked = parse_qs(urlsplit(url).query).get("t", [""])[0]
    return next((name for ending, name in _ASKED.items() if asked.endswith(ending)), "gongwen")


def _library_row(part: str, item: Any, where: str, url: str, problems: list[Problem]) -> RawEntry | None:
    named = _named(item, where, url, ("title", "url"), problems)
    if named is None:
        return None
    published = _text(item, "pubtime")
    return RawEntry(
        where,
        named[1],
        *named,
        published=published if _EPOCH_MS.fullmatch(published) else _text(item, "pubtimeStr"),
        summary=plain(_text(item, "summary")),
        categories=tuple(filter(None, (CATEGORIES.get(part, ""), squeeze(_text(item, "childtype"))))),
        issuer=_first(item, _ISSUERS),
        document_number=_first(item, _NUMBERS),
        index_number=_first(item, ("index",)),
        written=_day(_text(item, "ptime")),
    )


def _first(item: dict[str, Any], names: Sequence[str]) -> str:
    return next((text for name in names if (text := plain(_text(item, name)))), "")


def _day(epoch: str) -> str:
    """The day in China of an epoch in milliseconds; "" for 0, which the library writes where it knows none."""
    if not _EPOCH_MS.fullmatch(epoch):
        return ""
    return datetime.fromtimestamp(int(epoch) / 1000, UTC).astimezone(_CHINA).date().isoformat()


def _next(value: Any, url: str) -> str:
    """The address of the next page of the library: while one of its parts shows a full page and has more."""
    parts = urlsplit(url)
    query = parse_qs(parts.query, keep_blank_values=True)
    found = value["searchVO"]
    shown = list((found.get("catMap") or {}).values()) or [found]
    page, size = _count(query, "p", 1), _count(query, "n", max(1, *(len(_rows_of(part)) for part in shown)))
    if not any(_has_more(part, page, size) for part in shown if isinstance(part, dict)):
        return ""
    query["p"] = [str(page + 1)]
    return urlunsplit(parts._replace(query=urlencode(query, doseq=True)))


def _count(query: dict[str, list[str]], name: str, usual: int) -> int:
    text = query.get(name, [""])[0]
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 6 else usual


def _has_more(part: dict[str, Any], page: int, size: int) -> bool:
    total, rows = part.get("totalCount"), _rows_of(part)
    return len(rows) >= size and (not isinstance(total, int) or not total or total > page * size)
