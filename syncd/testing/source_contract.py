"""The contract of a source as tests: subclass SourceContract with a class, a list and a page, and every promise is checked."""

# ruff: noqa: PT018 - these are tests, kept where plug-ins can import them

from __future__ import annotations

import asyncio
import os
import pickle
import re
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import CodeType, FrameType
from typing import Any, ClassVar, NoReturn, TypeVar
from urllib.parse import urlsplit

import pytest

from syncd import config, plugins
from syncd.child import Child, Inline
from syncd.errors import ReadFailed
from syncd.model import Entry, Instant, Problem
from syncd.sources.api import VERSION, Listing, Page, Run, Source, SourceConfig, Tools
from syncd.sources.html import squeeze
from syncd.web.api import Answer

NOW = datetime(2027, 1, 4, tzinfo=UTC)
"""When the samples are read; nothing in them may lie ahead of it."""
LATER = NOW + timedelta(days=400)
EMPTY = {"nothing": b"", "blanks": b" \r\n\t", "a byte order mark": b"\xef\xbb\xbf", "zeros": b"\0" * 64}
OTHERS: Mapping[str, tuple[str, str]] = {
    "an error page": (
        "text/html",
        "<!DOCTYPE html><html><head><title>503 系统维护</title></head><body><h1>系统维护中</h1></body></html>",
    ),
    "a log-in page": (
        "text/html",
        "<html><head><title>统一身份认证</title></head><body><form action='/login'><input name='user'>"
        "<input type='password' name='password'><a href='/forgot'>忘记密码</a></form></body></html>",
    ),
    "a firewall's script": ("text/html", "<html><script>location='/waf?'+Math.random()</script></html>"),
    "a JSON error": ("application/json", '{"code": 500, "message": "系统繁忙，请稍后再试", "data": null}'),
    "an empty JSON list": ("application/json", "[]"),
    "a word": ("text/plain", "OK"),
    "another XML": ("text/xml", '<?xml version="1.0"?><opml version="2.0"><body><outline text="x"/></body></opml>'),
    "a PDF": ("application/pdf", "%PDF-1.7\n1 0 obj <</Type /Catalog>> endobj\n%%EOF"),
}
"""What servers send with status 200 in a list's place: (content type, text)."""
LINKS = ("javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "file:///etc/passwd", "mailto:a@b.example", "http://")
DATES = ("0000-00-00", "2024-02-30", "1970-01-01", "9999-12-31", "昨天", "2026-04-15T17:15:40+99:99")
ENCODINGS = tuple(
    (codec, declared)
    for codec in ("gb2312", "gbk", "gb18030", "big5", "utf-8", "utf-16")
    for declared in dict.fromkeys((codec, "utf-8", "gb2312", "big5", "iso-8859-1", ""))
)
"""(codec of the bytes, what header and body say it is; "" for nothing)."""

_TRADITIONAL = str.maketrans("关于办务发号县产业规实标准东机", "關於辦務發號縣產業規實標準東機")
_DECLARED = re.compile(r"""(\s?\b(?:encoding|charset)\s*=\s*["']?)[\w.:-]+(["']?)""", re.IGNORECASE)
_WORD = re.compile(r"[a-z][a-z0-9_]{1,40}")
_MEGA = 1024 * 1024
_KILLED = ("parse_timeout", "parse_memory", "parse_crashed")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ListSample:
    """A list of at least five rows of which every word is known. Its titles are in Chinese, without markup or escapes.

    body: as a server sends it. titles: in its order, each as it stands in the body. link, date: of the first row, as they
    stand there ("" for a list without dates). url: where it is had. encoding: of the body. keys: as expected, () for any.
    first: the first row's time as ISO 8601 where the source's zone is +08:00. next: the address of the page behind, or "".
    """

    body: bytes
    titles: tuple[str, ...]
    link: str
    date: str = ""
    url: str = "https://list.example/zc/list"
    content_type: str = ""
    encoding: str = "utf-8"
    keys: tuple[str, ...] = ()
    first: str = ""
    next: str = ""

    @property
    def text(self) -> str:
        return self.body.decode(self.encoding)

    def saying(self, text: str) -> ListSample:
        """The same list with another text."""
        return replace(self, body=text.encode(self.encoding, "replace"))


@dataclass(frozen=True, slots=True)
class PageSample:
    """A document's page. title: as expected. text: a sentence of its body. url: where it is had. page: what the list's row
    names it by, of a source that finds pages so (Entry.page)."""

    body: bytes
    title: str
    text: str
    url: str = "https://list.example/zc/1.htm"
    content_type: str = "text/html; charset=utf-8"
    page: str = ""


class SourceContract:
    """What every source must do. A subclass gives `source`, `good_list`, and what else applies."""

    source: ClassVar[type[Source]]
    good_list: ClassVar[ListSample]
    options: ClassVar[Mapping[str, Any]] = {}
    """As an operator writes them; `max_entries` among those that the source knows."""
    document_page: ClassVar[PageSample | None] = None
    cuts_show: ClassVar[bool] = True
    """False where the format itself can't show that a body was cut, as a bare text can't; then only Content-Length can."""
    rows_stand_alone: ClassVar[bool] = True
    """False for a list that is signed as a whole: one spoilt row spoils all of it."""

    # --- what it is --------------------------------------------------------------------------------------------------

    def test_syncd_would_load_it(self) -> None:
        members = ("api_version", "kind", "Options", "parse", "page_of", "read_page")
        plugins.refuse_unfit("syncd.sources", self.source.kind, self.source, version=VERSION, members=members)
        assert _WORD.fullmatch(self.source.kind), "its kind is the word that an operator writes"

    def test_options_are_refused_if_unknown_and_taken_if_known(self) -> None:
        _, problems = config.options_of(self.source.Options, self.options, where="options")
        assert problems == []
        _, problems = config.options_of(self.source.Options, {**self.options, "no_such_option": 1}, where="options")
        assert problems, "a word that it does not know must be told, not passed over"

    def test_the_sample_can_show_what_is_asked(self) -> None:
        sample = self.good_list
        assert len(sample.titles) >= 5, "fewer rows would show little"
        assert all(sample.text.count(title) for title in sample.titles), "each title must stand in the body as it is"
        assert sample.link in sample.text and sample.date in sample.text
        assert all(re.search("[\u4e00-\u9fff]", title) for title in sample.titles), "titles must be Chinese"

    # --- the list as it should be ------------------------------------------------------------------------------------

    def test_a_good_list_gives_its_entries_in_order_and_no_problem(self) -> None:
        found = self.read(self.good_list)
        assert tuple(entry.title for entry in found.entries) == self.good_list.titles
        assert found.problems == ()
        assert not self.good_list.keys or tuple(entry.key for entry in found.entries) == self.good_list.keys
        assert found.next == self.good_list.next
        assert all(entry.aliases for entry in found.entries), "an entry without a name is never known again"

    def test_the_first_rows_time_is_the_right_moment(self) -> None:
        if not self.good_list.first:
            pytest.skip("the sample's list tells no times")
        published = self.read(self.good_list).entries[0].published
        assert published is not None
        assert published.at == datetime.fromisoformat(self.good_list.first)

    def test_a_date_without_a_zone_is_read_in_the_sources_zone(self) -> None:
        there = [entry.published for entry in self.read(self.good_list, zone="+00:00").entries]
        here = [entry.published for entry in self.read(self.good_list, zone="+08:00").entries]
        for west, east in zip(there, here, strict=True):
            assert (west is None) == (east is None)
            if west is not None and east is not None:
                _check_zones(west, east)

    def test_the_same_bytes_give_the_same_values_here_and_in_the_child(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever this process remembers, and wherever the child thinks that it lives."""
        here = self.read(self.good_list)
        assert self.read(self.good_list) == here
        assert isinstance(hash(here.entries), int)
        assert pickle.loads(pickle.dumps(here)) == here  # noqa: S301 - our own
        monkeypatch.setenv("TZ", "America/New_York")
        assert self.in_child(lambda source: source.parse(answer_of(self.good_list))) == here

    def test_the_same_bytes_give_the_same_values_at_any_time(self) -> None:
        """A clock may only refuse what lies ahead of it."""
        later = self.outcome(self.made(now=LATER).parse(answer_of(self.good_list)))
        assert later == self.read(self.good_list)

    def test_bytes_are_taken_apart_in_the_child_only(self) -> None:
        """The loop would stand still meanwhile: what parse gives is made of what `tools.run` returned, and of nothing else."""
        first, again = _Recorder(), answer_of(replace(self.good_list, body=b"\xff not these bytes"))
        found = run(self.made(run=first.run).parse(answer_of(self.good_list)))
        assert first.results, "parse did not use tools.run"
        assert run(self.made(run=first.replay).parse(again)) == found

    def test_it_uses_neither_clock_nor_network_nor_environment(self) -> None:
        with watched(self.source.__module__.partition(".")[0]) as seen:
            self.read(self.good_list)
            if self.document_page is not None:
                self.read_page(self.document_page)
        assert seen == set()

    def test_the_address_to_read_is_of_the_web_or_none(self) -> None:
        source = self.made()
        for entry in self.read(self.good_list).entries:
            assert source.page_of(entry) == "" or is_web(source.page_of(entry))

    # --- bytes -------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(("codec", "declared"), ENCODINGS)
    @pytest.mark.parametrize("header", [True, False])
    def test_titles_are_right_in_every_encoding_or_it_is_told(self, codec: str, declared: str, header: bool) -> None:
        sample, titles = transcoded(self.good_list, codec, declared, header=header)
        found = self.tried(sample)
        if not is_loud(found):
            assert tuple(entry.title for entry in entries_of(found)) == titles

    def test_a_byte_order_mark_changes_nothing(self) -> None:
        plain, _ = transcoded(self.good_list, "utf-8", "utf-8", header=False)
        marked = self.tried(replace(plain, body=b"\xef\xbb\xbf" + plain.body))
        if self.rows_stand_alone:
            assert marked == self.tried(plain)
        else:
            assert is_loud(marked) or marked == self.tried(plain)

    @pytest.mark.parametrize("codec", ["utf-8", "gbk"])
    def test_one_bad_byte_is_told_and_spoils_one_title(self, codec: str) -> None:
        sample, titles = transcoded(self.good_list, codec, codec, header=True)
        spoilt = titles[1][:2].encode(codec) + b"\xff" + titles[1][2:].encode(codec)
        found = self.tried(replace(sample, body=sample.body.replace(titles[1].encode(codec), spoilt, 1)))
        assert is_loud(found)
        if isinstance(found, Listing):
            assert {*titles} - {entry.title for entry in found.entries} <= {titles[1]}

    @pytest.mark.parametrize("name", EMPTY)
    def test_an_empty_body_is_a_failed_read(self, name: str) -> None:
        self.failed(replace(self.good_list, body=EMPTY[name]))

    @pytest.mark.parametrize("name", OTHERS)
    @pytest.mark.parametrize("honest", [True, False], ids=["says so", "says it is the list"])
    def test_another_thing_in_its_place_is_a_failed_read(self, name: str, honest: bool) -> None:
        sort, text = OTHERS[name]
        content_type = f"{sort}; charset=utf-8" if honest else self.good_list.content_type
        self.failed(replace(self.good_list, body=text.encode(), content_type=content_type))

    @pytest.mark.parametrize("tenths", range(1, 10))
    def test_a_list_that_is_cut_is_never_a_shorter_list(self, tenths: int) -> None:
        body, whole = self.good_list.body, self.read(self.good_list)
        found = self.tried(replace(self.good_list, body=body[: len(body) * tenths // 10]))
        if is_loud(found) or entries_of(found) == whole.entries:
            return
        assert not self.cuts_show, "rows are missing, and nobody is told"
        assert entries_of(found) and set(entries_of(found)) < set(whole.entries), "a half row is taken for a whole one"

    # --- one bad row -------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("link", LINKS)
    def test_a_link_that_leads_nowhere_is_told_and_the_other_rows_stand(self, link: str) -> None:
        found = self.tried(self.good_list.saying(self.good_list.text.replace(self.good_list.link, link, 1)))
        self.stands(found)

    @pytest.mark.parametrize("date", DATES)
    def test_an_absurd_date_is_told_and_never_a_time(self, date: str) -> None:
        if not self.good_list.date:
            pytest.skip("the sample's list has no dates")
        found = self.tried(self.good_list.saying(self.good_list.text.replace(self.good_list.date, date, 1)))
        self.stands(found)
        first = next((entry for entry in entries_of(found) if entry.title == self.good_list.titles[0]), None)
        assert first is None or first.published is None

    def test_a_row_without_a_title_is_told_or_named_by_its_text(self) -> None:
        found = self.tried(self.good_list.saying(self.good_list.text.replace(self.good_list.titles[0], "", 1)))
        if len(entries_of(found)) < len(self.good_list.titles):
            self.stands(found)

    def test_the_same_row_twice_is_one_entry_and_told(self) -> None:
        """Two rows with one link and one title: whatever the list calls them, keys stay unique (every read checks that)."""
        first, second = self.good_list.titles[:2]
        found = self.tried(self.good_list.saying(self.good_list.text.replace(second, first)))
        assert isinstance(found, ReadFailed) or len(found.entries) + len(found.problems) >= len(self.good_list.titles)

    @pytest.mark.parametrize("spoilt", ["\x01{}", "{}\x1b[31m", "<em>{}</em>", "{}\u200b", "\t{} "])
    def test_a_title_is_plain_text_on_one_line(self, spoilt: str) -> None:
        title = self.good_list.titles[0]
        found = self.tried(self.good_list.saying(self.good_list.text.replace(title, spoilt.format(title), 1)))
        assert all("<em>" not in entry.title for entry in entries_of(found))
        assert is_loud(found) or len(entries_of(found)) == len(self.good_list.titles)

    # --- bodies made to harm -----------------------------------------------------------------------------------------

    def test_bodies_made_to_harm_are_refused_in_time_by_itself(self) -> None:
        """Each in the child, with its limits; a source that has to be killed holds up all others meanwhile."""
        bodies = hostile(self.good_list)
        told = self.in_child(lambda source: _outcomes(source, self.good_list, bodies))
        assert {name: outcome for name, outcome in told.items() if not _is_refused(outcome)} == {}

    def test_an_endless_title_never_comes_out(self) -> None:
        endless = self.good_list.text.replace(self.good_list.titles[0], "长" * _MEGA, 1)
        outcome = self.in_child(lambda source: _outcomes(source, self.good_list, {"it": endless.encode("utf-8")}))["it"]
        assert _is_refused(outcome) or (isinstance(outcome, Listing) and is_loud(self.sound(outcome)))
        assert all(len(entry.title) <= 2_000 for entry in entries_of(outcome))

    def test_more_entries_than_allowed_is_an_error_and_nothing_is_cut_off(self) -> None:
        count = len(self.good_list.titles)
        assert self.failed(self.good_list, max_entries=count - 1).reason == "too_many_entries"
        assert len(self.read(self.good_list, max_entries=count).entries) == count

    # --- the document's page -----------------------------------------------------------------------------------------

    def test_a_page_gives_title_and_text(self) -> None:
        page = self.read_page(self.page_sample())
        assert page.title == self.page_sample().title
        assert self.page_sample().text in page.html
        assert page.problems == ()

    def test_a_page_is_the_same_in_the_child_and_made_there(self) -> None:
        sample, recorder = self.page_sample(), _Recorder()
        here = self.read_page(sample)
        assert self.in_child(lambda source: source.read_page(_entry(sample), answer_of(sample))) == here
        assert run(self.made(run=recorder.run).read_page(_entry(sample), answer_of(sample))) == here
        other = answer_of(replace(sample, body=b"\xff not these bytes"))
        assert run(self.made(run=recorder.replay).read_page(_entry(sample), other)) == here

    @pytest.mark.parametrize("name", [*EMPTY, "an error page", "a log-in page", "a JSON error", "a firewall's script"])
    def test_a_page_without_the_document_is_a_failed_read(self, name: str) -> None:
        body = EMPTY[name] if name in EMPTY else OTHERS[name][1].encode()
        sample = replace(self.page_sample(), body=body)
        outcome = self.outcome(self.made().read_page(_entry(sample), answer_of(sample)))
        assert isinstance(outcome, ReadFailed), "a barrier is no document"

    def test_a_page_made_to_harm_is_refused_in_time(self) -> None:
        sample = replace(self.page_sample(), body=b"<div>" * 100_000)
        outcome = self.in_child(lambda source: _settled(source.read_page(_entry(sample), answer_of(sample))))
        assert _is_refused(outcome), outcome

    # --- how cases look at it ----------------------------------------------------------------------------------------

    def made(self, *, run: Run | None = None, zone: str = "+08:00", now: datetime = NOW, **options: Any) -> Source:
        """The source as the daemon makes it, with a still clock; its client fails whoever uses it."""
        valid = self.source.Options.model_validate({**self.options, **options})
        tools = Tools(_Forbidden("the network"), run or Inline().run, lambda: now, zone, "source")
        return self.source(SourceConfig("contract", self.good_list.url, valid), tools)

    def page_sample(self) -> PageSample:
        if self.document_page is None:
            pytest.skip("this source reads no pages")
        return self.document_page

    def tried(self, sample: ListSample, *, zone: str = "+08:00", **options: Any) -> Listing | ReadFailed:
        """The listing, or the failure; both are in good order, and any other exception is a bug."""
        outcome = self.outcome(self.made(zone=zone, **options).parse(answer_of(sample)))
        return outcome if isinstance(outcome, ReadFailed) else self.sound(outcome, sample.url)

    def read(self, sample: ListSample, *, zone: str = "+08:00", **options: Any) -> Listing:
        outcome = self.tried(sample, zone=zone, **options)
        assert isinstance(outcome, Listing), outcome
        return outcome

    def failed(self, sample: ListSample, **options: Any) -> ReadFailed:
        outcome = self.tried(sample, **options)
        assert isinstance(outcome, ReadFailed), f"taken for a list: {outcome}"
        return outcome

    def read_page(self, sample: PageSample) -> Page:
        outcome = self.outcome(self.made().read_page(_entry(sample), answer_of(sample)))
        assert isinstance(outcome, Page), outcome
        _check_page(outcome)
        return outcome

    def outcome(self, work: Awaitable[T]) -> T | ReadFailed:
        return _checked(run(_settled(work)))

    def in_child(self, use: Callable[[Source], Awaitable[T]]) -> T:
        """What comes of the source in a fresh child, which ends with it."""

        async def used() -> T:
            child = Child()
            try:
                return await use(self.made(run=child.run))
            finally:
                await child.aclose()

        return asyncio.run(used())

    def sound(self, listing: Listing, url: str = "") -> Listing:
        """The listing, of which everything holds that must hold of any listing, whatever it was made of."""
        keys = [entry.key for entry in listing.entries]
        assert all(keys) and len(set(keys)) == len(keys), "each entry has a key, and no two have the same"
        for entry in listing.entries:
            _check_entry(entry)
        for problem in listing.problems:
            _check_problem(problem)
        assert listing.ttl is None or listing.ttl >= 0
        assert listing.next == "" or (is_web(listing.next) and listing.next != url)
        return listing

    def stands(self, found: Listing | ReadFailed) -> None:
        """One row is spoilt: that is told, and the others are there."""
        assert is_loud(found), "the row is spoilt, and nobody is told"
        if self.rows_stand_alone:
            assert isinstance(found, Listing), f"one bad row failed the list: {found}"
            assert {*self.good_list.titles[1:]} <= {entry.title for entry in found.entries}


# --- values in good order ------------------------------------------------------------------------------------------------


def is_web(url: str) -> bool:
    """An absolute http(s) address with a host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and squeeze(url) == url


def is_loud(found: object) -> bool:
    """Somebody is told that not all is well."""
    return isinstance(found, ReadFailed) or (isinstance(found, Listing) and bool(found.problems))


def entries_of(found: object) -> tuple[Entry, ...]:
    return found.entries if isinstance(found, Listing) else ()


def _check_entry(entry: Entry) -> None:
    assert entry.title or entry.withdrawn, "an entry has a title"
    assert entry.title == squeeze(entry.title), f"a title is plain text on one line: {entry.title!r}"
    assert not any(ord(letter) < 32 or ord(letter) == 127 for letter in entry.title)
    assert max(len(entry.key), len(entry.title), len(entry.url)) <= 2_000
    for url in (entry.url, *(file.url for file in entry.attachments)):
        assert url == "" or is_web(url), f"{url!r} is no address of the web"
    told = "".join((entry.key, entry.title, entry.url, entry.summary, entry.content_html, *entry.aliases))
    assert told.encode(), "half a character can be neither hashed nor stored"
    for instant in (entry.published, entry.updated):
        _check_instant(instant)


def _check_instant(instant: Instant | None) -> None:
    if instant is None:
        return
    assert instant.at.utcoffset() == timedelta(0), "an instant is kept in UTC"
    assert 1990 <= instant.at.year < 2200
    assert instant.raw and instant.zone, "what it was read from, and in which zone, is kept"
    assert instant.zone_origin in ("explicit", "source", "config", "default")


def _check_zones(west: Instant, east: Instant) -> None:
    """One date, read where the source's zone is +00:00 and +08:00."""
    assert (west.precision, west.raw, west.zone_origin) == (east.precision, east.raw, east.zone_origin)
    if west.zone_origin == "explicit":
        assert west == east, "a zone that stands in the text is not the source's"
        return
    assert (west.zone, east.zone, west.zone_origin) == ("+00:00", "+08:00", "source")
    assert west.at - east.at == timedelta(hours=8)
    if west.precision == "day":
        assert west.at.time() == datetime.min.time(), "a day begins at its midnight"


def _check_problem(problem: Problem) -> None:
    assert _WORD.fullmatch(problem.reason), f"a reason is one word of few: {problem.reason!r}"
    assert problem.hint, "a problem says what it is and what to do"


def _check_page(page: Page) -> None:
    assert page.title == squeeze(page.title) and page.html.strip()
    assert all(is_web(file.url) for file in page.attachments)
    for instant in (page.published, page.updated):
        _check_instant(instant)
    for problem in page.problems:
        _check_problem(problem)


def _checked(outcome: T | ReadFailed) -> T | ReadFailed:
    if isinstance(outcome, ReadFailed):
        assert outcome.reason != "parse_failed", f"a bug, not an error: {outcome}"
        assert _WORD.fullmatch(outcome.reason), f"a reason is one word of few: {outcome.reason!r}"
        assert outcome.hint, f"an error says what to do: {outcome}"
    return outcome


def _is_refused(outcome: object) -> bool:
    return isinstance(outcome, ReadFailed) and outcome.reason not in (*_KILLED, "parse_failed") and bool(outcome.hint)


# --- how it is run -------------------------------------------------------------------------------------------------------


def run(work: Awaitable[T]) -> T:
    async def awaited() -> T:
        return await work

    return asyncio.run(awaited())


async def _settled(work: Awaitable[T]) -> T | ReadFailed:
    try:
        return await work
    except ReadFailed as failure:
        return failure


async def _outcomes(source: Source, sample: ListSample, bodies: Mapping[str, bytes]) -> dict[str, Listing | ReadFailed]:
    return {
        name: await _settled(source.parse(answer_of(replace(sample, body=body, content_type=""))))
        for name, body in bodies.items()
    }


def answer_of(sample: ListSample | PageSample) -> Answer:
    """It as a server would have sent it."""
    headers = ((b"content-type", sample.content_type.encode()),) if sample.content_type else ()
    return Answer(status=200, url=sample.url, headers=headers, body=sample.body, started=NOW, ended=NOW)


def _entry(sample: PageSample) -> Entry:
    return Entry(sample.url, sample.title, sample.url, page=sample.page)


class _Forbidden:
    """Whatever is asked of it fails the case."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __getattr__(self, name: str) -> NoReturn:
        raise AssertionError(f"a source uses {self._what} ({name}); what it needs is in its arguments")


@dataclass
class _Recorder:
    """Runs jobs and keeps what they returned, to be given again."""

    results: list[Any] = field(default_factory=list)
    given: Iterator[Any] | None = None

    async def run(self, function: Callable[..., Any], *args: Any, **more: Any) -> Any:
        self.results.append(await Inline().run(function, *args, **more))
        return self.results[-1]

    async def replay(self, *_: Any, **__: Any) -> Any:
        self.given = self.given or iter(self.results)
        return next(self.given)


_CLOCK = {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "date.today", "datetime.today"}
_NETWORK = {"connect", "connect_ex", "getaddrinfo", "sendto", "fork_exec", "posix_spawn", "system", "fork"}
_ENVIRONMENT: dict[CodeType, str] = {os.environ.__class__.__getitem__.__code__: "os.environ", os.getenv.__code__: "os.getenv"}


@contextmanager
def watched(package: str) -> Iterator[set[str]]:
    """What is done meanwhile that a source may not: reach out, or, by code of the package, ask clock or environment."""
    seen: set[str] = set()

    def look(frame: FrameType, event: str, arg: Any) -> None:
        if event == "c_call":
            seen.update(_reached(arg, ours=_is_of(frame, package)))
        elif event == "call" and frame.f_code in _ENVIRONMENT and _is_of(_asker(frame), package):
            seen.add(_ENVIRONMENT[frame.f_code])

    sys.setprofile(look)
    try:
        yield seen
    finally:
        sys.setprofile(None)


def _reached(called: Any, *, ours: bool) -> Iterable[str]:
    name = getattr(called, "__qualname__", "")
    owner = getattr(called, "__module__", None)
    full = f"{owner}.{name}" if isinstance(owner, str) else name
    if owner in ("_socket", "_posixsubprocess", "posix") or name.startswith("socket."):
        return [full] if name.rpartition(".")[2] in _NETWORK else []
    return [full] if ours and (full in _CLOCK or full in ("io.open", "_io.open")) else []


def _asker(frame: FrameType) -> FrameType | None:
    """Who asks the environment: the first that isn't the environment's own code."""
    found: FrameType | None = frame
    while found is not None and found.f_globals.get("__name__") in ("os", "collections.abc", "_collections_abc"):
        found = found.f_back
    return found


def _is_of(frame: FrameType | None, package: str) -> bool:
    return frame is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] == package


# --- other lists made of the good one ------------------------------------------------------------------------------------


def transcoded(sample: ListSample, codec: str, declared: str, *, header: bool) -> tuple[ListSample, tuple[str, ...]]:
    """The list in another encoding, and its titles there. declared: what the body, and with `header` the server, says it is.

    Characters that an encoding lacks are replaced: Big5 has traditional ones only.
    """
    titles = tuple(_within(title, codec) for title in sample.titles)
    text = _within(sample.text, codec)
    text = _DECLARED.sub(rf"\g<1>{declared}\g<2>" if declared else "", text, count=1)
    kind = sample.content_type.partition(";")[0]
    sort = f"{kind or 'text/plain'}; charset={declared}" if header and declared else kind
    return replace(sample, body=text.encode(codec), content_type=sort, encoding=codec), titles


def _within(text: str, codec: str) -> str:
    text = text.translate(_TRADITIONAL) if codec == "big5" else text
    return "".join(letter if _has(codec, letter) else "文" for letter in text)


def _has(codec: str, letter: str) -> bool:
    try:
        letter.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def hostile(sample: ListSample) -> dict[str, bytes]:
    """Bodies that hang, fill or fool a careless reader; none of them is a list."""
    laughs = "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    return {
        "an entity bomb": f'<!DOCTYPE z [<!ENTITY a "ha">{laughs}]><rss><channel>&j;</channel></rss>'.encode(),
        "an entity that is a file": b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><rss><channel>&f;</channel></rss>',
        "nested elements": b"<a>" * 100_000,
        "nested divisions": b"<html><body>" + b"<div>" * 100_000,
        "nested lists": b"[" * 100_000,
        "nested objects": b'{"a":' * 100_000,
        "a path": b"/etc/passwd",
        "a device": b"/dev/zero",
        "an address": b"http://127.0.0.1:9/list",
        "10 MB of blanks": b" " * (10 * _MEGA),
        "10 MB of a letter": b"x" * (10 * _MEGA),
        "10 MB of tags": b"<" * (10 * _MEGA),
        "10 MB of lines": b"x\n" * (5 * _MEGA),
        "10 MB of a digit": b"9" * (10 * _MEGA),
        "a number without end": b"[" + b"9" * 100_000 + b"]",
        "random bytes": bytes((n * n * 31 + n * 7) % 251 for n in range(100_000)),
        "half a list again and again": sample.body[: len(sample.body) // 2] * max(2, _MEGA // len(sample.body)),
    }
