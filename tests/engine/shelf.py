"""A kind of source for tests: rows and pages that tell header fields, as a policy library's API does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from syncd.core.identity import aliases
from syncd.model import Bond, Entry, Instant, Relation
from syncd.sources import registry
from syncd.sources.api import Listing, Page, SourceConfig, Tools
from syncd.sources.dates import read_instant
from syncd.testing.network import Reply
from syncd.web.api import Answer

_HEADER = ("issuer", "number", "index", "written")
Told = dict[str, Any]


@dataclass
class Shelf:
    """What one publisher shows: rows of its list in order, and pages by their path. Everything may be changed at any time."""

    rows: list[Told] = field(default_factory=list)
    pages: dict[str, Told] = field(default_factory=dict)

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Reply:
        told = self.rows if path == "/feed.json" else self.pages.get(path)
        if told is None:
            return 404, {"content-type": "application/json"}, b"{}"
        return 200, {"content-type": "application/json"}, json.dumps(told, ensure_ascii=False).encode()


class ShelfOptions(BaseModel):
    pages: bool = True
    """Whether the documents' own pages are read; else the list says all."""


class ShelfSource:
    """Reads a Shelf."""

    api_version: ClassVar[int] = 1
    kind: ClassVar[str] = "shelf"
    Options: ClassVar[type[BaseModel]] = ShelfOptions

    def __init__(self, config: SourceConfig, tools: Tools) -> None:
        self._config, self._tools = config, tools

    async def parse(self, answer: Answer) -> Listing:
        return Listing(tuple(self._entry(row) for row in json.loads(answer.body)))

    def _entry(self, row: Told) -> Entry:
        header = {name: row.get(name, "") for name in _HEADER}
        named = aliases(self._config.name, row["key"], url=row["url"], title=row["title"], **header)
        return Entry(
            row["key"], row["title"], row["url"], self._instant(row, "list"), content_html=row.get("html", ""),
            issuer=header["issuer"], document_number=header["number"], index_number=header["index"],
            written=header["written"], aliases=named, relations=_relations(row),
        )

    def _instant(self, told: Told, origin: str) -> Instant | None:
        return read_instant(
            told.get("published", ""), zone="Asia/Shanghai", zone_origin="default", origin=origin, where="", problems=[]
        )

    def page_of(self, entry: Entry) -> str:
        assert isinstance(self._config.options, ShelfOptions)
        return entry.url if self._config.options.pages else ""

    async def read_page(self, entry: Entry, answer: Answer) -> Page:
        told = json.loads(answer.body)
        return Page(
            answer.url, told.get("title", ""), told.get("html", ""), told.get("issuer", ""), told.get("number", ""),
            told.get("index", ""), written=told.get("written", ""), published=self._instant(told, "page"),
            validity=told.get("validity", ""), relations=_relations(told),
        )


def _relations(told: Told) -> tuple[Relation, ...]:
    return tuple(Relation(Bond(each.pop("bond")), **each) for each in map(dict, told.get("relations", ())))


def install(patch: pytest.MonkeyPatch) -> None:
    """Make the kind known, as its package's entry point would."""
    real = registry.load
    patch.setattr(registry, "load", lambda kind: ShelfSource if kind == "shelf" else real(kind))


SOURCE = """
[[sources]]
name = "{name}"
kind = "{kind}"
url = "http://{name}.example/feed.json"
every = "5m"
options = {options}
"""


def source(name: str, *, kind: str = "shelf", options: str = "{}") -> str:
    return SOURCE.format(name=name, kind=kind, options=options)
