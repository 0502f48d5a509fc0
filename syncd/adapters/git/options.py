"""Options of the git adapter: which repository, who we are there, and how the site's generator lays out its pages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

Scalar = str | int | float | bool

_SCP = re.compile(r"(?P<user>[A-Za-z0-9._-]+)@(?P<host>[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]):(?P<path>[^\s:][^\s]*)")
"""The short form that forges show: git@host:group/site.git."""
_BRANCH = re.compile(r"(?!.*(?:\.\.|//|@\{|/\.|\.lock(?:/|$)|/$|\.$))[A-Za-z0-9_][A-Za-z0-9_./+-]{0,199}")
_PATH = re.compile(r"(?!.*(?:^|/)\.)[^\s\\:*?\"<>|{}%#\x00-\x1f/][^\\:*?\"<>|{}%#\x00-\x1f]{0,199}")
"""A folder in the repository: no part of it begins with a dot, and nothing in it means something to a generator."""
_PERSON = re.compile(r"[^<>\x00-\x1f]{1,100} <[^\s<>@]{1,64}@[^\s<>@]{1,190}>")
_HOST_KEY = re.compile(r"(?:ssh|ecdsa|sk)-[a-z0-9@.-]{3,60} [A-Za-z0-9+/]{40,4000}={0,3}")
_NAME = re.compile(r"(?!syncd$)[A-Za-z_][A-Za-z0-9_-]{0,59}")


class Options(BaseModel):
    """repository: https://…, ssh://… or git@host:path; with `local` also the path of one on this machine.

    branch: where the site's source lies; it has a first commit. layout: the generator. content: the folder of its pages
    in the repository. columns: column name to a folder below it; any other column gets a folder of its own name, or of its
    hash where that is no plain one. author: who our commits are by; nobody else uses that mail address.
    user, token: for https. ssh_key, host_key: for ssh, our private key and the server's public one ("ssh-ed25519 AAAA…").
    withdraw: what is left of a withdrawn page. credit: source, number and dates stand above the text; without it, a theme
    shows them. extra: further front matter of each page. timeout: seconds that one contact with the server may take.
    clone: where the clone is kept; by default below state_dir.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    repository: str
    branch: str = "main"
    layout: Literal["hugo", "eleventy", "pelican"] = "hugo"
    content: str = "content"
    columns: dict[str, str] = {}
    author: str = "syncd <syncd@syncd.invalid>"
    user: str = "syncd"
    token: SecretStr | None = None
    ssh_key: SecretStr | None = None
    host_key: str = ""
    local: bool = False
    withdraw: Literal["notice", "unpublish", "delete"] = "notice"
    credit: bool = True
    extra: dict[str, Scalar] = {}
    timeout: float = Field(default=120.0, ge=1, le=3600)
    clone: Path | None = None

    @field_validator("repository")
    @classmethod
    def _has_no_login(cls, value: str) -> str:
        if value.startswith(("http://", "https://")) and urlsplit(value).username is not None:
            raise ValueError("write no log-in into the address: use user and token")
        if not value or value.startswith("-") or any(c.isspace() or not c.isprintable() for c in value):
            raise ValueError("write the repository's address, such as https://git.county.example/web/site.git")
        return value

    @field_validator("branch")
    @classmethod
    def _is_a_branch(cls, value: str) -> str:
        if not _BRANCH.fullmatch(value):
            raise ValueError("write the name of a branch, such as main")
        return value

    @field_validator("content")
    @classmethod
    def _is_a_folder(cls, value: str) -> str:
        return _folder(value, "content")

    @field_validator("columns")
    @classmethod
    def _are_folders(cls, value: dict[str, str]) -> dict[str, str]:
        return {column: _folder(folder, "zwgk/gwywj") for column, folder in value.items()}

    @field_validator("author")
    @classmethod
    def _is_a_person(cls, value: str) -> str:
        if not _PERSON.fullmatch(value):
            raise ValueError('write a name and a mail address, such as "syncd <syncd@county.example>"')
        return value

    @field_validator("host_key")
    @classmethod
    def _is_a_key(cls, value: str) -> str:
        if value and not _HOST_KEY.fullmatch(value.strip()):
            raise ValueError('write kind and key, such as "ssh-ed25519 AAAA…", as `ssh-keyscan HOST` shows them')
        return value.strip()

    @field_validator("extra")
    @classmethod
    def _are_names(cls, value: dict[str, Scalar]) -> dict[str, Scalar]:
        for name in value:
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name[:40]!r} is no name for front matter")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Options:
        scheme = self.scheme
        if scheme == "file" and not self.local:
            raise ValueError("repository: a path on this machine needs local = true; else write https://… or ssh://…")
        if scheme == "ssh" and not self.host_key:
            raise ValueError("host_key: missing; run `ssh-keyscan HOST`, compare it with what the server's owner says")
        if scheme == "ssh" and self.ssh_key is None:
            raise ValueError("ssh_key: missing; make a key with `ssh-keygen -t ed25519 -N ''` and give its file as a secret")
        return self

    @property
    def scheme(self) -> str:
        """https, http, ssh or file."""
        if _SCP.fullmatch(self.repository):
            return "ssh"
        scheme = self.repository.partition("://")[0] if "://" in self.repository else "file"
        if scheme not in ("https", "http", "ssh", "file"):
            raise ValueError(f"repository: {scheme[:20]}:// is not supported; write https://… or ssh://…")
        return scheme

    @property
    def address(self) -> str:
        """The repository as git is told it."""
        if short := _SCP.fullmatch(self.repository):
            return f"ssh://{short['user']}@{short['host']}/{quote(short['path'].lstrip('/'), safe='/~')}"
        return self.repository

    @property
    def mail(self) -> str:
        """Our mail address, by which our commits are known."""
        return self.author.rpartition("<")[2].rstrip(">")


def _folder(value: str, example: str) -> str:
    path = value.strip("/")
    if path and (not _PATH.fullmatch(path) or "//" in path):
        raise ValueError(f"write a folder, such as {example}")
    return path
