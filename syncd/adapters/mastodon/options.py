"""Options of the Mastodon adapter."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from syncd.adapters.checks import site_address
from syncd.adapters.note import FRAME, LONGEST_TAG

_TAG = re.compile(r"(?=.*[^\W\d_])\w+")
_ID = re.compile(r"[0-9A-Za-z]{0,40}")
LEAST = 60
"""Characters of title and text below which a note says nothing."""


class Options(BaseModel):
    """api_url: the server's own address. token: of the account's application.

    visibility: who is shown it: everybody, or everybody but in no public timeline. columns: column name to a hashtag
    without its #; other columns have none. withdraw: what is left of a withdrawn post: nothing, or a notice, behind which the
    server shows the earlier texts to everybody. max_characters: of a status; None: what the server says. Less for a server that
    counts addresses by their length. look_back: statuses of the account that are read, at most, to find our own. after: the id
    of a status from before syncd, "" for none: no older one is read.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    api_url: str
    token: SecretStr
    visibility: Literal["public", "unlisted"] = "public"
    columns: dict[str, str] = {}
    withdraw: Literal["delete", "notice"] = "delete"
    max_characters: int | None = Field(default=None, ge=FRAME + LEAST)
    look_back: int = Field(default=2000, ge=40)
    after: str = ""

    @field_validator("api_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = site_address(value)
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError("write the server's own address, such as https://social.county.example")
        return value.rstrip("/")

    @field_validator("columns")
    @classmethod
    def _are_hashtags(cls, value: dict[str, str]) -> dict[str, str]:
        for tag in value.values():
            if not _TAG.fullmatch(tag) or len(tag) > LONGEST_TAG:
                raise ValueError(f"{tag[:40]!r} is no hashtag: letters and digits without #, {LONGEST_TAG} at most")
        return value

    @field_validator("after")
    @classmethod
    def _is_an_id(cls, value: str) -> str:
        if not _ID.fullmatch(value):
            raise ValueError("write the id of a status as its address shows it")
        return value
