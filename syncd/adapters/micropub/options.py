"""Options of the Micropub adapter."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, SecretStr, field_validator

from syncd.adapters.checks import site_address
from syncd.errors import Rejected

_BASE, _SLUG = "{base}", "{slug}"
_PROPERTY = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_OURS = frozenset({"name", "content", "summary", "category", "published", "post-status", "url"})
"""Properties that hold something else already."""


class Options(BaseModel):
    """What an operator says of a site with a Micropub endpoint.

    api_url: the endpoint, as the site's page names it (rel="micropub"). token: a bearer token with the scopes create, update,
    delete and media. address: where the site puts an entry that is made with a slug: {slug} is ours, {base} is public_url; "":
    nobody can say, and what is in doubt waits for a person. key_property: an entry's property that keeps our key, "" for none:
    then only the seal in the text tells it. source_property: one that names the document's address at its source, "" for none.
    columns: column name to a category; when there are some, every other column is refused. syndicate_to: uids of the targets
    to which the site is asked to pass a new entry on. post_status: the site knows drafts by the property post-status. queued:
    the site answers 202 and makes an entry later. withdraw: what is left of a withdrawn document: a notice, or nothing. files:
    which go to the media endpoint. media_url: it, where the site's config does not name it. refused_files: what becomes of a
    file that it refuses. max_title: characters, max_body: bytes that the site takes, None for no limit known; max_summary:
    characters after which a summary is cut, 0 sends none.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    api_url: str
    token: SecretStr
    address: str = ""
    key_property: str = "uid"
    source_property: str = ""
    columns: dict[str, str] = {}
    syndicate_to: tuple[str, ...] = ()
    post_status: bool = False
    queued: bool = False
    withdraw: Literal["notice", "delete"] = "notice"
    files: Literal["all", "pictures", "none"] = "all"
    media_url: str = ""
    refused_files: Literal["reject", "link"] = "reject"
    max_title: int | None = None
    max_body: int | None = None
    max_summary: int = 120

    @field_validator("api_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if site_address(value).fragment:
            raise ValueError("write the endpoint's address without #")
        return value

    @field_validator("media_url")
    @classmethod
    def _is_an_address_or_none(cls, value: str) -> str:
        return value and cls._is_an_address(value)

    @field_validator("address")
    @classmethod
    def _is_a_pattern(cls, value: str) -> str:
        if not value:
            return ""
        if value.count(_SLUG) != 1 or re.search(r"[{}]", value.removeprefix(_BASE).replace(_SLUG, "")):
            raise ValueError("write the address of an entry with {slug} in it, such as {base}/notes/{slug}")
        site_address(value.replace(_BASE, "https://www.example.com").replace(_SLUG, "slug"))
        return value

    @field_validator("key_property", "source_property")
    @classmethod
    def _is_a_property(cls, value: str) -> str:
        if value and (not _PROPERTY.fullmatch(value) or value in _OURS or value.startswith("mp-")):
            raise ValueError(f"{value[:40]!r} can't be used: write the name of a property that nothing else uses")
        return value

    def address_of(self, slug: str, base: str) -> str:
        """Where an entry with this slug stands, "" where that is not known."""
        return self.address.replace(_BASE, base).replace(_SLUG, slug)

    def category(self, column: str) -> str:
        """Raises Rejected("column") for a column that the site doesn't have."""
        if self.columns and column not in self.columns:
            raise Rejected("column", "no_column", f"the site has no column {column!r}",
                           hint=f"name it in columns: {column!r} = the category that stands for it")
        return self.columns.get(column, column)
