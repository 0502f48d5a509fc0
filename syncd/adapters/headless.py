"""What adapters of headless CMSs share: entries whose fields each site named itself, pages that another program shows,
and files that belong to one document."""

from __future__ import annotations

import hashlib
import html
import re
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, SecretStr, field_validator

from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.article import Article, ArticleAdapter, Content, Placed, Told, fields_of, is_ours, name_of
from syncd.adapters.checks import site_address
from syncd.adapters.credit import Times
from syncd.errors import Rejected
from syncd.model import Media, Post

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_PAGE = re.compile(r"/[A-Za-z0-9_./~-]*\{id\}[A-Za-z0-9_./~-]*")
_NAMESPACE = uuid.UUID("0b6f2f0e-6a3c-5a4f-8f0d-3a0c5ef1c7d2")
"""Of the ids that are made from our keys (RFC 9562, version 5)."""


class Schema(BaseModel):
    """What an operator says of the site's own schema.

    api_url: the CMS's address. token: of the account. title_field, body_field: where title and HTML go; summary_field: plain
    text for lists, "" nowhere. column_field: where the column goes as text, "" nowhere. columns: column name to the value
    that the site has for it; when there are some, every other column is refused. fields: what is told of a document to the
    field that holds it. page: the path of an entry's page below public_url; {id} is the entry's id. refused_files: what
    becomes of a file that the CMS refuses. max_title: characters, max_body: bytes that the CMS takes.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    api_url: str
    token: SecretStr
    title_field: str = "title"
    body_field: str = "body"
    summary_field: str = ""
    column_field: str = ""
    columns: dict[str, str] = {}
    fields: dict[Told, str] = {}
    page: str = "/{id}"
    refused_files: Literal["reject", "link"] = "reject"
    max_title: int = 255
    max_body: int = 900_000

    @field_validator("api_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = site_address(value)
        if parts.query or parts.fragment:
            raise ValueError("write the address of the CMS's API without ? and #")
        return value.rstrip("/")

    @field_validator("title_field", "body_field")
    @classmethod
    def _is_named(cls, value: str) -> str:
        return field_name(value)

    @field_validator("summary_field", "column_field")
    @classmethod
    def _is_named_or_none(cls, value: str) -> str:
        return value and field_name(value)

    @field_validator("fields")
    @classmethod
    def _are_named(cls, value: dict[Told, str]) -> dict[Told, str]:
        return {name: field_name(field) for name, field in value.items()}

    @field_validator("page")
    @classmethod
    def _is_a_path(cls, value: str) -> str:
        if not _PAGE.fullmatch(value):
            raise ValueError("write the path of an entry's page with {id} in it, such as /policies/{id}")
        return value

    @property
    def written(self) -> tuple[str, ...]:
        """Every field that we write, but the key's and the state's."""
        named = (self.title_field, self.body_field, self.summary_field, self.column_field, *self.fields.values())
        return tuple(dict.fromkeys(name for name in named if name))

    def values(self, content: Content) -> dict[str, Any]:
        """What the fields hold of a text; the column is apart, since editors may move an entry."""
        made = {self.title_field: content.title, self.body_field: content.html, **content.fields}
        return made | ({self.summary_field: content.summary} if self.summary_field else {})

    def column(self, name: str) -> dict[str, str]:
        """The field of the column with its value. Raises Rejected("column") for one that the site doesn't have."""
        if not self.column_field:
            return {}
        if self.columns and name not in self.columns:
            raise Rejected("column", "no_column", f"the site has no column {name!r}",
                           hint=f"name it in columns: {name!r} = the value that {self.column_field} has for it")
        return {self.column_field: self.columns.get(name, name)}

    @property
    def taxonomy(self) -> Literal["none", "free", "fixed"]:
        if not self.column_field:
            return "none"
        return "fixed" if self.columns else "free"


@dataclass(frozen=True, slots=True)
class Belonging(Media):
    """A file of one post, so that it can go with it. key: the post's."""

    key: str = ""


class HeadlessAdapter(ArticleAdapter):
    """The flow of an article over a schema that the site chose."""

    def __init__(self, site: SiteConfig, tools: Tools, schema: Schema) -> None:
        super().__init__(site, tools, refused_files=schema.refused_files)
        self._schema = schema

    def _page(self, id: str) -> str:
        return self._public_url + self._schema.page.replace("{id}", id)

    def _stays(self, media: Media) -> str:
        return "" if self.capabilities.media != "none" else "files are not copied here"

    async def _place(self, post: Post, bytes_of: Mapping[str, bytes], before: Article | None) -> Placed:
        return await super()._place(_with_key(post), bytes_of, before)

    def _fields(self, post: Post) -> Mapping[str, Any]:
        return fields_of(post, self._schema.fields, self._zone)

    def _content(self, post: Post, placed: Placed, times: Times) -> Content:
        """The summary as plain text, since that is what a field of a headless CMS holds."""
        content = super()._content(post, placed, times)
        return replace(content, summary=html.unescape(content.summary) if self._schema.summary_field else "")

    async def _is_elsewhere(self, before: Article, post: Post) -> bool:
        wanted = self._schema.column(post.column)
        return any(before.native.column != value for value in wanted.values())


def field_name(value: str) -> str:
    """A field's name as a CMS's API has it. Raises ValueError."""
    if not _NAME.fullmatch(value):
        raise ValueError(f"{value[:40]!r} is no field: write its name in the API, such as external_id")
    return value


def id_of(*words: str) -> str:
    """A UUID that is the same for the same words, such as a post's key."""
    return str(uuid.uuid5(_NAMESPACE, ":".join(words)))


def file_name(owner: str, media: Media) -> str:
    """A file's name in the CMS, which tells what is in it and whose it is. owner: the key, or the id, of its post."""
    return f"{_prefix(owner)}{name_of(media)}"


def belongs(name: str, owners: Collection[str]) -> bool:
    """Whether a file's name says that it is ours and of one of these posts: an editor may put it into another one, too."""
    return is_ours(name) and name.startswith(tuple(_prefix(owner) for owner in owners))


def _prefix(owner: str) -> str:
    return f"k{hashlib.sha256(owner.encode()).hexdigest()[:10]}-"


def _with_key(post: Post) -> Post:
    names = [each.name for each in fields(Media)]
    held = (Belonging(**{name: getattr(media, name) for name in names}, key=post.key) for media in post.media)
    return replace(post, media=tuple(held))
