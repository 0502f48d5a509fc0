"""Options of the Drupal adapter, and where its JSON:API lies."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, SecretStr, field_validator, model_validator

from syncd.adapters.article import Told
from syncd.adapters.checks import basic_user, site_address

_MACHINE = re.compile(r"[a-z0-9_]{1,64}")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,60}")
_FIELD = re.compile(r"[a-z0-9_]{1,64}(?:\.[a-z0-9_]{1,64})?")


class Options(BaseModel):
    """api_url: the site's address, with or without /jsonapi. user, password: by Drupal's Basic authentication; without a
    user, password is a key and goes into the header key_header, as the module Key auth takes it.

    bundle: the content type. body_field, text_format: where the text goes and which format it gets. fields: what is told of
    a document to the field that holds it, "field_x" or "field_x.uri" for a part of one. column_field, vocabulary: where the
    column goes as a term, "" nowhere. columns: column name to a term's name or UUID; a column that isn't there is the term
    of its own name. create_columns: a term that is missing is made. files_field, images_field: where files go, "" nowhere.
    publish: by the field status, by a moderation_state, or as the content type does by default. states: the names of the
    moderation states. withdraw: what is left of a withdrawn document: a notice, an unpublished node, nothing.
    refused_files: what becomes of a file that Drupal refuses. langcode: of the nodes, "" for the site's own. path_prefix:
    of public addresses, such as /zh-hans.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    api_url: str
    user: str = ""
    password: SecretStr
    key_header: str = ""
    bundle: str = "article"
    body_field: str = "body"
    text_format: str = "full_html"
    fields: dict[Told, str] = {}
    column_field: str = ""
    vocabulary: str = "tags"
    columns: dict[str, str] = {}
    create_columns: bool = False
    files_field: str = ""
    images_field: str = ""
    publish: Literal["status", "moderation", "default"] = "status"
    states: dict[Literal["public", "draft", "withdrawn"], str] = {
        "public": "published", "draft": "draft", "withdrawn": "archived",
    }
    withdraw: Literal["notice", "unpublish", "delete"] = "notice"
    refused_files: Literal["reject", "link"] = "reject"
    langcode: str = ""
    path_prefix: str = ""

    @field_validator("api_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = site_address(value)
        if parts.query or parts.fragment:
            raise ValueError("write the site's address, with /jsonapi at most")
        return value

    @field_validator("user")
    @classmethod
    def _fits_basic(cls, value: str) -> str:
        return basic_user(value)

    @field_validator("key_header")
    @classmethod
    def _is_a_header(cls, value: str) -> str:
        if value and not _HEADER.fullmatch(value):
            raise ValueError("write a header's name, such as api-key")
        return value

    @field_validator("bundle", "vocabulary", "body_field", "column_field", "files_field", "images_field", "text_format")
    @classmethod
    def _is_a_machine_name(cls, value: str) -> str:
        if value and not _MACHINE.fullmatch(value):
            raise ValueError("write its machine name, such as article or field_files")
        return value

    @field_validator("fields")
    @classmethod
    def _are_fields(cls, value: dict[Told, str]) -> dict[Told, str]:
        if wrong := [name for name in value.values() if not _FIELD.fullmatch(name)]:
            raise ValueError(f"{wrong[0]!r} is no field: write its machine name, such as field_number or field_source.uri")
        return value

    @field_validator("path_prefix")
    @classmethod
    def _is_a_path(cls, value: str) -> str:
        if value and not re.fullmatch(r"(?:/[A-Za-z0-9_-]+)+", value):
            raise ValueError("write it with a slash before and none after, such as /zh-hans")
        return value

    @model_validator(mode="after")
    def _logs_in_one_way(self) -> Options:
        if bool(self.user) == bool(self.key_header):
            raise ValueError("write user and password, or key_header and the key as password")
        if self.publish == "default" and self.withdraw == "unpublish":
            raise ValueError('publish = "default" can\'t unpublish: withdraw = "notice" or "delete"')
        return self

    @property
    def root(self) -> str:
        """The address of JSON:API without a slash at the end."""
        return self.api_url.rstrip("/").removesuffix("/jsonapi") + "/jsonapi"

    def state(self, name: Literal["public", "draft", "withdrawn"]) -> str:
        """The moderation state's name."""
        return self.states.get(name) or {"public": "published", "draft": "draft", "withdrawn": "archived"}[name]
