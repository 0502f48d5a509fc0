"""Options of the Ghost adapter, and where its Admin API lies."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, SecretStr, field_validator

from syncd.adapters.checks import site_address

_KEY = re.compile(r"[0-9a-f]{24}:(?:[0-9a-f]{2}){16,64}")


class Options(BaseModel):
    """api_url: Ghost's own address, with or without /ghost/api/admin. key: an Admin API key of an integration, or the staff
    access token of an account, "id:secret" as Ghost shows it.

    columns: column name to a tag's slug or name; a column that isn't there is the tag with the column's own name.
    create_columns: a tag that is missing is made. withdraw: what is left of a withdrawn post: a notice in its place, an
    unpublished post, nothing. refused_files: what becomes of an attachment whose type Ghost refuses: the revision waits for
    a person, or it is posted with a link to the file at its source.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    api_url: str
    key: SecretStr
    columns: dict[str, str] = {}
    create_columns: bool = False
    withdraw: Literal["notice", "unpublish", "delete"] = "notice"
    refused_files: Literal["reject", "link"] = "reject"

    @field_validator("api_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = site_address(value)
        if parts.query or parts.fragment:
            raise ValueError("write Ghost's own address, with /ghost/api/admin at most")
        return value

    @field_validator("key")
    @classmethod
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        if not _KEY.fullmatch(value.get_secret_value().strip()):
            raise ValueError("write the whole Admin API key, id:secret, as Ghost shows it: not the Content API key")
        return value

    @property
    def root(self) -> str:
        """The address of the Admin API without a slash at the end."""
        site = self.api_url.rstrip("/").removesuffix("/api/admin").removesuffix("/ghost")
        return f"{site}/ghost/api/admin"
