"""What config says of a list and its documents' pages, and the one engine that makes rows and pages of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from syncd.expressions import css_fault, json_fault
from syncd.model import Bond, Problem, Relation
from syncd.sources.dateform import DateForm, form_fault
from syncd.sources.html import join
from syncd.sources.page import RawPage
from syncd.sources.picks import Pick, Row, Where
from syncd.sources.raw import RawEntry

Compiles = Callable[[str], str]
"""What is wrong with an expression, in words, or ""."""
ENTRY_PLACES = ("url", "path", "host", "query", "name", "key", "document_number", "index_number")
"""What the address of a document's page may be made of."""


def _form(form: str) -> str:
    if fault := form_fault(form):
        raise ValueError(fault)
    return form


DateFormat = Annotated[str, AfterValidator(_form)]
DatePrecision = Literal["", "day"]


class Picks(BaseModel):
    """Picks by the name of the field that they give."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def picks(self) -> Iterator[tuple[str, Pick]]:
        """The picks that are set, by their place in the options."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, Pick) and value:
                yield name, value
            elif isinstance(value, Mapping):
                yield from ((f"{name}.{key}", each) for key, each in value.items() if each)


class Fields(Picks):
    """Where each field of an entry stands in its row. Without `key` its address is its name in the list."""

    title: Where = Pick()
    url: Where = Pick()
    key: Where = Pick()
    published: Where = Pick()
    updated: Where = Pick()
    summary: Where = Pick()
    content_html: Where = Pick()
    author: Where = Pick()
    categories: Where = Pick()
    issuer: Where = Pick()
    document_number: Where = Pick()
    index_number: Where = Pick()
    written: Where = Pick()
    attachments: Where = Pick()
    withdrawn: Where = Pick()
    relations: dict[Bond, Where] = {}


class Paging(Picks):
    """Where the page of older rows is: `next` finds its address, or `url` is made of its number.

    url: with {page} in it, relative to the list's own. first: the number of the list's first page. step: from one page
    to the next, as with offsets. count: how many pages there are, a number or where it stands; unknown, the list ends
    with an empty page.
    """

    next: Where = Pick()
    url: str = ""
    first: int = Field(default=1, ge=0)
    step: int = Field(default=1, ge=1)
    count: int | Where = 0

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.next) == bool(self.url):
            raise ValueError("say either next (where its link stands) or url (with {page} in it)")
        if self.url and self.url.count("{page}") != 1:
            raise ValueError("url needs {page} in it, once")
        return self


class Detail(Picks):
    """The document's own page: what kind it is, where, and where its fields stand; what is not said of an HTML page is found
    by what such pages have in common.

    url: its address where it is not the entry's, with {places} of ENTRY_PLACES. withdrawn: the source's notice that it
    no longer stands. gone: what is only there when the document is not. redirect: its new address. labels: selector
    of the cells of a header table.
    """

    kind: Literal["html", "json"] = "html"
    url: str = ""
    title: Where = Pick()
    body: Where = Pick()
    published: Where = Pick()
    updated: Where = Pick()
    issuer: Where = Pick()
    document_number: Where = Pick()
    index_number: Where = Pick()
    origin_name: Where = Pick()
    written: Where = Pick()
    categories: Where = Pick()
    attachments: Where = Pick()
    withdrawn: Where = Pick()
    validity: Where = Pick()
    gone: Where = Pick()
    redirect: Where = Pick()
    relations: dict[Bond, Where] = {}
    labels: str = ""
    date_format: DateFormat = ""
    date_precision: DatePrecision = ""

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.kind == "json" and not self.body:
            raise ValueError("body must say where the text stands in the JSON")
        if self.kind == "json" and self.labels:
            raise ValueError("labels are for kind = \"html\"")
        compiles = json_fault if self.kind == "json" else css_fault
        refuse_faults([*self.picks(), ("labels", Pick(self.labels))], compiles)
        _refuse_places(self.url)
        return self

    @property
    def dates(self) -> DateForm:
        return DateForm(self.date_format, self.date_precision, "options.detail.date_format")


class PageOptions(BaseModel):
    """What each kind of list takes that may lead to documents' own pages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    full_text: Literal["auto", "always", "never"] = "auto"
    """Whether the document's page is read: auto when the list gives no text or `detail` says how it is read."""
    detail: Detail | None = None
    max_entries: int = Field(default=1000, ge=1, le=100_000)
    """A longer list is an error, so that nothing is left out in silence."""


class ListOptions(PageOptions):
    """What lists take that are mapped in config."""

    max_entries: int = Field(default=10_000, ge=1, le=100_000)
    fields: Fields
    paging: Paging | None = None
    date_format: DateFormat = ""
    """As strptime takes it, such as "%d/%m/%Y", where it can't be told from the date itself."""
    date_precision: DatePrecision = ""
    """"day" where times of day are filled in by a machine, as midnight is."""

    @property
    def dates(self) -> DateForm:
        return DateForm(self.date_format, self.date_precision)

    def refuse(self, compiles: Compiles) -> None:
        """Raises ValueError for a field that is missing, or can't be compiled."""
        missing = [name for name in ("title", "url") if not getattr(self.fields, name)]
        if "title" in missing or (missing and not self.fields.key):
            raise ValueError(f"fields.{missing[0]} is missing: a row needs a title, and an address or a key")
        refuse_faults([(f"fields.{name}", pick) for name, pick in self.fields.picks()], compiles)
        if self.paging:
            refuse_faults([(f"paging.{name}", pick) for name, pick in self.paging.picks()], compiles)


def refuse_faults(picks: list[tuple[str, Pick]], compiles: Compiles) -> None:
    """Raises ValueError that names the option of each pick that can't be used."""
    faults = [f"{name}: {fault}" for name, pick in picks if pick and (fault := pick.fault(compiles))]
    if faults:
        raise ValueError("; ".join(faults))


def _refuse_places(url: str) -> None:
    strange = [name for name in Pick(url).expressions if name not in ENTRY_PLACES] if url else []
    if url and not Pick(url).is_template:
        raise ValueError("url must begin with http://, https:// or /")
    if strange:
        raise ValueError(f"url: {{{strange[0]}}} is not known; known are {', '.join(ENTRY_PLACES)}")


def entry_of(row: Row, fields: Fields, where: str, problems: list[Problem]) -> RawEntry | None:
    """A row as an entry; one without title, or without both address and key, is a Problem and left out."""
    title, url = row.text(fields.title), row.address(fields.url)
    key = row.text(fields.key) or url
    if not title or not key:
        problems.append(_lacks(row, fields, where, "title" if not title else "url"))
        return None
    if fields.url and not url:
        problems.append(Problem("bad_link", f"{_lack(row, fields, 'url')}; the entry has none", f"{where}.url"))
    published = row.date(fields.published)
    if fields.published and not published:
        problems.append(
            Problem("no_date", f"{title[:60]!r} has no date: {_lack(row, fields, 'published')}", f"{where}.published")
        )
    return RawEntry(
        where=where,
        key=key,
        title=title,
        url=url,
        published=published,
        updated=row.date(fields.updated),
        summary=row.text(fields.summary),
        content_html=row.markup(fields.content_html),
        author=", ".join(row.texts(fields.author)),
        categories=row.texts(fields.categories),
        attachments=row.files(fields.attachments),
        withdrawn=bool(row.told(fields.withdrawn)),
        issuer=" ".join(row.texts(fields.issuer)),
        document_number=row.text(fields.document_number),
        index_number=row.text(fields.index_number),
        written=row.date(fields.written),
        relations=relations_of(row, fields.relations),
    )


def _lacks(row: Row, fields: Fields, where: str, name: str) -> Problem:
    return Problem("bad_entry", f"{_lack(row, fields, name)}; the row is left out", f"{where}.{name}")


def _lack(row: Row, fields: Fields, name: str) -> str:
    pick: Pick = getattr(fields, name)
    if name == "url" and not pick.is_template and (link := row.link(pick)):
        why = "" if row.base else _FROM
        return f"options.fields.url {pick.at!r} finds {link[:80]!r}, which is no web address here{why}"
    return f"options.fields.{name} {pick.at!r} finds nothing, {row.there(pick)}"


_FROM = ": it is relative, and a file does not say to what; say so with --url"


def page_of(row: Row, detail: Detail) -> RawPage:
    """What a page's picks find; what has none, or finds nothing, is ""."""
    return RawPage(
        title=row.text(detail.title),
        html=row.markup(detail.body),
        published=row.date(detail.published),
        updated=row.date(detail.updated),
        origin_name=row.text(detail.origin_name),
        attachments=row.files(detail.attachments),
        issuer=" ".join(row.texts(detail.issuer)),
        document_number=row.text(detail.document_number),
        index_number=row.text(detail.index_number),
        written=row.date(detail.written),
        categories=row.texts(detail.categories),
        withdrawn=row.told(detail.withdrawn),
        validity=row.text(detail.validity),
        relations=relations_of(row, detail.relations),
    )


def relations_of(row: Row, picks: Mapping[Bond, Pick]) -> tuple[Relation, ...]:
    """Relations to other documents: an address by its form, a 发文字号 by its digits without 《, else a title."""
    return tuple(_relation(bond, text, row.base) for bond, pick in picks.items() for text in row.texts(pick))


def _relation(bond: Bond, text: str, base: str) -> Relation:
    if text.startswith(("http://", "https://", "/")):
        return Relation(bond, url=join(base, text))
    if any(char.isdigit() for char in text) and not any(char in text for char in "《》") and len(text) <= _NUMBER:
        return Relation(bond, number=text)
    return Relation(bond, title=text)


_NUMBER = 40
"""Characters that a document's number has at most."""
