"""The contract of a source plug-in: fetch a list, tell its entries, read a document's page. Version 1."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Protocol

from pydantic import BaseModel

from syncd.core.schedule import NO_SKIPS, Skips
from syncd.model import AttachmentLink, Entry, Instant, Problem, Relation
from syncd.web.api import Answer, Client

VERSION = 1
"""Of this contract. It grows by one with a change that a plug-in would notice; a field with a default is none."""

Run = Callable[..., Awaitable[object]]
"""Runs a module-level function with picklable arguments in the killable child: `await run(function, *args)`.
Raises ReadFailed("parse_timeout" | "parse_crashed" | "parse_memory") when the child had to be killed; an exception of the
function that is a SyncdError comes back as itself. Of classes only syncd's own dataclasses, enums and errors come back:
the child has seen hostile bytes and is not believed."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A list as parsed: entries in its order, problems of single rows (they never fail the list), hints for pacing.

    ttl: seconds that it asks to be left alone, or None; skips: when it asks not to be read. next: the address of the page
    of older rows behind this one, "" where there is none: it is read only where this page alone does not prove that nothing
    was missed.
    """

    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...] = ()
    title: str = ""
    ttl: float | None = None
    next: str = ""
    skips: Skips = NO_SKIPS


@dataclass(frozen=True, slots=True)
class Page:
    """A document's own page, taken apart but not yet cleaned. html: the body's outer HTML. Fields are "" if absent.

    withdrawn: the source's own notice, in words, that the document no longer stands (""  while it stands).
    validity: what the page says of its force, such as "失效" or "已修改". relations: to other documents, as it tells them.
    """

    url: str
    title: str = ""
    html: str = ""
    issuer: str = ""
    document_number: str = ""
    index_number: str = ""
    origin_name: str = ""
    written: str = ""
    categories: tuple[str, ...] = ()
    published: Instant | None = None
    updated: Instant | None = None
    attachments: tuple[AttachmentLink, ...] = ()
    problems: tuple[Problem, ...] = ()
    withdrawn: str = ""
    validity: str = ""
    relations: tuple[Relation, ...] = ()


@dataclass(frozen=True, slots=True)
class Tools:
    """What a source is given. client: its way out. run: the killable child. now: the clock. zone: for dates without one."""

    client: Client
    run: Run
    now: Callable[[], datetime]
    zone: str = "Asia/Shanghai"
    zone_origin: str = "default"


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """A source as configured. options: the plug-in's own validated Options."""

    name: str
    url: str
    options: BaseModel | None = field(default=None)


class Source(Protocol):
    """A kind of list. Made once per configured source: `Kind(config, tools)`.

    A plug-in states the `api_version` that it was written for itself: an inherited one would say nothing.
    """

    api_version: ClassVar[int]
    kind: ClassVar[str]
    Options: ClassVar[type[BaseModel]]

    def __init__(self, config: SourceConfig, tools: Tools) -> None: ...

    async def parse(self, answer: Answer) -> Listing:
        """Take a list apart. Raises ReadFailed (reasons not_a_feed, not_understood, empty_body, bad_encoding, hostile_xml,
        too_many_entries, parse_*) when its shape is not understood; a single bad row is a Problem of the Listing."""
        ...

    def page_of(self, entry: Entry) -> str:
        """The address that must be read to have the document's full text and exact time: its own page, or where an API
        gives it; "" when the list says all."""
        ...

    async def read_page(self, entry: Entry, answer: Answer) -> Page:
        """Take apart what `page_of` led to. Raises ReadFailed (not_understood, no_body …) when it shows no document; with
        status 404 or 410 when it says in words of its own that the document is gone."""
        ...
