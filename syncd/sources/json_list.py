"""Any list in JSON, mapped in config by JMESPath expressions."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import BaseModel, model_validator

from syncd.errors import ReadFailed
from syncd.expressions import json_fault
from syncd.sources.api import Listing
from syncd.sources.declared import MappedSource, is_behind_the_first, listing, next_page
from syncd.sources.decode import decode
from syncd.sources.json_rows import REDESIGNED, JsonRow, filled_keys, load, rows_at
from syncd.sources.jsonfeed import shape
from syncd.sources.mapping import ListOptions, refuse_faults
from syncd.sources.picks import Pick
from syncd.sources.raw import Naming


class JsonOptions(ListOptions):
    """What `options` of a JSON list takes."""

    list: str = "@"
    """Where the rows stand; "@" is the whole answer."""

    @model_validator(mode="after")
    def _compiles(self) -> Self:
        refuse_faults([("list", Pick(self.list))], json_fault)
        self.refuse(json_fault)
        return self


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


class JsonSource(MappedSource):
    """A list in JSON."""

    kind: ClassVar[str] = "json"
    Options: ClassVar[type[BaseModel]] = JsonOptions
    reading = staticmethod(read_listing)
