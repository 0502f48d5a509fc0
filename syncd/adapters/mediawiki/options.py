"""Options of the MediaWiki adapter."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, SecretStr, field_validator

from syncd.adapters.checks import site_address

_BOT = re.compile(r"[^@#<>\[\]|{}]{1,100}@[^@]{1,32}")
_PREFIX = re.compile(r"[^#<>\[\]|{}_%&~\s]{1,60}")
_CATEGORY = re.compile(r"[^#<>\[\]|{}_:%&~]{1,80}")


class Options(BaseModel):
    """api_url: the address of api.php. user, password: a bot password, "Account@name", as Special:BotPasswords gives it.

    columns: column name to a category; any other column is the category of its own name. key_pages: what the pages begin with
    that lead from a key to its page, each a redirect. display_titles: the wiki has $wgRestrictDisplayTitle = false, so that a
    page may show another title than its name. withdraw: what is left of a withdrawn document: a notice, or nothing.
    refused_files: what becomes of a file that the wiki refuses.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    api_url: str
    user: str
    password: SecretStr
    columns: dict[str, str] = {}
    key_pages: str = "Project:Syncd/"
    display_titles: bool = False
    withdraw: Literal["notice", "delete"] = "notice"
    refused_files: Literal["reject", "link"] = "reject"

    @field_validator("api_url")
    @classmethod
    def _is_api_php(cls, value: str) -> str:
        parts = site_address(value)
        if not parts.path.endswith(".php") or parts.query or parts.fragment:
            raise ValueError("write the address of api.php, such as https://wiki.county.example/w/api.php")
        return value

    @field_validator("user")
    @classmethod
    def _is_a_bot_password(cls, value: str) -> str:
        if not _BOT.fullmatch(value):
            raise ValueError("write a bot password's name, such as Syncd@syncd (Special:BotPasswords makes it)")
        return value

    @field_validator("key_pages")
    @classmethod
    def _begins_a_page(cls, value: str) -> str:
        if not _PREFIX.fullmatch(value):
            raise ValueError("write how a page's name begins, such as Project:Syncd/")
        return value

    @field_validator("columns")
    @classmethod
    def _are_categories(cls, value: dict[str, str]) -> dict[str, str]:
        if wrong := [name for name in value.values() if not _CATEGORY.fullmatch(name)]:
            raise ValueError(f"{wrong[0]!r} is no category: write its name without Category:")
        return value
