"""A document's page of any site: body by selector or by trafilatura, title, times and files; run in the child."""

from __future__ import annotations

from dataclasses import dataclass

from syncd.errors import ReadFailed
from syncd.model import AttachmentLink, Problem, Relation
from syncd.sources.api import Page, Tools
from syncd.sources.dateform import LADDER, DateForm, instant, written
from syncd.sources.header import header_of
from syncd.sources.html import Html, absolute_fragment, parse_html
from syncd.sources.html_rows import dated

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
    issuer: str = ""
    document_number: str = ""
    index_number: str = ""
    written: str = ""
    categories: tuple[str, ...] = ()
    withdrawn: str = ""
    validity: str = ""
    relations: tuple[Relation, ...] = ()
    moved: str = ""


def read_html_page(page: Html, selector: str, cells: str = "") -> RawPage:
    """Take a page apart by what such pages have in common. selector: of the body, "" to find it. cells: as header_of.

    Raises ReadFailed("no_body") without a document.
    """
    node = page.first([selector] if selector else BODIES)
    if node is None and selector:
        raise no_body(page, f"nothing on it matches {selector!r}")
    body = page.outer(node) if node is not None else absolute_fragment(_main_text(page), page.base)
    if not body:
        raise no_body(page, "no main text was found")
    told = header_of(page, node, cells)
    one = {field: texts[0] for field, texts in told.items()}
    return RawPage(
        title=one.get("title") or title_of(page),
        html=body,
        published=page.meta(*PUBLISHED) or dated(one.get("published", "")),
        updated=page.meta(*UPDATED),
        origin_name=page.meta("ContentSource") or one.get("origin_name", ""),
        attachments=page.files_beside(node) if node is not None else files_in(body, page.base),
        problems=page.decoded.problems,
        issuer=one.get("issuer", ""),
        document_number=one.get("document_number", ""),
        index_number=one.get("index_number", ""),
        written=one.get("written", ""),
        categories=told.get("categories", ()),
        validity=one.get("validity", ""),
    )


def title_of(page: Html) -> str:
    """The title of the document rather than that of the window."""
    return page.meta("ArticleTitle", "og:title") or page.text("h1") or page.text("title")


def no_body(page: Html, why: str) -> ReadFailed:
    """The failure of a page without a document, with what it shows instead."""
    shown = page.text("title")[:120]
    seen = f"the page is titled {shown!r}" if shown else "the page has no title"
    return ReadFailed(
        "no_body",
        f"the page shows no document: {why}",
        where=page.base,
        hint=f"{seen}; it may be a barrier or redesigned: open it in a browser, and say where its text is"
        " (options.body_selector or options.detail.body)",
    )


def finished(raw: RawPage, url: str, tools: Tools, dates: DateForm = LADDER) -> Page:
    """The page with its instants."""
    problems = list(raw.problems)
    published, updated = (
        instant(
            text,
            dates,
            zone=tools.zone,
            zone_origin=tools.zone_origin,
            origin="page",
            where=f"{url} {name}",
            problems=problems,
            now=tools.now(),
        )
        for text, name in ((raw.published, "published"), (raw.updated, "updated"))
    )
    signed = written(raw.written, dates, tools.zone)
    if raw.written and not signed:
        problems.append(Problem("bad_date", f"{raw.written[:80]!r} is no date; none was taken", f"{url} written"))
    return Page(
        url=url,
        title=raw.title,
        html=raw.html,
        issuer=raw.issuer,
        document_number=raw.document_number,
        index_number=raw.index_number,
        origin_name=raw.origin_name,
        written=signed,
        categories=raw.categories,
        published=published,
        updated=updated,
        attachments=raw.attachments,
        problems=tuple(problems),
        withdrawn=raw.withdrawn,
        validity=raw.validity,
        relations=raw.relations,
        moved=raw.moved,
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


def files_in(body: str, base: str) -> tuple[AttachmentLink, ...]:
    """The files that a fragment links to."""
    inner = Html(body.encode(), content_type="text/html; charset=utf-8", url=base)
    return inner.files(inner.tree.body) if inner.tree.body is not None else ()
