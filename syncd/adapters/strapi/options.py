"""Options of the Strapi adapter."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import field_validator

from syncd.adapters.headless import Schema, field_name

_PLURAL = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class Options(Schema):
    """Beside what every headless CMS needs: collection, the plural name of the content type in the API. key_field: a text
    field for our key, unique and required. files_field: a media field for several files, "" copies none. files_url: where
    files lie whose address Strapi tells without a host, by default api_url. withdraw: what is left of a withdrawn document: a
    notice, or nothing; Strapi's API can't unpublish.
    """

    collection: str
    key_field: str = "external_id"
    files_field: str = ""
    files_url: str = ""
    withdraw: Literal["notice", "delete"] = "notice"

    @field_validator("collection")
    @classmethod
    def _is_plural(cls, value: str) -> str:
        if not _PLURAL.fullmatch(value):
            raise ValueError("write the content type's plural name in the API, such as policies")
        return value

    @field_validator("key_field")
    @classmethod
    def _has_a_name(cls, value: str) -> str:
        return field_name(value)

    @field_validator("files_field")
    @classmethod
    def _has_a_name_or_none(cls, value: str) -> str:
        return value and field_name(value)

    @property
    def root(self) -> str:
        """The address of the API without a slash at the end."""
        return self.api_url.removesuffix("/api") + "/api"

    @property
    def asked(self) -> dict[str, str]:
        """The query by which an answer holds what is written, and nothing else."""
        return {"fields": ",".join(dict.fromkeys((self.key_field, *self.written, "createdAt")))}

    @property
    def asked_with_files(self) -> dict[str, str]:
        """The same with the files."""
        return self.asked | self.files

    @property
    def files(self) -> dict[str, str]:
        """The query for the files, which cost Strapi queries of their own: only a change needs to know them."""
        return {f"populate[{self.files_field}][fields]": "name,url"} if self.files_field else {}

    def file_url(self, told: str) -> str:
        """The address of a file as the public has it."""
        base = self.files_url.rstrip("/") or self.api_url.removesuffix("/api")
        return base + told if told.startswith("/") else told
