"""The contract of a source plug-in: fetch a list, tell its entries, read a document's page. Version 1."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Protocol

from pydantic import BaseModel

from syncd.model import AttachmentLink, Entry, Instant, Problem
from syncd.web.api import Answer, Client

Run = Callable[..., Awaitable[object]]
"""Runs a module-level function with picklable arguments in the killable child: `await run(function, *args)`.
Raises ReadFailed("parse_timeout" | "parse_crashed" | "parse_memory") when the child had to be killed; an exception of the
function that is a SyncdError comes back as itself."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A list as parsed: entries in its order, problems of single rows (they never fail the list), hints for pacing.

    complete: the source promises that it shows everything (never assumed). window_s: ttl or max-age it asks for, or None.
    """

    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...] = ()
    title: str = ""
    ttl: float | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A document's own page, taken apart but not yet cleaned. html: the body's outer HTML. Fields are "" if absent."""

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
    """A kind of list. Made once per configured source: `Kind(config, tools)`."""

    api_version: ClassVar[int] = 1
    kind: ClassVar[str]
    Options: ClassVar[type[BaseModel]]

    def __init__(self, config: SourceConfig, tools: Tools) -> None: ...

    async def parse(self, answer: Answer) -> Listing:
        """Take a list apart. Raises ReadFailed (reasons not_a_feed, not_understood, empty_body, bad_encoding, hostile_xml,
        too_many_entries, parse_*) when its shape is not understood; a single bad row is a Problem of the Listing."""
        ...

    def needs_page(self, entry: Entry) -> bool:
        """True when the document's own page must be fetched to have its full text and exact time."""
        ...

    async def read_page(self, entry: Entry, answer: Answer) -> Page:
        """Take a document's page apart. Raises ReadFailed (not_understood, no_body …) when it shows no document."""
        ...
