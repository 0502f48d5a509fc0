"""gov.cn's own lists (ZUIXINZHENGCE.json and its sisters) and its document pages, in both of their layouts."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, cast
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from syncd.errors import ReadFailed
from syncd.model import AttachmentLink, Entry, Problem
from syncd.sources.api import Listing, Page, SourceConfig, Tools
from syncd.sources.dates import parse_written, read_instant
from syncd.sources.decode import decode
from syncd.sources.html import Html, join, plain, squeeze
from syncd.sources.jsonfeed import read_json, shape
from syncd.sources.page import no_body
from syncd.sources.raw import RawEntry, RawList, bounded, entries, identified, naming
from syncd.web.api import Answer

BODIES = ("#UCAP-CONTENT", ".trs_editor_view", ".pages_content", ".TRS_Editor", ".article-content", "#zoom")
HEADERS = (
    "table.bd1 td",
    ".policyLibraryOverview_header table td",
    ".policyLibraryOverview_header li span",
    "table.bd1 th, table.bd1 td",
)
"""Cells of the header: the State Council's layout, the policy library's, and its list for small screens."""
_LABELS = ("标题", "发文机关", "发文字号", "索引号", "来源", "主题分类", "公文种类", "成文日期", "发布日期")
_NONE = frozenset(("", "-", "—", "——", "无"))


class GovcnOptions(BaseModel):
    """What `options` of gov.cn's lists takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    body_selector: str = ""
    """CSS selector of the body on the document's page, tried before the known ones; for the day of a redesign."""
    max_entries: int = Field(default=10_000, ge=1, le=100_000)


@dataclass(frozen=True, slots=True)
class RawDocument:
    """A document's page as it stands. header: label to text, labels without blanks and colons."""

    html: str
    title: str
    header: tuple[tuple[str, str], ...]
    published: str
    updated: str
    attachments: tuple[AttachmentLink, ...]
    problems: tuple[Problem, ...]


class GovcnSource:
    """A list of gov.cn. `Kind(config, tools)`; see sources.api.Source."""

    api_version: ClassVar[int] = 1
    kind: ClassVar[str] = "govcn"
    Options: ClassVar[type[BaseModel]] = GovcnOptions

    def __init__(self, config: SourceConfig, tools: Tools) -> None:
        self._config, self._tools = config, tools
        self._options = config.options if isinstance(config.options, GovcnOptions) else GovcnOptions()

    async def parse(self, answer: Answer) -> Listing:
        """As Source.parse: dates only, titles as displayed."""
        most = self._options.max_entries
        raw = cast(
            RawList, await self._tools.run(read_list, answer.body, answer.header("content-type"), answer.url, most)
        )
        problems = list(raw.problems)
        return Listing(
            entries(list(raw.entries), naming(self._config, self._tools, "list"), problems), bounded(problems)
        )

    def page_of(self, entry: Entry) -> str:
        """Always its own page: the list has neither text, number nor time of day."""
        return entry.url

    async def read_page(self, entry: Entry, answer: Answer) -> Page:
        """As Source.read_page; the title is the document's own, from the header table."""
        raw = cast(
            RawDocument,
            await self._tools.run(
                read_document,
                answer.body,
                answer.header("content-type"),
                answer.url,
                self._options.body_selector,
            ),
        )
        return self._page(raw, answer.url)

    def _page(self, raw: RawDocument, url: str) -> Page:
        header, problems = dict(raw.header), list(raw.problems)
        published, updated = (
            read_instant(
                text,
                zone=self._tools.zone,
                zone_origin=self._tools.zone_origin,
                origin="page",
                where=f"{url} {name}",
                problems=problems,
            )
            for text, name in ((raw.published or header.get("发布日期", ""), "published"), (raw.updated, "updated"))
        )
        written = parse_written(header.get("成文日期", ""))
        if header.get("成文日期") and not written:
            problems.append(Problem("bad_date", f"成文日期 {header['成文日期'][:40]!r} is no date", url))
        return Page(
            url=url,
            title=header.get("标题") or raw.title,
            html=raw.html,
            issuer=header.get("发文机关", ""),
            document_number=header.get("发文字号", ""),
            index_number=header.get("索引号", ""),
            origin_name=header.get("来源", ""),
            written=written,
            categories=_categories(header),
            published=published,
            updated=updated,
            attachments=raw.attachments,
            problems=tuple(problems),
        )


def is_list(value: Any) -> bool:
    """Whether a JSON value has the shape of gov.cn's lists."""
    return isinstance(value, list) and any(isinstance(row, dict) and row.keys() >= {"TITLE", "URL"} for row in value)


def read_list(data: bytes, content_type: str, url: str, most: int) -> RawList:
    """A list's rows; the function that the child runs. A row without an address, title or date is a Problem.

    Raises ReadFailed: empty_body, bad_encoding, too_many_entries, and
    not_understood for any other shape, an empty list too.
    """
    if not data.strip():
        raise ReadFailed(
            "empty_body", "the body is empty", where=url, hint="open the address in a browser; it is tried again"
        )
    decoded = decode(data, content_type)
    value = read_json(decoded.text)
    if not is_list(value):
        raise ReadFailed(
            "not_understood",
            f"it is {shape(value)}, not a list of rows with TITLE, URL and DOCRELPUBTIME",
            where=url,
            hint="gov.cn may have changed its list, or the address is another kind's; nothing was taken from it",
        )
    if len(value) > most:
        raise ReadFailed(
            "too_many_entries", f"it has {len(value)} rows, more than {most}", hint="raise options.max_entries"
        )
    problems = list(decoded.problems)
    rows = [row for n, item in enumerate(value) if (row := _row(item, f"[{n}]", url, problems))]
    if not rows:
        raise ReadFailed(
            "not_understood", "none of its rows has a title and an address", where=url, hint=problems[0].hint
        )
    return RawList(tuple(identified(rows, problems)), tuple(problems))


def _row(item: Any, where: str, url: str, problems: list[Problem]) -> RawEntry | None:
    if not isinstance(item, dict):
        problems.append(Problem("bad_entry", f"a row must be an object, not {shape(item)}; it is left out", where))
        return None
    title, link = plain(_text(item, "TITLE")), _address(_text(item, "URL"), url)
    for name, value in (("TITLE", title), ("URL", link)):
        if not value:
            problems.append(
                Problem(
                    "bad_entry", f"{name} is {str(item.get(name))[:60]!r}: the row is left out", f"{where}.{name}"
                )
            )
    if not title or not link:
        return None
    date = _text(item, "DOCRELPUBTIME")
    if not date:
        problems.append(
            Problem("no_date", f"{title[:60]!r} has no date; its page is asked", f"{where}.DOCRELPUBTIME")
        )
    return RawEntry(
        where=where, key=link, title=title, url=link, published=date, summary=plain(_text(item, "SUB_TITLE"))
    )


def _text(item: dict[str, Any], name: str) -> str:
    value = item.get(name)
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _address(link: str, base: str) -> str:
    """Absolute, and https on the list's own site if the list is: it shows the same page both ways on different days."""
    url = join(base, link) if link else ""
    if url.startswith("http://") and base.startswith("https://") and urlsplit(url).netloc == urlsplit(base).netloc:
        return f"https://{url.removeprefix('http://')}"
    return url


def read_document(data: bytes, content_type: str, url: str, selector: str) -> RawDocument:
    """A document's page; the function that the child runs. Raises ReadFailed("no_body") when it shows no document."""
    page = Html(data, content_type=content_type, url=url)
    body = page.first([selector, *BODIES] if selector else BODIES)
    if body is None:
        raise no_body(page, "none of the known bodies is on it")
    return RawDocument(
        html=page.outer(body),
        title=page.meta("ArticleTitle", "og:title") or page.text("h1") or _page_title(page),
        header=tuple(_header(page).items()),
        published=page.meta("firstpublishedtime", "PubDate"),
        updated=page.meta("lastmodifiedtime"),
        attachments=page.files(body),
        problems=page.decoded.problems,
    )


def _page_title(page: Html) -> str:
    """The title of the window without the column and the site behind the underscores."""
    return page.text("title").partition("_")[0]


def _header(page: Html) -> dict[str, str]:
    """The header's labels and texts; the first layout that tells anything about a label wins."""
    found: dict[str, str] = {}
    for selector in HEADERS:
        cells = [squeeze(cell.text()) for cell in page.select(selector)]
        for label, value in pairwise(cells):
            name = _label(label)
            if name in _LABELS and _label(value) not in _LABELS and value not in _NONE:
                found.setdefault(name, value)
    return found


def _label(text: str) -> str:
    """A label as a name: 标  题： and 标题 are one, with colons of both widths."""
    return "".join(text.split()).rstrip(":：")


def _categories(header: dict[str, str]) -> tuple[str, ...]:
    r"""主题分类 is a path such as 财政、金融、审计\其他; 公文种类 is a kind such as 意见."""
    return tuple(text for name in ("主题分类", "公文种类") if (text := header.get(name, "")))
