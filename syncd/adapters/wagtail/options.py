"""Options of the Wagtail adapter."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from syncd.adapters.checks import site_address

_MODEL = re.compile(r"[a-z_][a-z0-9_]{0,60}\.[A-Za-z_][A-Za-z0-9_]{0,60}")
_FIELD = re.compile(r"[a-z_][a-z0-9_]{0,60}")
Told = Literal[
    "issuer", "document_number", "index_number", "written", "origin_name", "source_url", "published", "site_name", "summary",
]
"""What a field of the page may hold beside title and text."""


class Options(BaseModel):
    """api_url: where the site serves wagtail.api.v3, such as https://www.county.example/api/v3. token: of an account of
    syncd's own.

    page_type: the model of reposts, with the mixin of docs/wagtail/syncd_wagtail.py. parent: the number of the page below
    which the columns are. columns: column name to the number of its page; a column that isn't there is the page of its own
    name below parent. body_field: where the text goes. block: the RawHTMLBlock in it that takes the text; "" if the field is
    no StreamField but a RichTextField, which drops much. fields: what is told of a document to the field that holds it.
    copy_files: attachments become documents and pictures images; else they stay links to the source. collection: the number
    of the collection that they go into, 0 for the one that the account has. withdraw: what is left of a withdrawn document:
    a notice, an unpublished page, nothing. refused_files: what becomes of a file that Wagtail refuses. max_request: bytes,
    DATA_UPLOAD_MAX_MEMORY_SIZE of the site's settings, whose default this is.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    api_url: str
    token: SecretStr
    page_type: str
    parent: int = Field(gt=0)
    columns: dict[str, int] = {}
    body_field: str = "body"
    block: str = "html"
    fields: dict[Told, str] = {}
    copy_files: bool = True
    collection: int = Field(default=0, ge=0)
    withdraw: Literal["notice", "unpublish", "delete"] = "notice"
    refused_files: Literal["reject", "link"] = "reject"
    max_request: int = Field(default=2_621_440, gt=0)

    @field_validator("api_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = site_address(value)
        if parts.query or parts.fragment:
            raise ValueError("write the address of the API, such as https://www.county.example/api/v3")
        return value.rstrip("/")

    @field_validator("page_type")
    @classmethod
    def _is_a_model(cls, value: str) -> str:
        if not _MODEL.fullmatch(value):
            raise ValueError("write app and model as Wagtail's API names them, such as news.NewsPage")
        return value

    @field_validator("body_field", "block")
    @classmethod
    def _is_a_field(cls, value: str) -> str:
        if value and not _FIELD.fullmatch(value):
            raise ValueError("write the field's name in the model, such as body")
        return value

    @field_validator("fields")
    @classmethod
    def _are_fields(cls, value: dict[Told, str]) -> dict[Told, str]:
        if wrong := [name for name in value.values() if not _FIELD.fullmatch(name)]:
            raise ValueError(f"{wrong[0]!r} is no field: write its name in the model, such as source_url")
        return value

    @model_validator(mode="after")
    def _keeps_what_it_leaves(self) -> Options:
        if not self.block and self.withdraw == "notice":
            raise ValueError('a RichTextField drops the mark of a notice: withdraw = "unpublish" or "delete"')
        return self
