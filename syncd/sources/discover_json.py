"""A list in a JSON answer that nobody described: the array of objects that looks like one, its fields by name and value."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from syncd.sources.dates import parse_instant
from syncd.sources.jsonfeed import shape

_MOST_ROWS, _DEEPEST = 50, 6
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_INNER = ("rendered", "processed", "value", "text", "#text", "_text", "name", "label", "alias")
_WRAPPERS = frozenset(("attributes", "fields", "source", "node", "doc", "document", "record", "item", "properties"))
"""Objects that hold what a row is about, in JSON:API, Strapi, Contentful, Elasticsearch, GraphQL and GeoJSON; others within a
row, such as its author or its picture, have titles and addresses of their own."""
_NAMES: dict[str, tuple[str, ...]] = {
    "title": ("title", "doctitle", "articletitle", "infotitle", "headline", "subject", "topic", "bt", "biaoti", "name"),
    "url": ("url", "link", "href", "docpuburl", "docurl", "htmlurl", "weburl", "puburl", "permalink", "linkurl", "infourl",
            "articleurl", "pageurl", "detailurl", "basepath", "path"),
    "published": ("published", "publishedat", "pubtime", "pubdate", "publishtime", "publishdate", "publicationdate",
                  "docreltime", "docrelpubtime", "releasetime", "releasedate", "issuedate", "fbsj", "fbrq", "date", "time",
                  "createtime", "createdate", "createdat", "created", "addtime", "inputtime", "publictimestamp"),
    "updated": ("updated", "updatedat", "changed", "modified", "modifiedat", "lastmodified", "updatetime", "modifytime",
                "lastupdated"),
    "summary": ("summary", "abstract", "description", "digest", "excerpt", "memo", "intro", "zhaiyao"),
    "content_html": ("contenthtml", "content", "body", "html", "doccontent"),
    "document_number": ("documentnumber", "pcode", "fwzh", "wenhao", "wh", "docno", "filenumber", "docnumber"),
    "index_number": ("indexnumber", "index", "syh", "suoyinhao", "indexno"),
    "issuer": ("puborg", "issuer", "agency", "publisher", "organization", "fwjg", "pubunit", "department", "author"),
    "written": ("written", "ptime", "cwrq", "signingdate", "writedate", "signdate", "cwdate"),
}
"""How lists call their fields, without case, dashes and underscores."""
_NEXT = ("next", "nextpage", "nextpageurl", "nexturl", "nextlink")
_COUNTS = ("totalpages", "totalpage", "pagecount", "pages", "pagetotal", "lastpage")
_PAGE = ("page", "pageno", "pagenum", "pageindex", "p", "currentpage", "pn", "curpage")
_NUMBER = re.compile(r"[〔\[（(]\s*(?:19|20)\d{2}\s*[〕\]）)]\s*\d+\s*号?")
_MOST_SUIT = 0.6
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/\d{4}")


@dataclass(frozen=True, slots=True)
class Found:
    """A list of objects in an answer. steps: the path to it, "*" where several lie side by side."""

    steps: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]

    @property
    def expression(self) -> str:
        path = ".".join("*" if step == "*" else quoted(step) for step in self.steps)
        return f"{path}[]" if "*" in self.steps else path or "@"


def quoted(key: str) -> str:
    """A key as JMESPath writes it."""
    return key if _PLAIN.fullmatch(key) else '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def find_list(value: Any, url: str) -> tuple[dict[str, Any], list[str], list[str]]:
    """Options of a `json` source for a JSON value, notes for a person, and what could not be found."""
    best = max(_joined(list(_arrays(value, ()))), key=_likeness, default=None)
    if best is None:
        return {}, [], [f"no list of objects in it: it is {shape(value)}"]
    fields, notes = _fields(best.rows)
    keys = ", ".join(list(best.rows[0])[:12])
    missing = [f"no {name} among the keys {keys}" for name in ("title", "url") if name not in fields]
    if missing:
        return {}, [], [f"at {best.expression!r} there is a list of {len(best.rows)}, but {'; '.join(missing)}"]
    options: dict[str, Any] = {} if best.expression == "@" else {"list": best.expression}
    options |= _date_options(best.rows, fields, notes) | {"fields": fields}
    paging = _paging(value, url)
    return options | ({"paging": paging} if paging else {}), notes, []


def _arrays(value: Any, path: tuple[str, ...]) -> Iterator[Found]:
    if len(path) > _DEEPEST:
        return
    if isinstance(value, list):
        rows = [row for row in value[:_MOST_ROWS] if isinstance(row, dict)]
        if rows and len(rows) >= len(value[:_MOST_ROWS]) / 2:
            yield Found(path, tuple(rows))
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _arrays(inner, (*path, str(key)))


def _joined(found: list[Found]) -> list[Found]:
    """Lists that lie side by side, of the same kind of rows, are one, as the categories of a search are."""
    sides: dict[tuple[Any, ...], list[Found]] = {}
    for each in found:
        for n in range(len(each.steps) - 1):
            place = (*each.steps[:n], "*", *each.steps[n + 1 :])
            sides.setdefault((place, frozenset(each.rows[0])), []).append(each)
    several = [(place, group) for (place, _), group in sides.items() if len(group) > 1]
    return [*(Found(place, tuple(row for each in group for row in each.rows)) for place, group in several), *found]


def _likeness(found: Found) -> tuple[int, int]:
    """How much a list looks like one of documents: the fields that it has, then its length."""
    fields, _ = _fields(found.rows)
    return (3 * ("title" in fields) + 3 * ("url" in fields) + 2 * ("published" in fields) + len(fields), len(found.rows))


def _flat(row: dict[str, Any], before: str = "") -> dict[str, str]:
    """Expressions and scalars of a row: title.rendered is as good as title, and what a wrapper holds is the row's own."""
    flat: dict[str, str] = {}
    for key, value in row.items():
        place = f"{before}{quoted(key)}"
        if isinstance(value, dict):
            flat |= {f"{place}.{quoted(k)}": str(v) for k, v in value.items() if k in _INNER and isinstance(v, str)}
            flat |= _flat(value, f"{place}.") if _bare(key) in _WRAPPERS and before.count(".") < _WRAPPED else {}
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            flat[place] = str(value)
    return flat


_WRAPPED = 2


def _name(expression: str) -> str:
    """What an expression is called: its first step that is no wrapper."""
    steps = [_bare(step) for step in expression.split(".")]
    return next((step for step in steps if step not in _WRAPPERS), steps[-1])


def _bare(key: str) -> str:
    return re.sub(r"[^a-z0-9]", "", key.lower())


def _fields(rows: Sequence[dict[str, Any]]) -> tuple[dict[str, str], list[str]]:
    """The likely expression of each field; notes tell of what was decided by little."""
    flat = [_flat(row) for row in rows]
    filled = Counter(name for row in flat for name, text in row.items() if text.strip())
    enough = [name for name, count in filled.items() if count >= len(rows) / 2]
    some = [name for name, count in filled.items() if name not in enough]
    fields: dict[str, str] = {}
    for field in _NAMES:
        likely = enough if field in ("title", "url", "published") else [*enough, *some]
        fits = [name for name in likely if _suits(field, [row.get(name, "") for row in flat])]
        if chosen := _by_name(field, [name for name in fits if name not in fields.values()]):
            fields[field] = chosen
    for field in ("title", "url", "document_number"):
        if field not in fields and (guess := _by_value(field, enough, flat, fields)):
            fields[field] = guess
    return fields, []


def _by_name(field: str, names: Sequence[str]) -> str:
    """By the order of the names that lists use; of two that are called alike the shorter expression."""
    for known in _NAMES[field]:
        found = sorted((name for name in names if _name(name) == known), key=len)
        if found:
            return found[0]
    return ""


def _by_value(field: str, names: Sequence[str], flat: Sequence[dict[str, str]], taken: dict[str, str]) -> str:
    free = [name for name in names if name not in taken.values()]
    fits = [name for name in free if _suits(field, [row.get(name, "") for row in flat])]
    if field == "document_number":  # whatever else is unique would make strangers of one document, or one of strangers
        return next((name for name in fits if _look_like_numbers([row.get(name, "") for row in flat])), "")
    if field != "title":
        return next(iter(fits), "")
    texts = {name: [row.get(name, "") for row in flat] for name in fits}
    telling = [name for name, each in texts.items() if len(set(each)) > len(each) / 2]
    return max(telling, key=lambda name: sum(map(len, texts[name])), default="")


def _suits(field: str, values: Sequence[str]) -> bool:
    """Whether the values of a field can be what it says."""
    given = [value.strip() for value in values if value.strip()]
    test = {
        "title": lambda text: 4 <= len(text) <= 300 and not text.isdigit() and not _is_link(text) and not _is_date(text),
        "url": _is_link, "published": _is_date, "updated": _is_date, "written": _is_date,
        "document_number": lambda text: any(c.isdigit() for c in text) and len(text) <= 40 and not _is_link(text)
        and not text.isdigit() and not _is_date(text),
        "index_number": lambda text: any(c.isdigit() for c in text) and "/" in text and len(text) <= 40,
        "content_html": lambda text: "<" in text or len(text) > 300,
    }.get(field, lambda text: not _is_link(text) and not text.isdigit())
    if not given or sum(map(test, given)) < _MOST_SUIT * len(given):
        return False
    return field != "document_number" or _is_number(given, values)


def _is_number(given: Sequence[str], values: Sequence[str]) -> bool:
    return any(_NUMBER.search(text) for text in given) or (len(given) == len(values) and len(set(given)) == len(given))


def _look_like_numbers(values: Sequence[str]) -> bool:
    """Whether most of what is given has the form of a 发文字号."""
    given = [value for value in values if value.strip()]
    return sum(bool(_NUMBER.search(value)) for value in given) >= _MOST_SUIT * len(given)


def _is_link(text: str) -> bool:
    return text.startswith(("http://", "https://", "/", "./", "../")) or bool(re.fullmatch(r"[\w./-]+\.s?html?", text))


def _is_date(text: str) -> bool:
    return bool(parse_instant(text, "+08:00", "default", "list") or _SLASHED.match(text)) and not text.startswith("/")


def _date_options(rows: Sequence[dict[str, Any]], fields: dict[str, str], notes: list[str]) -> dict[str, str]:
    """The form of dates that do not tell it themselves; whether times of day are only filled in."""
    if "published" not in fields:
        notes.append("no date was found in the rows: the documents' own pages are asked for it")
        return {}
    texts = [_flat(row).get(fields["published"], "") for row in rows]
    slashed = [found for text in texts if (found := _SLASHED.fullmatch(text.strip()))]
    if slashed:
        months_first = any(int(found[2]) > 12 for found in slashed)
        if not months_first and not any(int(found[1]) > 12 for found in slashed):
            notes.append("its dates may be day/month or month/day: look at date_format")
        return {"date_format": "%m/%d/%Y" if months_first else "%d/%m/%Y"}
    instants = [at for text in texts if (at := parse_instant(text, "+08:00", "default", "list"))]
    local = [(each.at.hour, each.at.minute, each.at.second) for each in instants if each.precision != "day"]
    if len(local) > 2 and len(set(local)) == 1 and local[0] == (16, 0, 0):
        notes.append("all of its times are midnight in China: they are taken as days")
        return {"date_precision": "day"}
    return {}


def _paging(value: Any, url: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {}
    scalars = {**_scalars(value, ""), **{k: v for key in ("data", "result", "meta", "links", "paging", "pagination", "_links")
                                         for k, v in _scalars(value.get(key), f"{key}.").items()}}
    for key in ("links", "_links"):  # JSON:API and HAL
        scalars |= _scalars((value.get(key) or {}).get("next"), f"{key}.next.") if isinstance(value.get(key), dict) else {}
    for expression, text in scalars.items():
        if _bare(expression.removesuffix(".href").rpartition(".")[2]) in _NEXT and isinstance(text, str) and _is_link(text):
            return {"next": expression}
    count = next((e for e, v in scalars.items() if _bare(e.rpartition(".")[2]) in _COUNTS and isinstance(v, int)), "")
    return _numbered(url, count) if count else {}


def _scalars(value: Any, before: str) -> dict[str, Any]:
    told = value if isinstance(value, dict) else {}
    return {f"{before}{quoted(k)}": v for k, v in told.items() if isinstance(v, str | int) and not isinstance(v, bool)}


def _numbered(url: str, count: str) -> dict[str, Any]:
    """A page number in the address that was given."""
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    name, first = next(((k, int(v)) for k, v in pairs if _bare(k) in _PAGE and v.isdigit()), ("", 1))
    if not name or first > 1:
        return {}
    query = urlencode([(k, "{page}" if k == name else v) for k, v in pairs], safe="{}")
    found: dict[str, Any] = {"url": f"{parts.path}?{query}", "count": count}
    return found if first else {**found, "first": 0}
