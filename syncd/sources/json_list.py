"""Any list in JSON, mapped in config by JMESPath expressions."""

from __future__ import annotations

from typing import ClassVar, Self, cast

from pydantic import BaseModel, model_validator

from syncd.errors import ReadFailed
from syncd.model import Entry
from syncd.sources import json_rows
from syncd.sources.api import Listing, Page, SourceConfig, Tools
from syncd.sources.declared import is_behind_the_first, listing, next_page
from syncd.sources.decode import decode
from syncd.sources.detail import Pages
from syncd.sources.json_rows import REDESIGNED, JsonRow, filled_keys, load, rows_at
from syncd.sources.jsonfeed import shape
from syncd.sources.mapping import ListOptions, refuse_faults
from syncd.sources.picks import Pick
from syncd.sources.raw import Naming, naming
from syncd.web.api import Answer


class JsonOptions(ListOptions):
    """What `options` of a JSON list takes."""

    list: str = "@"
    """Where the rows stand; "@" is the whole answer."""

    @model_validator(mode="after")
    def _compiles(self) -> Self:
        refuse_faults([("list", Pick(self.list))], json_rows.fault)
        self.refuse(json_rows.fault)
        return self


class JsonSource:
    """A list in JSON. `Kind(config, tools)`; see sources.api.Source."""

    api_version: ClassVar[int] = 1
    kind: ClassVar[str] = "json"
    Options: ClassVar[type[BaseModel]] = JsonOptions

    def __init__(self, config: SourceConfig, tools: Tools) -> None:
        self._config, self._tools = config, tools
        self._options = cast(JsonOptions, config.options)
        self._pages = Pages(tools, self._options.full_text, self._options.detail)

    async def parse(self, answer: Answer) -> Listing:
        """As Source.parse; all of the work on bytes is done in the child."""
        by = naming(self._config, self._tools, "list", self._options.dates)
        body, sort = answer.body, answer.header("content-type")
        return cast(Listing, await self._tools.run(read_listing, body, sort, answer.url, self._options, by))

    def page_of(self, entry: Entry) -> str:
        """As options.full_text and options.detail say."""
        return self._pages.address(entry)

    async def read_page(self, entry: Entry, answer: Answer) -> Page:
        """As Source.read_page."""
        return await self._pages.read(entry, answer)


def read_listing(data: bytes, content_type: str, url: str, options: JsonOptions, by: Naming) -> Listing:
    """A list's entries; the function that the child runs. Only a page behind the first may be empty.

    Raises ReadFailed: empty_body, bad_encoding, too_many_entries, not_understood.
    """
    if not data.strip():
        raise ReadFailed("empty_body", "the body is empty", where=url, hint="open the address in a browser; it is tried again")
    decoded = decode(data, content_type)
    value = load(decoded.text)
    rows = rows_at(value, options.list, where=url)
    if not rows and not is_behind_the_first(options.paging, url):
        raise ReadFailed(
            "not_understood", "a list of policies is never empty", where=url,
            hint=f"options.list {options.list!r} finds an empty list; the answer is {shape(value)}; {REDESIGNED}",
        )
    following = next_page(JsonRow(value, url), options.paging, url, len(rows))
    return listing(
        [JsonRow(row, url) for row in rows], options, by=by, at=url, problems=list(decoded.problems), next=following,
        place=lambda n: f"[{n}]", keys=[filled_keys(row) for row in rows],
    )
