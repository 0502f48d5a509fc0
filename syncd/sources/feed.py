"""Feeds of every age: RSS 0.9x to 2.0, RDF, Atom through the gate and feedparser, JSON Feed through our own reader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from hashlib import blake2b
from io import BytesIO
from typing import Any, ClassVar, Self, cast

from pydantic import BaseModel, model_validator

from syncd.core.schedule import Skips
from syncd.errors import ReadFailed
from syncd.model import AttachmentLink, Entry, Problem
from syncd.sources.api import Listing, Page, SourceConfig, Tools
from syncd.sources.decode import decode
from syncd.sources.detail import Pages
from syncd.sources.gate import Gated, Tombstone, gate
from syncd.sources.html import absolute_fragment, join, plain, squeeze
from syncd.sources.jsonfeed import json_feed, read_json
from syncd.sources.mapping import PageOptions
from syncd.sources.memo import Memo
from syncd.sources.raw import Naming, RawEntry, RawList, bounded, entries, identified, naming, placed
from syncd.web.api import Answer

_SUMMARY = 2_000
_PERIODS = {"hourly": 3600.0, "daily": 86400.0, "weekly": 604800.0, "monthly": 2592000.0, "yearly": 31536000.0}
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DATED = ("dc:date", "date")
_LONGEST_BASE = 500
_NOT_XML = "the address may have moved or need another kind; open it in a browser"


class FeedOptions(PageOptions):
    """What `options` of a feed takes."""

    body_selector: str = ""
    """CSS selector of the body on the page; empty finds it. `detail` says more of the page."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.detail and self.body_selector:
            raise ValueError("say body in detail, not body_selector beside it")
        return self


class FeedSource:
    """A feed of any format. `Kind(config, tools)`; see sources.api.Source. There may be ten thousand: each keeps little."""

    __slots__ = ("_config", "_options", "_tools")

    api_version: ClassVar[int] = 1
    kind: ClassVar[str] = "feed"
    Options: ClassVar[type[BaseModel]] = FeedOptions

    def __init__(self, config: SourceConfig, tools: Tools) -> None:
        self._config, self._tools = config, tools
        self._options = config.options if isinstance(config.options, FeedOptions) else FeedOptions()

    @property
    def _pages(self) -> Pages:
        options = self._options
        return Pages(self._tools, options.full_text, options.detail, options.body_selector)

    async def parse(self, answer: Answer) -> Listing:
        """As Source.parse; all of the work on bytes is done in the child."""
        by, reads = naming(self._config, self._tools, "feed"), self._options.full_text != "never"
        body, sort = answer.body, answer.header("content-type")
        most = self._options.max_entries
        return cast(Listing, await self._tools.run(read_listing, body, sort, answer.url, most, by, reads))

    def page_of(self, entry: Entry) -> str:
        """None without an address; else as options.full_text and options.detail say."""
        return self._pages.address(entry)

    async def read_page(self, entry: Entry, answer: Answer) -> Page:
        """As Source.read_page."""
        return await self._pages.read(entry, answer)


def read_listing(data: bytes, content_type: str, url: str, most: int, by: Naming, reads: bool) -> Listing:
    """A feed's entries; the function that the child runs. reads: documents' own pages are read.

    Raises ReadFailed as Source.parse says.
    """
    raw = read_feed(data, content_type, url, most)
    problems = list(raw.problems)
    rows = entries(raw.entries, by, problems, reads=reads)
    return Listing(
        rows, bounded(problems), raw.title, raw.ttl, skips=raw.skips, hubs=raw.hubs, topic=raw.topic
    )


def read_feed(data: bytes, content_type: str, url: str, most: int) -> RawList:
    """A feed's rows. Raises ReadFailed as Source.parse says."""
    if not data.strip():
        raise ReadFailed(
            "empty_body", "the body is empty", where=url, hint="open the address in a browser; ask the source"
        )
    decoded = decode(data, content_type)
    text = decoded.text.lstrip("\ufeff")
    if text.lstrip()[:1] in ("{", "["):
        value = read_json(text)
        found = json_feed(value, url or _home(value, "home_page_url"))
        _refuse_too_many(len(found.entries), most)
    else:
        gated = gate(text)
        _refuse_too_many(gated.entries, most)
        found = _xml_feed(gated, url)
    return replace(found, problems=(*decoded.problems, *found.problems))


def _refuse_too_many(count: int, most: int) -> None:
    if count > most:
        raise ReadFailed(
            "too_many_entries",
            f"it has {count} entries, more than {most}",
            hint="raise options.max_entries if that is right",
        )


def _xml_feed(gated: Gated, url: str) -> RawList:
    sliced = _sliced(gated, url) or _whole(gated, url)
    url = url or _home(sliced.feed, "link")
    rows, problems = sliced.rows, sliced.problems
    rows += [_grave(stone, n, url) for n, stone in enumerate(gated.tombstones)]
    title = plain(str(sliced.feed.get("title", "")))
    hubs, selves = _linked(sliced.feed, "hub", url), _linked(sliced.feed, "self", url)
    topic = selves[0] if selves else ""
    known, ttl = tuple(identified(rows, problems)), _ttl(sliced.feed)
    return RawList(known, tuple(problems), title, ttl, skips=_skips(gated), hubs=hubs, topic=topic)


@dataclass(slots=True)
class _Taken:
    """A feed taken apart, before its rows are looked at together. feed: feedparser's."""

    feed: Any
    rows: list[RawEntry]
    problems: list[Problem]


_known: Memo[RawEntry] = Memo()


def _whole(gated: Gated, url: str) -> _Taken:
    """The whole document through feedparser."""
    parsed = _parsed(gated.body, url)
    url = url or _home(parsed["feed"], "link")
    problems, dated = list(gated.problems), _is_dated(parsed, gated)
    rows = [row for n, item in enumerate(parsed["entries"]) if (row := _safe_row(item, n, url, dated, problems))]
    return _Taken(parsed["feed"], rows, problems)


def _sliced(gated: Gated, url: str) -> _Taken | None:
    """The document through feedparser without the rows that are known: they are most of the cost.

    None where that can't be done: not well-formed, rows in several places, or feedparser sees other rows than the gate.
    """
    if not gated.rows or not url:
        return None
    context = (url, gated.around, gated.names.isdisjoint(_DATED))
    names = [(context, blake2b(gated.body[start:end], digest_size=16).digest()) for start, end in gated.rows]
    rows = [_known.find(name) for name in names]
    new = [n for n, row in enumerate(rows) if row is None]
    parsed = _parsed(_without(gated, rows), url)
    if len(parsed["entries"]) != len(new):
        return None
    problems, dated = list(gated.problems), _is_dated(parsed, gated)
    for n, item in zip(new, parsed["entries"], strict=True):
        before = len(problems)
        row = rows[n] = _safe_row(item, n, url, dated, problems)
        if row is not None and len(problems) == before:  # what is wrong with a row must be told each time
            start, end = gated.rows[n]
            _known.keep(names[n], row, end - start)
    return _Taken(parsed["feed"], [placed(row, _place(n)) for n, row in enumerate(rows) if row], problems)


def _without(gated: Gated, rows: Sequence[RawEntry | None]) -> bytes:
    """The document without the rows that are there already."""
    kept, at = [], 0
    for (start, end), row in zip(gated.rows, rows, strict=True):
        if row is not None:
            kept.append(gated.body[at:start])
            at = end
    return b"".join([*kept, gated.body[at:]])


def _parsed(body: bytes, url: str) -> Any:
    parsed = _feedparser(body, url)
    if not parsed.get("version"):
        raise ReadFailed("not_a_feed", "it is XML, but no feed that is known", hint=_NOT_XML)
    return parsed


def _is_dated(parsed: Any, gated: Gated) -> bool:
    """dc:date says when a row appeared; feedparser files it under updated."""
    return bool(parsed["version"].startswith("rss") and not gated.names.isdisjoint(_DATED))


def _place(n: int) -> str:
    return f"entries[{n}]"


def _home(feed: Any, name: str) -> str:
    """Where the feed says that it belongs, for relative links in a file whose own address nobody knows; or ""."""
    return join("", str(dict.get(feed, name) or "")) if isinstance(feed, dict) else ""


def _feedparser(body: bytes, url: str) -> Any:
    """Only ever on a stream: bytes that look like a path would be opened. Its sanitiser and resolver stay off."""
    headers = {"content-type": "application/xml; charset=utf-8", "content-location": url}
    parse = _library().parse
    return parse(BytesIO(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False)


@cache
def _library() -> Any:
    """feedparser with the settings that we need, in the child only: it would take 5 MB of the daemon.

    For each element it joins the base to itself and copies what it knows of the content: both are done more cheaply.
    """
    import feedparser

    feedparser.api.PREFERRED_XML_PARSERS.clear()  # expat, which the gate has tried, and no other parser
    mixin = feedparser.mixin
    mixin._FeedParserMixin.can_be_relative_uri.discard("id")  # a guid is a name: joined to the URL it would move
    mixin.make_safe_absolute_uri = _remembering(mixin.make_safe_absolute_uri)
    mixin.copy = _Copies
    return feedparser


def _remembering(join_safely: Callable[[str, str], str]) -> Callable[[str, str], str]:
    """The same for two short texts, remembered; bounded, for they come from outside."""
    known = lru_cache(maxsize=256)(join_safely)
    return lambda base, rel: (known if len(base) + len(rel) <= _LONGEST_BASE else join_safely)(base, rel)


class _Copies:
    """What feedparser uses of the module `copy`."""

    @staticmethod
    def deepcopy(value: dict[str, Any]) -> dict[str, Any]:
        """A dictionary of nothing but texts is copied without looking into them."""
        flat = all([one is None or isinstance(one, str) for one in value.values()])
        return type(value)(value) if flat else deepcopy(value)


def _safe_row(item: Any, n: int, url: str, dated: bool, problems: list[Problem]) -> RawEntry | None:
    """One bad entry is a Problem and never fails the feed."""
    where = _place(n)
    try:
        row = _row(item, where, url, dated)
    except (ReadFailed, ValueError, TypeError, KeyError, AttributeError) as error:
        problems.append(
            Problem("bad_entry", f"it can't be read ({error}) and is left out; the others are not affected", where)
        )
        return None
    if not row.title:
        problems.append(Problem("entry_without_title", "it has no title and no text; it is left out", where))
        return None
    if not row.url and dict.get(item, "link"):
        problems.append(
            Problem("bad_link", f"{str(item['link'])[:80]!r} is no web address; the entry has none", where)
        )
    return row


def _row(item: Any, where: str, url: str, dated: bool) -> RawEntry:
    key, content, base = squeeze(str(dict.get(item, "id") or "")), *_content_of(item, url)
    description = str(dict.get(item, "summary") or "")
    if description == str(_first_content(item).get("value", "")):
        description = ""  # feedparser copies the content there when a feed has no summary
    summary = plain(description)[:_SUMMARY]
    published, updated = str(dict.get(item, "published") or ""), str(dict.get(item, "updated") or "")
    if dated and not published:
        published, updated = updated, ""  # dc:date says when it appeared; feedparser files it under updated
    return RawEntry(
        where=where,
        key=key,
        title=_title(item) or (summary or plain(content))[:80],
        url=_link(item, key, url),
        published=published,
        updated=updated,
        summary=summary,
        description_html=description,
        content_html=content,
        author=_author(item),
        categories=_categories(item),
        attachments=_files(item, base),
    )


def _title(item: Any) -> str:
    detail = dict.get(item, "title_detail") or {}
    value = str(dict.get(item, "title") or "")
    return plain(value) if detail.get("type") in ("text/html", "application/xhtml+xml") else squeeze(value)


def _link(item: Any, key: str, url: str) -> str:
    """The document's address; a guid that isn't itself one makes none."""
    link = str(dict.get(item, "link") or "")
    return "" if link == key and not link.startswith(("http://", "https://")) else join(url, link) if link else ""


def _first_content(item: Any) -> Any:
    contents = dict.get(item, "content") or []
    marked = [one for one in contents if one.get("type") != "text/plain"]
    return next((one for one in [*marked, *contents] if one.get("value")), {})


def _content_of(item: Any, url: str) -> tuple[str, str]:
    """The content as HTML, absolute where the feed sets an xml:base of its own, and that base."""
    content = _first_content(item)
    base = str(content.get("base") or (dict.get(item, "title_detail") or {}).get("base") or url)
    value = str(content.get("value") or "")
    if content.get("type") == "text/plain":
        return "".join(f"<p>{_escape(line)}</p>" for line in value.splitlines() if line.strip()), base
    return (absolute_fragment(value, base) if value and base != url else value), base


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _author(item: Any) -> str:
    names = [squeeze(str(one.get("name") or one.get("email") or "")) for one in dict.get(item, "authors") or []]
    return ", ".join(name for name in names if name)


def _categories(item: Any) -> tuple[str, ...]:
    tags = dict.get(item, "tags") or []
    return tuple(
        dict.fromkeys(word for tag in tags if (word := squeeze(str(tag.get("label") or tag.get("term") or ""))))
    )


def _files(item: Any, base: str) -> tuple[AttachmentLink, ...]:
    """Enclosures and media, each address once."""
    found: dict[str, AttachmentLink] = {}
    enclosed = [link for link in dict.get(item, "links") or [] if link.get("rel") == "enclosure"]
    for one in [*enclosed, *(dict.get(item, "media_content") or [])]:
        address = join(base, str(one.get("href") or one.get("url") or ""))
        size = str(one.get("length") or one.get("filesize") or "")
        length = int(size) if size.isascii() and size.isdigit() and len(size) < 16 else None
        if address:
            found.setdefault(
                address, AttachmentLink(address, str(one.get("type") or ""), length, str(one.get("title") or ""))
            )
    return tuple(found.values())


def _grave(stone: Tombstone, n: int, url: str) -> RawEntry:
    """A withdrawn entry; its address is told only if the tombstone links to it or is it."""
    link = stone.link or (stone.ref if stone.ref.startswith(("http://", "https://")) else "")
    return RawEntry(
        where=f"deleted-entry[{n}]",
        key=squeeze(stone.ref),
        title=squeeze(stone.comment),
        url=join(url, link) if link else "",
        updated=stone.when,
        withdrawn=True,
    )


def _linked(feed: Any, relation: str, url: str) -> tuple[str, ...]:
    """The addresses that the feed itself links to by a relation, each once."""
    links = [str(one.get("href") or "") for one in dict.get(feed, "links") or [] if one.get("rel") == relation]
    return tuple(dict.fromkeys(found for link in links if (found := join(url, link))))


def _skips(gated: Gated) -> Skips:
    """skipHours and skipDays of RSS; feedparser would give the last of each only. An hour of 24 is 0, as RSS 0.91 counts."""
    hours = {int(text) % 24 for text in gated.skip_hours if text.isascii() and text.isdigit() and int(text[:4]) <= 24}
    days = {_DAYS.index(day) for text in gated.skip_days if (day := text.lower()[:3]) in _DAYS}
    return Skips(tuple(sorted(hours)), tuple(sorted(days)))


def _ttl(feed: Any) -> float | None:
    """Seconds that the feed asks to be left alone for, by ttl or sy:updatePeriod."""
    ttl = str(dict.get(feed, "ttl") or "").strip()
    if ttl.isascii() and ttl.isdigit() and 0 < len(ttl) < 8:
        return int(ttl) * 60.0 or None
    period = _PERIODS.get(str(dict.get(feed, "sy_updateperiod") or "").strip().lower())
    often = str(dict.get(feed, "sy_updatefrequency") or "1").strip()
    return (
        period / max(1, int(often)) if period and often.isascii() and often.isdigit() and len(often) < 6 else period
    )
