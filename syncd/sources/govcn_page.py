"""gov.cn's pages as they stand: documents in each of their layouts, the gazette, interpretations, news, the English site."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from selectolax.lexbor import LexborNode

from syncd.core import relations
from syncd.model import AttachmentLink, Problem, Relation
from syncd.sources.header import Told, header_of
from syncd.sources.html import Html, join, squeeze
from syncd.sources.page import no_body

BODIES = (
    "#UCAP-CONTENT",
    ".trs_editor_view",
    ".pages_content",
    ".TRS_Editor",
    ".article-content",
    "#zoom",
    "#Content",
    ".article .content",
)
HEADERS = (
    "table.bd1 td",
    ".policyLibraryOverview_header table td",
    ".policyLibraryOverview_header li span",
    "table.bd1 th, table.bd1 td",
)
"""Cells of the header: the State Council's layout, the policy library's, and its list for small screens."""
_ENDED = re.compile(r"失效|废止|修改|修订|停止执行")
_IN_FORCE = re.compile(r"未(?:被)?(?:失效|废止|修改|修订)|^无")
_STAMPED = re.compile(r"[【〔\[（(]\s?((?:已|部分|全文)?(?:失效|废止)(?:失效)?)\s?[】〕\])）]\s*$")
_STAMP = re.compile(r"(?:已|部分|全文)?(?:失效|废止)")
_STAMPS = "[class*=stamp], [class*=shixiao], [class*=feizhi], img[alt]"
_INFO = ".pages-date, .pages_date, .article-date, .infor, .xl_info, #pubtime"
"""The line below a title that tells time and source where no META does: news, older templates, the English site."""
_WHEN = re.compile(
    r"(?:发布时间|Updated|Published)?\s?[:：]?\s?(\d{4}-\d{1,2}-\d{1,2}(?: \d{1,2}:\d{2}(?::\d{2})?)?"
    r"|\d{4}年\d{1,2}月\d{1,2}日(?: \d{1,2}:\d{2})?|[A-Z][a-z]{2,8}\.? \d{1,2}, ?\d{4}(?: \d{1,2}:\d{2})?)"
)
_UPDATED = re.compile(r"\bUpdated\b|更新时间")
_ORIGIN = re.compile(r"(?:来源|Source)\s?[:：]\s?(.{1,60}?)(?=\s{1,3}(?:作者|责任编辑|编辑|字号|分享|打印|【)|[|｜]|$)")
_LINE_NUMBER = re.compile(relations.NUMBER)
_LINE_DAY = re.compile(r"\d{4}\s?年\s?\d{1,2}\s?月\s?\d{1,2}\s?日")
_GAZETTE = re.compile(r"/gongbao/")
_INTERPRETS = re.compile(r"解读|答记者问|一图读懂|图解|吹风会")
_RELATED = ".related a[href], .xg-list a[href], .xgwj a[href], .relevant a[href], .relatedDoc a[href]"
_NAME = re.compile(r"《|关于.+的(?:意见|通知|决定|批复|方案|办法|公告|函)|条例$|办法$|规定$")
_DOCUMENT = re.compile(
    r"^https?://[^/]*/(?:zhengce/(?:content/|zhengceku/|\d{6}/)|gongbao/)(?:[\w/-]*/)?content_\d+\.html?$"
)
_META = re.compile(r"<meta[^>]{1,100}name\s?=\s?[\"'](?:firstpublishedtime|manuscriptid)[\"']", re.IGNORECASE)
_HEAD_LINES, _LAST_LINES = 8, 6


@dataclass(frozen=True, slots=True)
class RawDocument:
    """A page as it stands: dates raw. header: as sources.header tells it."""

    html: str
    title: str
    header: tuple[tuple[str, tuple[str, ...]], ...]
    published: str
    updated: str
    attachments: tuple[AttachmentLink, ...]
    problems: tuple[Problem, ...]
    origin_name: str = ""
    number: str = ""
    written: str = ""
    validity: str = ""
    relations: tuple[Relation, ...] = ()


def is_page(text: str) -> bool:
    """Whether a text is a page of gov.cn, by the META tags that all its templates have carried for years."""
    return text.lstrip()[:1] == "<" and bool(_META.search(text[:20_000]))


def read_document(data: bytes, content_type: str, url: str, selector: str) -> RawDocument:
    """A page; the function that the child runs. Raises ReadFailed("no_body") when it shows no document.

    页面生成时间 is no time of the document: a page is made anew without any change.
    """
    page = Html(data, content_type=content_type, url=url)
    body = page.first([selector, *BODIES] if selector else BODIES)
    if body is None:
        raise no_body(page, "none of the known bodies is on it")
    header, lines, info = _header(page), _lines(body), _info(page)
    told = {field: texts[0] for field, texts in header.items()}
    title = told.get("title") or _title(page)
    number = told.get("document_number", "")
    if not header and _GAZETTE.search(url):
        number = _own_number(lines)
    published, updated = _times(page, info)
    return RawDocument(
        title=title,
        header=tuple(header.items()),
        published=published,
        updated=updated,
        attachments=page.files(body),
        problems=page.decoded.problems,
        origin_name=told.get("origin_name") or page.meta("ContentSource") or _origin(info),
        number=number,
        written=told.get("written") or (_own_day(lines) if number else ""),
        validity=_validity(page, header.get("validity", ()), title),
        relations=_relations(page, body, title, number, is_document=bool(header) or bool(number)),
        html=page.outer(body),
    )


def _title(page: Html) -> str:
    return (
        page.meta("ArticleTitle", "og:title")
        or page.text("h1")
        or page.text(".pages-title")
        or page.text("title").partition("_")[0]
    )


def _header(page: Html) -> Told:
    """The header's fields; the first layout that tells anything about a field wins, but categories are gathered."""
    found: Told = {}
    for selector in HEADERS:
        for field, texts in header_of(page, cells=selector).items():
            known = found.get(field, ())
            found[field] = tuple(dict.fromkeys((*known, *texts))) if field == "categories" else known or texts
    return found


def _info(page: Html) -> str:
    return next((text for node in page.select(_INFO) if _WHEN.search(text := squeeze(node.text(separator=" ")))), "")


def _times(page: Html, info: str) -> tuple[str, str]:
    """When it was published and last changed, raw. The English site tells "Updated" alone: it stands for both."""
    seen = _WHEN.search(info)
    shown = seen[1] if seen else ""
    published = page.meta("firstpublishedtime", "PubDate", "publishdate") or shown
    updated = page.meta("lastmodifiedtime") or (shown if _UPDATED.search(info) else "")
    return published, updated


def _origin(info: str) -> str:
    """来源 of a news page; the English site writes it behind the time without a word."""
    found = _ORIGIN.search(info)
    if found:
        return found[1].strip(" ：:")
    seen = _WHEN.search(info) if _UPDATED.search(info) else None
    return info[seen.end() :].strip(" |｜") if seen else ""


def _lines(body: LexborNode) -> list[str]:
    """The body's paragraphs, each on one line, without the empty ones."""
    nodes = [node for node in body.css("p, h1, h2, h3, h4, td, li") if node.tag == "p" or not node.css("p")]
    return [text for node in nodes if (text := squeeze(node.text()))]


def _own_number(lines: Sequence[str]) -> str:
    """The 发文字号 that stands alone on a line below a gazette's title; what the text cites is none of it."""
    return next((line for line in lines[:_HEAD_LINES] if _LINE_NUMBER.fullmatch(line)), "")


def _own_day(lines: Sequence[str]) -> str:
    """The day that stands alone on one of the last lines, below the issuer's name."""
    return next((line for line in reversed(lines[-_LAST_LINES:]) if _LINE_DAY.fullmatch(line)), "")


def _validity(page: Html, told: tuple[str, ...], title: str) -> str:
    """What the page says of its force, unless it is simply in force: a header's field, a stamp, the end of its title."""
    stamped = _STAMPED.search(title)
    stamps = [(n.attributes.get("alt") or "") if n.tag == "img" else n.text() for n in page.select(_STAMPS)]
    stamps = [text for each in stamps if _STAMP.fullmatch(text := squeeze(each))]
    shown = [text for text in told if _ENDED.search(text) and not _IN_FORCE.search(text)]
    return next(iter([*shown, *([stamped[1]] if stamped else []), *stamps]), "")


def _relations(page: Html, body: LexborNode, title: str, number: str, *, is_document: bool) -> tuple[Relation, ...]:
    """Only a document itself ends or amends others: a report on it doesn't."""
    if is_document:
        return relations.told_by(title, "\n".join(_lines(body)), number=number)
    if _INTERPRETS.search(page.meta("lanmu")) or _INTERPRETS.search(title):
        return relations.interpreted(title, _documents(page, body))
    return ()


def _documents(page: Html, body: LexborNode) -> list[tuple[str, str]]:
    """Links to documents, each address once: what the related pages and the text name as one, no other interpretation."""
    found: dict[str, str] = {}
    for node in [*page.select(_RELATED), *body.css("a[href]")]:
        text, url = squeeze(node.text()), join(page.base, node.attributes.get("href") or "")
        if _DOCUMENT.match(url) and _NAME.search(text) and not _INTERPRETS.search(text):
            found.setdefault(url, text)
    return [(text, url) for url, text in found.items()]
