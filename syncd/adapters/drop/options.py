"""Options of the drop adapters: the form of a package, where its acknowledgement stands, how its page is found."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from syncd.adapters.api import How
from syncd.adapters.drop.document import FIELDS
from syncd.config import Seconds

_STEP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*|\.[A-Za-z0-9][A-Za-z0-9._-]*")
_ELEMENT = re.compile(r"[^\W\d][\w.-]*")
_SUFFIX = re.compile(r"\.[A-Za-z0-9.]{1,16}")
_NAMED = frozenset({"package", "key", "sequence"})
_IN_ADDRESS = frozenset({"package", "key", "id", "column"})
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


def _folder(text: str) -> str:
    """A folder below the root, such as "out/zc"; "" is the root itself."""
    kept = text.strip("/")
    if kept and not all(_STEP.fullmatch(step) for step in kept.split("/")):
        raise ValueError("give a folder below the drop's root, in plain ASCII and without ..")
    return kept


def _elements(names: dict[str, str]) -> dict[str, str]:
    unknown = sorted(names.keys() - set(FIELDS))
    if unknown:
        raise ValueError(f"unknown field {unknown[0]!r}; the fields are: {', '.join(FIELDS)}")
    wrong = sorted(name for name in names.values() if not _ELEMENT.fullmatch(name))
    if wrong:
        raise ValueError(f"{wrong[0]!r} can't be the name of an element")
    given = [names.get(field, field) for field in FIELDS]
    doubled = sorted({name for name in given if given.count(name) > 1})
    if doubled:
        raise ValueError(f"two fields are called {doubled[0]!r}")
    return names


def _holes(text: str, known: frozenset[str]) -> set[str]:
    try:
        found = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}") from None
    if found - known:
        raise ValueError(f"unknown {{{min(found - known)}}}; there are: {', '.join(f'{{{n}}}' for n in sorted(known))}")
    return found


def _ack_name(text: str) -> str:
    found = _holes(text, _NAMED)
    if not found & {"package", "sequence"}:
        raise ValueError("the name must hold {package}, or {key} and {sequence}: else one file would answer for all")
    if found & {"sequence"} and not found & {"package", "key"}:
        raise ValueError("a {sequence} alone is not unique: add {key}")
    if "/" in text or "\\" in text:
        raise ValueError("give a name, and its folder in folder")
    return text


def _address(text: str) -> str:
    if text and not _holes(text, _IN_ADDRESS) & {"package", "key", "id"}:
        raise ValueError("the address must hold {id}, {key} or {package}: else all documents would stand at one place")
    return text


def _suffix(text: str) -> str:
    if text and not _SUFFIX.fullmatch(text):
        raise ValueError('give a suffix such as ".ok"')
    return text


Below = Annotated[str, AfterValidator(_folder)]


class Acknowledgement(BaseModel):
    """Where the importer's answer to a package stands and what it says.

    folder: below the drop's root. name: of its file, with {package} or {key} and {sequence}, and * for what varies. result,
    id, url, reason: where these stand: a path of names with dots (JSON), of elements (XML), a key (text: key=value lines).
    published, accepted, refused: the words of a result that mean done, taken but not done yet, and not taken; case does
    not matter.
    within: seconds after which no answer is an alarm.
    """

    model_config = ConfigDict(extra="forbid")

    folder: Below = "ack"
    name: Annotated[str, AfterValidator(_ack_name)] = "{package}.ack.json"
    format: Literal["json", "xml", "text"] = "json"
    result: str = Field(default="result", min_length=1)
    id: str = "id"
    url: str = "url"
    reason: str = "reason"
    published: tuple[str, ...] = ("published", "withdrawn")
    accepted: tuple[str, ...] = ("accepted",)
    refused: tuple[str, ...] = ("refused",)
    within: Seconds = 7200.0

    @model_validator(mode="after")
    def _distinct(self) -> Acknowledgement:
        words = [word.lower() for word in (*self.published, *self.accepted, *self.refused)]
        if len(set(words)) < len(words):
            raise ValueError("published, accepted and refused must have no word in common")
        return self


def _require_apart(packages: str, records: str, ack: str | None) -> None:
    """A package lies in records until it is whole, so the importer must not look there. Some disks can't tell case."""
    if not packages or not records:
        raise ValueError("packages and records must each be a folder of its own below the root: only whole packages may be "
                         "seen by the importer")
    if _within(packages, records) or _within(records, packages):
        raise ValueError("packages and records must not be one folder, nor lie in each other: only whole packages may be seen "
                         "by the importer")
    if ack is not None and _within(ack, records):
        raise ValueError("ack.folder must not lie in records, which is syncd's alone")


def _within(inner: str, outer: str) -> bool:
    return f"{inner}/".casefold().startswith(f"{outer}/".casefold())


class Options(BaseModel):
    """What both drops take. packages: the folder that the importer watches; records: ours alone, on the same disk.

    format, charset, names: of the document; names: field to element or key. layout: a folder or one ZIP a package.
    flag: suffix of an empty file that appears beside a package when it is whole; "" for none. columns: column name to what
    the CMS calls it. withdraw: what the importer is asked for. url: the address of a page, with {id}, {key}, {package} or
    {column}. list_url: public column pages on which a document's page is found by its title; link_selector: as of observe.
    """

    model_config = ConfigDict(extra="forbid")

    packages: Below = "packages"
    records: Below = "records"
    format: Literal["json", "xml", "atom"] = "json"
    layout: Literal["folder", "zip"] = "folder"
    charset: Literal["utf-8", "gb18030"] = "utf-8"
    names: Annotated[dict[str, str], AfterValidator(_elements)] = {}
    flag: Annotated[str, AfterValidator(_suffix)] = ""
    columns: dict[str, str] = {}
    withdraw: How = "unpublish"
    ack: Acknowledgement | None = None
    url: Annotated[str, AfterValidator(_address)] = ""
    list_url: str | tuple[str, ...] = ()
    link_selector: str = "a[href]"

    @model_validator(mode="after")
    def _can_be_found(self) -> Options:
        if self.ack is None and not self.url and not self.list_url:
            raise ValueError("say how a document's public page is found: ack (it tells the address), url or list_url")
        if "{id}" in self.url and self.ack is None:
            raise ValueError("url has {id}, which only an acknowledgement can tell: set ack")
        if self.format != "xml" and self.charset != "utf-8":
            raise ValueError('charset: only format = "xml" can be GB18030 (RFC 8259, RFC 4287)')
        if self.format == "atom" and self.names:
            raise ValueError("names: the elements of Atom have their names from RFC 4287")
        _require_apart(self.packages, self.records, self.ack.folder if self.ack is not None else None)
        return self


class DirectoryOptions(Options):
    """directory: the root of the drop."""

    directory: Path


class SftpOptions(Options):
    """server: sftp://host:port/folder, the root of the drop there. user; password or key (a private key's text, without a
    passphrase). host_key: fingerprints of the server as `ssh-keygen -lf` tells them. timeout: seconds.
    """

    server: str
    user: str = Field(min_length=1)
    password: SecretStr | None = None
    key: SecretStr | None = None
    host_key: str | tuple[str, ...] = ()
    timeout: Seconds = 30.0

    @property
    def place(self) -> tuple[str, int, str]:
        """Host, port, folder."""
        parts = urlsplit(self.server)
        return parts.hostname or "", parts.port or 22, parts.path.rstrip("/") or "/"

    @property
    def pins(self) -> frozenset[str]:
        return frozenset((self.host_key,) if isinstance(self.host_key, str) else self.host_key) - {""}

    @field_validator("server")
    @classmethod
    def _has_a_port(cls, server: str) -> str:
        try:
            port = urlsplit(server).port
        except ValueError as error:
            raise ValueError(f"{error}; give sftp://host:port/folder") from None
        if port == 0:
            raise ValueError("port 0 is none; give sftp://host:port/folder")
        return server

    @model_validator(mode="after")
    def _can_log_in(self) -> SftpOptions:
        parts = urlsplit(self.server)
        if parts.scheme != "sftp" or not parts.hostname or parts.username or parts.query:
            raise ValueError("server: give sftp://host:port/folder; the user stands in user")
        if not (self.password or self.key):
            raise ValueError("give a password or a key")
        if wrong := sorted(pin for pin in self.pins if not _FINGERPRINT.fullmatch(pin)):
            raise ValueError(f"host_key: {wrong[0][:60]!r} is no fingerprint such as SHA256:… (43 characters)")
        return self


__all__ = ["Acknowledgement", "DirectoryOptions", "Options", "SftpOptions"]
