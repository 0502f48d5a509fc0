"""A document's page of any site: body by selector or by trafilatura, title, times and files; run in the child."""

from __future__ import annotations

from dataclasses import dataclass

from syncd.errors import ReadFailed
from syncd.model import AttachmentLink, Problem
from syncd.sources.api import Page, Tools
from syncd.sources.dates import read_instant
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


def read_html_page(data: bytes, content_type: str, url: str, selector: str) -> RawPage:
    """Take a page apart. selector: of the body, "" to find it. Raises ReadFailed("no_body") without a document."""
    page = Html(data, content_type=content_type, url=url)
    node = page.first([selector] if selector else BODIES)
    if node is None and selector:
        raise no_body(page, f"nothing on it matches {selector!r}")
    body = page.outer(node) if node is not None else absolute_fragment(_main_text(page), page.base)
    if not body:
        raise no_body(page, "no main text was found")
    files = page.files(node) if node is not None else _files_of(body, page)
    title = page.meta("ArticleTitle", "og:title") or page.text("h1") or page.text("title")
    return RawPage(
        title,
        body,
        page.meta(*PUBLISHED),
        page.meta(*UPDATED),
        page.meta("ContentSource"),
        files,
        page.decoded.problems,
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
    """The page with its instants."""
    problems = list(raw.problems)
    published, updated = (
        read_instant(
            text,
            zone=tools.zone,
            zone_origin=tools.zone_origin,
            origin="page",
            where=f"{url} {name}",
            problems=problems,
        )
        for text, name in ((raw.published, "published"), (raw.updated, "updated"))
    )
    return Page(
        url=url,
        title=raw.title,
        html=raw.html,
        origin_name=raw.origin_name,
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
