"""Options of the WordPress adapter, and where its REST API lies."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from syncd.adapters.checks import basic_user, site_address

_TYPE = re.compile(r"[A-Za-z0-9_-]{1,60}")


class Options(BaseModel):
    """api_url: the site's address, with or without /wp-json; with ?rest_route=/ where pretty permalinks are off.

    user, password: an account and its application password, blanks in it don't matter. columns: column name to a
    category's slug or number; a column that isn't there is the category with the column's own name.
    create_columns: a category that is missing is made. post_type: what posts are called in the API.
    withdraw: what is left of a withdrawn post: a notice in its place, an unpublished post, or one in the trash.
    refused_files: what becomes of an attachment whose type WordPress refuses: the revision waits for a person, or it is
    posted with a link to the file at its source.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    api_url: str
    user: str = Field(min_length=1)
    password: SecretStr
    columns: dict[str, int | str] = {}
    create_columns: bool = False
    post_type: str = "posts"
    withdraw: Literal["notice", "unpublish", "delete"] = "notice"
    refused_files: Literal["reject", "link"] = "reject"

    @field_validator("api_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = site_address(value)
        if set(parse_qs(parts.query, keep_blank_values=True)) - {"rest_route"} or parts.fragment:
            raise ValueError("write the site's address, with /wp-json or ?rest_route=/ at most")
        return value

    @field_validator("user")
    @classmethod
    def _fits_basic(cls, value: str) -> str:
        return basic_user(value)

    @field_validator("password")
    @classmethod
    def _is_said(cls, value: SecretStr) -> SecretStr:
        if not "".join(value.get_secret_value().split()):
            raise ValueError("it is empty: make an application password on the account's profile page")
        return value

    @field_validator("post_type")
    @classmethod
    def _is_a_route(cls, value: str) -> str:
        if not _TYPE.fullmatch(value):
            raise ValueError("write the type's name in the API, such as posts")
        return value

    @property
    def plain(self) -> bool:
        """True when routes are asked for by ?rest_route=, which works without pretty permalinks too."""
        return "rest_route" in parse_qs(urlsplit(self.api_url).query, keep_blank_values=True)

    @property
    def root(self) -> str:
        """The site's address without /wp-json, a query and a slash at the end."""
        return self.api_url.split("?")[0].rstrip("/").removesuffix("/index.php").removesuffix("/wp-json").rstrip("/")
