"""Options of the Plone adapter."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr, field_validator

from syncd.adapters.article import Told
from syncd.adapters.checks import basic_user, site_address

_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]{1,100})+")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,80}")


class Options(BaseModel):
    """api_url: where plone.restapi answers: the Plone site's address, with /++api++ where Volto stands before it. user,
    password: by Basic authentication.

    type: the content type. text_field: its field for the text. fields: what is told of a document to the text field of the
    type that holds it. columns: column name to the path of its folder below the site, such as "/zwgk/yaowen"; others are
    refused. files_folder: the path of the folder for pictures and attachments, "" if they stay at their source.
    publish: the workflow's transition, "" for a type without a workflow. public_states: of the workflow, in which anybody
    sees an item. withdraw: what is left of a withdrawn document: a notice, or nothing. A private item is no way: Plone leads
    its readers to a log-in form, by which nobody can tell that it was withdrawn. refused_files: what becomes of a file that
    Plone refuses. language: of the items, "" for the folder's own.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    api_url: str
    user: str
    password: SecretStr
    type: str = "News Item"
    text_field: str = "text"
    fields: dict[Told, str] = {}
    columns: dict[str, str]
    files_folder: str = ""
    publish: str = "publish"
    public_states: list[str] = ["published"]
    withdraw: Literal["notice", "delete"] = "notice"
    refused_files: Literal["reject", "link"] = "reject"
    language: str = ""

    @field_validator("api_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = site_address(value)
        if parts.query or parts.fragment:
            raise ValueError("write the address of the Plone site, with /++api++ at most")
        return value.rstrip("/")

    @field_validator("user")
    @classmethod
    def _fits_basic(cls, value: str) -> str:
        return basic_user(value)

    @field_validator("columns")
    @classmethod
    def _are_paths(cls, value: dict[str, str]) -> dict[str, str]:
        if not value:
            raise ValueError("name the folder of each column at least once")
        for path in value.values():
            _folder(path)
        return value

    @field_validator("files_folder")
    @classmethod
    def _is_a_path(cls, value: str) -> str:
        return _folder(value) if value else value

    @field_validator("text_field", "publish")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if value and not _NAME.fullmatch(value):
            raise ValueError("write the name that Plone uses in addresses, such as text or publish")
        return value

    @field_validator("fields")
    @classmethod
    def _are_fields(cls, value: dict[Told, str]) -> dict[Told, str]:
        if wrong := [name for name in value.values() if not _NAME.fullmatch(name)]:
            raise ValueError(f"{wrong[0]!r} is no field: write its short name, such as document_number")
        return value

    @property
    def base(self) -> str:
        """The path of the site in the addresses that Plone tells: they never hold ++api++."""
        return urlsplit(self.api_url).path.removesuffix("/++api++").rstrip("/")


def _folder(path: str) -> str:
    if not _PATH.fullmatch(path):
        raise ValueError(f"{path!r} is no path of a folder: write it as in its address, such as /zwgk/yaowen")
    return path
