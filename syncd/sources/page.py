"""A document's page of any site: body by selector or by trafilatura, title, times and files; run in the child."""

from __future__ import annotations

from dataclasses import dataclass

from syncd.errors import ReadFailed
from syncd.model import AttachmentLink, Problem
from syncd.sources.api import Page, Tools
from syncd.sources.dates import parse_written, read_instant
from syncd.sources.header import header_of
from syncd.sources.html import Html, absolute_fragment, parse_html

BODIES = ("#UCAP-CONTENT", ".trs_editor_view", ".TRS_Editor", ".pages_content", "#zoom", "[itemprop=articleBody]")
"""Bodies of the content systems that government sites really use."""
PUBLISHED = (
    "firstpublishedtime",
    "article:published_time",
    "og:published_time",
    "PubDate",
    "publishdate",
    "datePublished",
    "dcterms.issued",
)
LEAST = 30
"""Characters that a guessed text must have, unless it holds a link or a picture: what is shorter is the word of a barrier."""
UPDATED = ("lastmodifiedtime", "article:modified_time", "og:updated_time", "dateModified", "dcterms.modified")


@dataclass(frozen=True, slots=True)
class RawPage:
    """A page as it stands: dates raw, links absolute."""

    title: str
    html: str
    published: str
    updated: str
    origin_name: str = ""
    attachments: tuple[AttachmentLink, ...] = ()
    problems: tuple[Problem, ...] = ()
    header: tuple[tuple[str, str], ...] = ()
    """Fields of the document's header by the names of sources.header.LABELS."""


def read_html_page(data: bytes, content_type: str, url: str, selector: str) -> RawPage:
    """Take a page apart. selector: of the body, "" to find it. Raises ReadFailed("no_body") without a document."""
    page = Html(data, content_type=content_type, url=url)
    node = page.first([selector] if selector else BODIES)
    if node is None and selector:
        raise no_body(page, f"nothing on it matches {selector!r}")
    body = page.outer(node) if node is not None else absolute_fragment(_main_text(page), page.base)
    if not body:
        raise no_body(page, "no main text was found")
    files = page.files_beside(node) if node is not None else _files_of(body, page)
    header = header_of(page, node)
    title = page.meta("ArticleTitle", "og:title") or page.text("h1") or page.text("title")
    return RawPage(
        title,
        body,
        page.meta(*PUBLISHED) or header.get("发布日期", ""),
        page.meta(*UPDATED),
        page.meta("ContentSource") or header.get("来源", ""),
        files,
        page.decoded.problems,
        tuple(header.items()),
    )


def no_body(page: Html, why: str) -> ReadFailed:
    """The failure of a page without a document, with what it shows instead."""
    shown = page.text("title")[:120]
    seen = f"the page is titled {shown!r}" if shown else "the page has no title"
    return ReadFailed(
        "no_body",
        f"the page shows no document: {why}",
        where=page.base,
        hint=f"{seen}; it may be a barrier or redesigned: open it in a browser, set options.body_selector",
    )


def finished(raw: RawPage, url: str, tools: Tools) -> Page:
    """The page with its instants and the fields of its header."""
    problems, header = list(raw.problems), dict(raw.header)
    written = parse_written(header.get("成文日期", ""))
    if header.get("成文日期") and not written:
        problems.append(Problem("bad_date", f"成文日期 {header['成文日期'][:40]!r} is no date", url))
    published, updated = (
        read_instant(
            text,
            zone=tools.zone,
            zone_origin=tools.zone_origin,
            origin="page",
            where=f"{url} {name}",
            problems=problems,
            now=tools.now(),
        )
        for text, name in ((raw.published, "published"), (raw.updated, "updated"))
    )
    return Page(
        url=url,
        title=header.get("标题") or raw.title,
        html=raw.html,
        issuer=header.get("发文机关", ""),
        document_number=header.get("发文字号", ""),
        index_number=header.get("索引号", ""),
        origin_name=raw.origin_name,
        written=written,
        categories=tuple(text for name in ("主题分类", "公文种类") if (text := header.get(name, ""))),
        published=published,
        updated=updated,
        attachments=raw.attachments,
        problems=tuple(problems),
    )


def _main_text(page: Html) -> str:
    """The main text by trafilatura, which costs a second to import: only here, and only in the child."""
    import trafilatura

    found = trafilatura.extract(
        page.decoded.text,
        output_format="html",
        include_links=True,
        include_images=True,
        include_tables=True,
        include_comments=False,
    )
    body = parse_html(found).body if found else None
    if body is None or (len("".join(body.text().split())) < LEAST and body.css_first("a[href], img") is None):
        return ""
    return (body.inner_html or "").strip()


def _files_of(body: str, page: Html) -> tuple[AttachmentLink, ...]:
    inner = Html(body.encode(), content_type="text/html; charset=utf-8", url=page.base)
    return inner.files(inner.tree.body) if inner.tree.body is not None else ()
