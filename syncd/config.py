"""config.toml as typed values, read strictly: all mistakes in one message, each with place and nearest known key."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, overload
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from syncd import model
from syncd.core import detect
from syncd.core.schedule import TTL_CAP
from syncd.errors import ConfigError

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?[smhdw])+")
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhdw])")
_NAME = re.compile(r"\w[\w.-]{0,63}")
_LISTEN = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^:\s]+):[0-9]{1,5}")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_PUBLIC_KEY = re.compile(r"ed25519:[0-9a-f]{64}")
_FLOOD = detect.Limits()
_SECRET_FORMS = ("credential", "file", "env")
_NOT_LITERAL = 'a secret is never written here; use { credential = "name" }, { file = "path" } or { env = "NAME" }'


def _fault(text: str) -> PydanticCustomError:
    return PydanticCustomError("syncd", "{text}", {"text": text})


def _shown(value: object) -> str:
    """A value for a message, short; only for keys that never hold a secret."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def seconds(value: object) -> float:
    """A duration as seconds: 300, 1.5, "5m", "12h", "600s", "30d", "1w", "1h30m". Raises a validation error."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise _fault(f'{_shown(value)} is not a duration; write seconds (300) or "5m", "12h", "30d"')
    if isinstance(value, (int, float)):
        number = float(value)
    elif _DURATION.fullmatch(value.strip()):
        number = sum(float(amount) * _UNITS[unit] for amount, unit in _PART.findall(value))
    else:
        raise _fault(f'{_shown(value)} is not a duration; write seconds (300) or "5m", "12h", "30d"')
    if not 0 <= number < float("inf"):
        raise _fault(f"{_shown(value)} is not a duration; it must not be negative")
    return number


def _interval(value: object) -> float:
    number = seconds(value)
    if number < 1:
        raise _fault(f"{_shown(value)} is too short; at least 1 second")
    return number


def _slowest(value: float | None, info: ValidationInfo) -> float | None:
    every = info.data.get("every")
    if value is not None and every is not None and value < every:
        raise _fault(f"{value:g} seconds are less than every = {every:g}; it is the longest interval, in quiet hours")
    return value


def _zone(value: object) -> object:
    try:
        ZoneInfo(value) if isinstance(value, str) else None
    except (KeyError, ValueError, OSError) as error:
        raise _fault(f'{_shown(value)} is not a time zone; write one such as "Asia/Shanghai"') from error
    return value


def is_name(text: str) -> bool:
    """Whether a source, a site or a route may be called so."""
    return _NAME.fullmatch(text) is not None


def _name(value: object) -> object:
    if isinstance(value, str) and not is_name(value):
        raise _fault(f"{_shown(value)} is not a name; letters, digits, - _ . only, at most 64")
    return value


def _address(value: object) -> object:
    """An http(s) address without a log-in in it; the text is not shown, since it might hold one."""
    if not isinstance(value, str):
        return value
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise _fault("not an address; write https://host/path") from None
    if parts.scheme not in ("http", "https") or not host or any(c.isspace() for c in value):
        raise _fault("not an address; write https://host/path")
    if parts.username is not None or parts.password is not None:
        raise _fault("a log-in must not stand in an address; give it in options")
    return value


def _base_address(value: object) -> object:
    checked = _address(value)
    return checked.rstrip("/") if isinstance(checked, str) else checked


def _callback(value: object) -> object:
    """An address below which callbacks are made, "" for none."""
    checked = _base_address(value) if value else value
    if isinstance(checked, str) and ("?" in checked or "#" in checked):
        raise _fault("callbacks are made below it, so it ends with a path; write https://host/path")
    return checked


def _push(value: object) -> object:
    """Where pushes come from: a word, or a hub's address."""
    if isinstance(value, str) and value not in ("auto", "off") and not value.startswith(("http://", "https://")):
        raise _fault(f'{_shown(value)} is not one of "auto", "off"; or write a hub\'s address, https://host/path')
    return value if value in ("auto", "off") else _address(value)


def _no_password(value: object) -> object:
    """For addresses that may carry a log-in: the log-in only as a secret (of the whole address)."""
    if isinstance(value, str) and re.match(r"[^/]*//[^/]*@", value):
        raise _fault(f"it holds a log-in, so the whole address is a secret; {_NOT_LITERAL}")
    return value


def _proxy(value: object) -> object:
    plain = value.get_secret_value() if isinstance(value, SecretStr) else value
    if isinstance(plain, str) and plain:
        try:
            bad = urlsplit(plain).scheme not in ("http", "https") or not urlsplit(plain).hostname
        except ValueError:
            bad = True
        if bad:
            raise _fault("not a proxy; write http://host:port")
    return _no_password(value)


def _listen(value: object) -> object:
    if isinstance(value, str) and value and not (_LISTEN.fullmatch(value) and int(value.rpartition(":")[2]) < 65536):
        raise _fault(f'{_shown(value)} is not host:port; write "127.0.0.1:8377", or "" for none')
    return value


def _host_and_port(listen: str) -> tuple[str, int] | None:
    host, _, port = listen.rpartition(":")
    return (host.strip("[]"), int(port)) if listen else None


def _public_key(value: object) -> object:
    if isinstance(value, str) and not _PUBLIC_KEY.fullmatch(value):
        raise _fault(f'{_shown(value)} is not a public key; write "ed25519:…" as `syncd relay keygen` printed it')
    return value


def _list_address(value: object, info: ValidationInfo) -> object:
    """Of a relay also a folder: a path beside the config, an absolute one, or a file: address."""
    if not isinstance(value, str) or info.data.get("kind") != "relay" or value.startswith(("http://", "https://")):
        return _address(value)
    if not value or "\0" in value or (value.startswith("file:") and not value.startswith("file:///")):
        raise _fault("not an address; write https://host/path, or the path of a folder")
    return value if value.startswith("file:") else (_base(info).absolute() / value).as_uri()


def _host(value: object) -> object:
    if isinstance(value, str) and not _HOST.fullmatch(value):
        raise _fault(f'{_shown(value)} is not the name of a host; write "status.county.example"')
    return value


def _base(info: ValidationInfo) -> Path:
    return Path((info.context or {}).get("base", "."))


def _column(value: object) -> object:
    if isinstance(value, str) and not value.strip():
        raise _fault("must not be empty; write the name of the column where reposts appear")
    return value


def _directory(value: object, info: ValidationInfo) -> object:
    """A path that is a directory or can become one: nothing on the way to it is a file."""
    path = _below(value, info)
    if isinstance(path, Path):
        with suppress(OSError):
            first = next((p for p in (path, *path.parents) if p.exists()), None)
            if first is not None and not first.is_dir():
                raise _fault(f"{first} is no directory")
    return path


def _below(value: object, info: ValidationInfo) -> object:
    return _base(info) / value if isinstance(value, str) and value else value


def _file(value: object, info: ValidationInfo) -> object:
    """A file beside the config, or an absolute one, that is there."""
    if not isinstance(value, str) or not value:
        return value
    path = _base(info) / value
    if not path.is_file():
        raise _fault(f"no such file: {path}")
    return str(path)


def _backfill(value: object) -> object:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int) and value > 0:
        return value
    if isinstance(value, str):
        return seconds(value)
    raise _fault(f'{_shown(value)} is not a backfill; write false, true, "30d" or a number of the newest')


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


Seconds = Annotated[float, BeforeValidator(seconds)]
Interval = Annotated[float, BeforeValidator(_interval)]
Zone = Annotated[str, BeforeValidator(_zone)]
Name = Annotated[str, BeforeValidator(_name)]
Address = Annotated[str, BeforeValidator(_address)]
ListAddress = Annotated[str, BeforeValidator(_list_address)]
PublicKey = Annotated[str, BeforeValidator(_public_key)]
Host = Annotated[str, BeforeValidator(_host)]
Words = Annotated[tuple[str, ...], BeforeValidator(_tuple)]
Names = Annotated[tuple[Name, ...], BeforeValidator(_tuple), Field(min_length=1)]
Spans = Annotated[tuple[Interval, ...], BeforeValidator(_tuple), Field(min_length=1)]
File = Annotated[str | None, BeforeValidator(_file)]


class Table(BaseModel):
    """A table of config.toml: frozen, strict, no unknown key."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class NetworkTable(Table):
    """How to get out. None: as [network] says (there: none). "" overrides [network] with none. Paths are absolute.

    hosts: behind a proxy, which resolves names by itself, only the configured address's own domain and these are asked for.
    """

    proxy: Annotated[SecretStr | str | None, BeforeValidator(_proxy)] = None
    ca_file: File = None
    client_cert: File = None
    hosts: Words | None = None

    def plain(self) -> dict[str, str]:
        """The three as text, "" for none, for the network layer; the proxy's log-in is in it, so never print this."""
        return {"proxy": _reveal(self.proxy), "ca_file": self.ca_file or "", "client_cert": self.client_cert or ""}


class LookTable(NetworkTable):
    """From where the public page is looked at, and how to get out there."""

    vantage: Literal["outside", "inside"] = "outside"


class RelayTable(Table):
    """What this instance serves to others of what it has read. key: the private key; None for no relay.

    name: who we are, told to them. listen: "" for export only. sources: () for all. documents: most, the last changed.
    trusted: public keys whose status files are believed.
    """

    key: SecretStr | None = None
    name: str = ""
    listen: Annotated[str, BeforeValidator(_listen)] = ""
    sources: Annotated[tuple[Name, ...], BeforeValidator(_tuple)] = ()
    documents: Annotated[int, Field(ge=1, le=100_000)] = 1000
    trusted: Annotated[tuple[PublicKey, ...], BeforeValidator(_tuple)] = ()

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port to listen at, None for none."""
        return _host_and_port(self.listen)


class RetentionTable(Table):
    """How long is kept, in seconds: raw bytes of lists and pages, the journal of reads, superseded content."""

    raw: Interval = 90 * 86400.0
    journal: Interval = 400 * 86400.0
    content: Interval = 400 * 86400.0


class LimitsTable(Table):
    """When a read is too strange to act on without a person (core.detect.Limits)."""

    few: Annotated[int, Field(ge=0)] = _FLOOD.few
    share: Annotated[float, Field(ge=0, le=1)] = _FLOOD.share
    most_new: Annotated[int, Field(ge=1)] = _FLOOD.most_new
    few_withdrawn: Annotated[int, Field(ge=0)] = _FLOOD.few_withdrawn

    def limits(self) -> detect.Limits:
        return detect.Limits(**self.model_dump())


class SyncdTable(Table):
    """The daemon itself. state_dir: absolute. token: what changes over HTTP must show; None refuses them.

    hosts: further names by which the status page may be asked for, as by a reverse proxy in front of it.
    stuck_after: seconds that one list or document may take; more than the 50 files of 2 minutes that it may have.
    """

    state_dir: Annotated[Path, BeforeValidator(_directory)] = Field(default=Path("var"), validate_default=True)
    database: Annotated[SecretStr | str | None, BeforeValidator(_no_password)] = None
    listen: Annotated[str, BeforeValidator(_listen)] = "127.0.0.1:8377"
    hosts: Annotated[tuple[Host, ...], BeforeValidator(_tuple)] = ()
    timezone: Zone = "Asia/Shanghai"
    contact: str = ""
    token: SecretStr | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    stuck_after: Interval = 7200.0
    retention: RetentionTable = RetentionTable()

    @property
    def database_url(self) -> str:
        """The database's address, by default the SQLite file below state_dir; it may hold a log-in: never print it."""
        return _reveal(self.database) or f"sqlite:///{self.state_dir / 'syncd.sqlite3'}"

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port to listen at, None for no status server."""
        return _host_and_port(self.listen)


class PushTable(Table):
    """Where WebSub hubs reach us. public_url: how they call what listens at `listen`; "" for no push at all."""

    listen: Annotated[str, BeforeValidator(_listen)] = "127.0.0.1:8378"
    public_url: Annotated[str, BeforeValidator(_callback)] = ""

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port to listen at, None for no push."""
        return _host_and_port(self.listen) if self.public_url else None


class SourceTable(Table):
    """A source (来源). options: what its kind takes, secrets resolved to SecretStr, not yet validated.

    slowest: the longest interval in hours in which the list never changes; None keeps to `every` at all times. courtesy: how
    far the list's own wishes may slow reads down. robots: whether robots.txt is told of, obeyed, or not asked for.
    push: "auto" (at the hub that the list names), "off", or a hub's address.
    """

    name: Name
    kind: str
    url: ListAddress
    every: Interval = 300.0
    slowest: Annotated[Interval | None, AfterValidator(_slowest)] = None
    courtesy: Seconds = TTL_CAP
    robots: Literal["report", "obey", "ignore"] = "report"
    timezone: Zone | None = None
    allow_private: bool = False
    network: NetworkTable = NetworkTable()
    limits: LimitsTable = LimitsTable()
    relook: Spans = (3600.0, 86400.0, 604800.0)
    push: Annotated[str, BeforeValidator(_push)] = "auto"
    pages: int = Field(default=10, ge=1, le=1000)
    options: dict[str, Any] = {}


class SiteTable(Table):
    """A site (站点). options: what its adapter takes, secrets resolved to SecretStr, not yet validated.

    call_within: seconds that one call of the adapter may take. isolate: it runs in a process of its own, which may hold
    `memory` MiB more than it starts with.
    """

    name: Name
    site_name: str = ""
    site_id: str = ""
    adapter: str
    public_url: Annotated[str, BeforeValidator(_base_address)]
    settle: Seconds = 600.0
    call_within: Interval = 300.0
    isolate: bool = False
    memory: Annotated[int, Field(ge=64, le=65536)] = 512
    look: LookTable = LookTable()
    timezone: Zone | None = None
    network: NetworkTable = NetworkTable()
    options: dict[str, Any] = {}


class MatchTable(Table):
    """Which documents a route takes; empty means all."""

    issuer: Words = ()
    keywords: Words = ()
    exclude: Words = ()


class RouteTable(Table):
    """A rule (转载规则). name: None lets `Config.routes_model` make a stable one."""

    name: Annotated[str, Field(min_length=1)] | None = None
    sources: Names
    site: Name
    match: MatchTable = MatchTable()
    column: Annotated[str, BeforeValidator(_column)]
    form: Literal["full", "link"] = "full"
    post_as: Literal["publish", "draft"] = "publish"
    approve: Literal["auto", "review"] = "auto"
    authority: str = ""
    deadline: Interval | None = None
    basis: str = ""
    backfill: Annotated[bool | int | float, BeforeValidator(_backfill)] = False
    review_withdrawals: bool = False
    hotlink: bool = False


class Sources(Sequence[SourceTable]):
    """The sources of a file, in its order. There may be thousands that differ in name and address only: each is kept as
    these two and one table of all that are alike, a fifth of a table of its own; what is asked for is a copy."""

    def __init__(self, tables: Iterable[SourceTable]) -> None:
        alike: dict[Hashable, SourceTable] = {}
        self._kept = [(t.name, t.url, _alike(t, alike)) for t in tables]

    def __len__(self) -> int:
        return len(self._kept)

    @overload
    def __getitem__(self, index: int) -> SourceTable: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[SourceTable]: ...
    def __getitem__(self, index: int | slice) -> SourceTable | Sequence[SourceTable]:
        if isinstance(index, slice):
            return [_named(*kept) for kept in self._kept[index]]
        return _named(*self._kept[index])

    def names(self) -> list[str]:
        return [name for name, _, _ in self._kept]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sources) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # as the tables: options hold what can't be hashed


def _named(name: str, url: str, table: SourceTable) -> SourceTable:
    return table if table.name == name else table.model_copy(update={"name": name, "url": url})


def _alike(table: SourceTable, known: dict[Hashable, SourceTable]) -> SourceTable:
    """The first table that says the same, and was given the same keys, but for name and address; else this one.

    Text alone does not tell: secrets are masked in it. Nor does equality: True is 1.
    """
    key = (table.kind, table.every, table.timezone, table.allow_private, repr(table.options))
    first = known.setdefault(key, table)
    same = first.model_fields_set == table.model_fields_set and _rest(first) == _rest(table)
    return first if same else table


def _rest(table: SourceTable) -> dict[str, Any]:
    return {**vars(table), "name": "", "url": ""}


TABLES: Mapping[str, type[Table]] = {
    "syncd": SyncdTable,
    "network": NetworkTable,
    "push": PushTable,
    "relay": RelayTable,
    "sources": SourceTable,
    "sites": SiteTable,
    "routes": RouteTable,
}
"""The tables of the file by name; the last three are lists of tables ([[…]])."""
_LISTS = ("sources", "sites", "routes")


@dataclass(frozen=True, slots=True)
class Config:
    """A whole, checked configuration. warnings: what a person may want to mend, though it runs.

    secrets: every secret that it holds, for the redaction of logs. base: the directory that paths start from.
    digest: of the text that it was read from, SHA-256.
    """

    syncd: SyncdTable
    network: NetworkTable
    push: PushTable
    sources: Sources
    sites: tuple[SiteTable, ...]
    routes: tuple[RouteTable, ...]
    relay: RelayTable = field(default_factory=RelayTable)
    base: Path = Path(".")
    warnings: tuple[str, ...] = ()
    secrets: tuple[SecretStr, ...] = field(default=(), repr=False)
    digest: str = ""

    @property
    def hash(self) -> str:
        """SHA-256 of what routing depends on: the routes and the names of the sites."""
        relevant = {"routes": [_plain_route(r) for r in self.routes_model()], "sites": [s.name for s in self.sites]}
        return hashlib.sha256(json.dumps(relevant, sort_keys=True).encode()).hexdigest()

    def routes_model(self) -> tuple[model.Route, ...]:
        """The routes in the words of the domain, in the order of the file, each with a stable, unique name."""
        return tuple(_route(table, name) for table, name in zip(self.routes, _route_names(self.routes), strict=True))

    def source(self, name: str) -> SourceTable:
        """The source of this name. Raises KeyError."""
        names = self.sources.names()
        return self.sources[names.index(name)] if name in names else _missing(name)

    def site(self, name: str) -> SiteTable:
        """The site of this name. Raises KeyError."""
        return next((s for s in self.sites if s.name == name), None) or _missing(name)

    def network_of(self, own: NetworkTable) -> NetworkTable:
        """A source's, site's or look's own network settings over those of [network]."""
        names = tuple(NetworkTable.model_fields)
        merged = {n: getattr(own if getattr(own, n) is not None else self.network, n) for n in names}
        return NetworkTable.model_construct(**merged)

    def zone_of(self, own: SourceTable | SiteTable) -> tuple[str, str]:
        """Time zone for dates without one, and who says so: "source" (or the site), "config" or "default"."""
        if own.timezone is not None:
            return own.timezone, "source"
        return self.syncd.timezone, "config" if "timezone" in self.syncd.model_fields_set else "default"


def load(path: Path, *, environ: Mapping[str, str] | None = None, credentials_dir: Path | None = None) -> Config:
    """Read a file. environ: None is the process's own; credentials_dir goes before $CREDENTIALS_DIRECTORY.

    Raises ConfigError with all problems, its `where` the file.
    """
    known = dict(os.environ if environ is None else environ)
    if credentials_dir is not None:
        known["CREDENTIALS_DIRECTORY"] = str(credentials_dir)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(["no such file; write one with: syncd init"], where=str(path)) from None
    except UnicodeDecodeError as error:
        raise ConfigError([f"not UTF-8 at byte {error.start}; save the file as UTF-8"], where=str(path)) from None
    except OSError as error:
        raise ConfigError([f"can't be read: {error.strerror}"], where=str(path)) from None
    return parse(text, where=str(path), base=path.absolute().parent, environ=known)


def parse(text: str, *, where: str, base: Path, environ: Mapping[str, str]) -> Config:
    """Text as a Config. where: what to call it in messages. base: where relative paths start.

    Raises ConfigError with all problems at once, one line each.
    """
    reading = _Reading(base=base, environ=environ)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"not TOML: {error}"], where=where) from None
    config = reading.config(data)
    if config is None:
        raise ConfigError(reading.problems, where=where)
    return replace(config, digest=hashlib.sha256(text.encode()).hexdigest())


def options_of(
    options_model: type[BaseModel], options: Mapping[str, Any], *, where: str, base: Path | None = None
) -> tuple[BaseModel | None, list[str]]:
    """A plug-in's options, validated by its own model, and the problems if there are any (then None).

    where: such as '[[sites]] "county": options'. base: what relative paths start from (`Config.base`). Unknown keys are
    refused unless the model says extra="allow"; text where the model has a secret is refused; no value is ever shown.
    """
    problems = list(_option_faults(options_model, options, where))
    bad = {line[len(where) + 1 :].partition(":")[0] for line in problems}
    try:
        valid = _based(options_model.model_validate(dict(options)), base)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=True, include_input=False)
        told = [(_spot(detail["loc"]), _said(detail, options_model)) for detail in details]
        new = [f"{where}.{spot}: {said}" if spot else f"{where}: {said}" for spot, said in told if spot not in bad]
        return None, problems + [_without_secrets(line, options) for line in new]
    return None if problems else valid, problems


def _without_secrets(text: str, value: object) -> str:
    """A plug-in's own message might quote what it was given."""
    if isinstance(value, SecretStr):
        return text.replace(value.get_secret_value(), "[hidden]") if value.get_secret_value() else text
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    for item in inner:
        text = _without_secrets(text, item)
    return text


def _based(options: BaseModel, base: Path | None) -> BaseModel:
    """Relative paths in options start where those of the rest of the file do, not where the process was started."""
    paths = {name: value for name in type(options).model_fields if isinstance(value := getattr(options, name), Path)}
    return options.model_copy(update={name: base / path for name, path in paths.items()}) if base else options


def source_place(table: SourceTable) -> str:
    """How messages call a source: its place in the file."""
    return _place("sources", table.name)


def site_place(table: SiteTable) -> str:
    """How messages call a site: its place in the file."""
    return _place("sites", table.name)


AnyTable = TypeVar("AnyTable", bound=Table)


@dataclass(slots=True)
class _Reading:
    """One pass over one file: what it found wrong, and the secrets that it met."""

    base: Path
    environ: Mapping[str, str]
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    secrets: list[SecretStr] = field(default_factory=list)
    given: dict[frozenset[str], set[str]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    """Every text that was met, once: a route names what thousands of sources are called."""

    def config(self, data: dict[str, Any]) -> Config | None:
        self._unknown_tables(data)
        lists = {name: self._rows(name, data.get(name, [])) for name in _LISTS}
        syncd = self._single("syncd", SyncdTable, data.get("syncd", {}))
        network = self._single("network", NetworkTable, data.get("network", {}))
        push = self._single("push", PushTable, data.get("push", {}))
        relay = self._relay(data.get("relay", {}), lists["sources"])
        sources = Sources(t for place, row in lists["sources"] if (t := self.table(SourceTable, row, place)))
        self._doubles("sources", lists["sources"])
        sites = [self.table(SiteTable, row, place) for place, row in lists["sites"]]
        self._doubles("sites", lists["sites"])
        routes = self._routes(lists)
        if self.problems:
            self._plugins(lists)
        if self.problems or syncd is None or network is None or push is None or relay is None:
            return None
        self._idle(lists)
        return Config(
            syncd=syncd,
            network=network,
            push=push,
            sources=sources,
            sites=_all(sites),
            routes=_all(routes),
            relay=relay,
            base=self.base,
            warnings=tuple(self.warnings),
            secrets=tuple(self.secrets),
        )

    def table(self, shape: type[AnyTable], raw: dict[str, Any], place: str) -> AnyTable | None:
        resolved = {key: self._resolve(value, f"{place}: {key}") for key, value in raw.items()}
        literal = list(_literal_secrets(shape, resolved))
        self.problems += [f"{place}: {spot}: {_NOT_LITERAL}" for spot in literal]
        kept = {key: value for key, value in resolved.items() if key not in literal}
        try:
            return self._slim(shape.model_validate(kept, context={"base": self.base}))
        except ValidationError as error:
            details = error.errors(include_url=False, include_context=True, include_input=True)
            self.problems += _unique(f"{place}: {_spot(d['loc'])}: {_said(d, shape)}" for d in details)
            return None

    def _slim(self, table: AnyTable) -> AnyTable:
        """The table with its names of given keys shared: in ten thousand tables with the same keys they take 7 MB."""
        given = table.model_fields_set
        object.__setattr__(table, "__pydantic_fields_set__", self.given.setdefault(frozenset(given), given))
        return table

    def _single(self, name: str, shape: type[AnyTable], raw: object) -> AnyTable | None:
        if not isinstance(raw, dict):
            self.problems.append(f"[{name}]: must be one table; write [{name}] with one bracket, once")
            return None
        return self.table(shape, raw, f"[{name}]")

    def _relay(self, raw: object, sources: Sequence[tuple[str, Mapping[str, Any]]]) -> RelayTable | None:
        found = self._single("relay", RelayTable, raw)
        if found is None:
            return None
        self._known("[relay]", "sources", found.sources, [str(row.get("name")) for _, row in sources])
        for name, told in (("name", found.name), ("key", found.key)):
            if not told and (found.listen or found.key or found.name):
                what = "who relays is told to all who read it" if name == "name" else "make one with: syncd relay keygen FILE"
                self.problems.append(f"[relay]: {name}: missing; {what}")
        return found

    def _unknown_tables(self, data: Mapping[str, object]) -> None:
        for name in data:
            if name not in TABLES:
                brackets = {known: f"[[{known}]]" if known in _LISTS else f"[{known}]" for known in TABLES}
                near = _nearest(name, list(TABLES))
                guess = f"did you mean {brackets[near]}?" if near else f"known are {', '.join(brackets.values())}"
                self.problems.append(f"{name}: unknown table; {guess}")

    def _rows(self, name: str, raw: object) -> list[tuple[str, dict[str, Any]]]:
        if not isinstance(raw, list) or not all(isinstance(row, dict) for row in raw):
            self.problems.append(f"[{name}]: write [[{name}]] with two brackets, once for each")
            return []
        return [(_place(name, row.get("name"), i), row) for i, row in enumerate(raw, 1)]

    def _doubles(self, table: str, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        names = [row["name"] for _, row in rows if isinstance(row.get("name"), str)]
        twice = sorted({name for name in names if names.count(name) > 1})
        self.problems += [f"{_place(table, n)}: name: used {names.count(n)} times; names are unique" for n in twice]

    def _routes(self, lists: Mapping[str, list[tuple[str, dict[str, Any]]]]) -> list[RouteTable | None]:
        sources = [str(row.get("name")) for _, row in lists["sources"]]
        adapters = {str(row.get("name")): row.get("adapter") for _, row in lists["sites"]}
        done = []
        for place, row in lists["routes"]:
            done.append(self.table(RouteTable, row, place))
            named = row.get("sources") if isinstance(row.get("sources"), list) else []
            self._known(place, "sources", [n for n in named or [] if isinstance(n, str)], sources)
            self._known(place, "site", [n for n in [row.get("site")] if isinstance(n, str)], list(adapters))
            if adapters.get(str(row.get("site"))) == "observe":
                self._observed(place, row)
        self._doubles("routes", lists["routes"])
        return done

    def _plugins(self, lists: Mapping[str, list[tuple[str, dict[str, Any]]]]) -> None:
        """What is wrong with kinds, adapters and their options too, so that a person mends all of it at once.

        Only beside other problems: of a file that is right so far, the plug-ins are asked when they are made.
        """
        quiet = _Reading(base=self.base, environ=self.environ)  # its secrets have been complained of already
        for table, key in (("sources", "kind"), ("sites", "adapter")):
            for place, row in lists[table]:
                options = quiet._resolve(row.get("options", {}), place)
                if isinstance(row.get(key), str) and isinstance(options, dict):
                    self.problems += _plugin_problems(table, row[key], options, place, key)

    def _known(self, place: str, key: str, names: Sequence[str], known: Sequence[str]) -> None:
        table = "sites" if key == "site" else "sources"
        for name in names:
            if name not in known:
                near = _nearest(name, known)
                listed = ", ".join(f'"{k}"' for k in known) or f"none, add [[{table}]]"
                guess = f'did you mean "{near}"?' if near else f"known are {listed}"
                self.problems.append(f'{place}: {key}: no {table.removesuffix("s")} is called "{name}"; {guess}')

    def _observed(self, place: str, row: Mapping[str, Any]) -> None:
        """Nothing is posted to an observed site, so options of posting would promise what never happens."""
        for key, value in (("approve", "review"), ("post_as", "draft"), ("review_withdrawals", True), ("form", "link"),
                           ("hotlink", True)):
            if row.get(key) == value:
                why = f'has no meaning here: the site "{row["site"]}" is only observed; remove it'
                self.problems.append(f"{place}: {key}: {_shown(value)} {why}")

    def _idle(self, lists: Mapping[str, list[tuple[str, dict[str, Any]]]]) -> None:
        """Warn of what does nothing: a source or site without a route, nothing at all to do."""
        routed = {name for _, row in lists["routes"] for name in row["sources"]}
        reached = {row["site"] for _, row in lists["routes"]}
        self.warnings += [f"{p}: no route takes from it" for p, row in lists["sources"] if row["name"] not in routed]
        self.warnings += [f"{p}: no route leads to it" for p, row in lists["sites"] if row["name"] not in reached]
        observed = {row["name"] for _, row in lists["sites"] if row["adapter"] == "observe"}
        for place, row in lists["routes"]:
            if row.get("approve", "auto") == "auto" and not row.get("authority") and row["site"] not in observed:
                self.warnings.append(f"{place}: authority: nobody is named who allows posting without review")

    def _resolve(self, value: object, place: str) -> object:
        """Secret references, wherever they stand, become secrets; texts that are equal become one."""
        if isinstance(value, str):
            return self.texts.setdefault(value, value)
        if isinstance(value, list):
            return [self._resolve(item, f"{place}[{i}]") for i, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if len(value) == 1 and next(iter(value)) in _SECRET_FORMS:
            form, name = next(iter(value.items()))
            return self._secret(form, name, place)
        return {key: self._resolve(item, f"{place}.{key}") for key, item in value.items()}

    def _secret(self, form: str, name: object, place: str) -> SecretStr:
        try:
            found = self._read_secret(form, name, place)
        except LookupError as error:
            self.problems.append(f"{place}: {error.args[0]}{_MADE_BY.get(place, '')}")
            return SecretStr("http://unresolved.invalid")  # fits every shape, so that one mistake is one line
        if 0 < len(found) < 8:
            self.warnings.append(f"{place}: the secret is shorter than 8 characters")
        if not found:
            self.problems.append(f"{place}: the secret is empty")
        self.secrets.append(SecretStr(found))
        return self.secrets[-1]

    def _read_secret(self, form: str, name: object, place: str) -> str:
        if not isinstance(name, str) or not name:
            raise LookupError(f'{form} must name one, such as {{ {form} = "name" }}')
        if form == "env":
            if name not in self.environ:
                raise LookupError(f"the environment has no {name}")
            return self.environ[name]
        path = self._secret_path(form, name)
        if form == "file":
            self._warn_of_readers(path, place)
        return _secret_in(path)

    def _secret_path(self, form: str, name: str) -> Path:
        if form == "file":
            return self.base / name
        directory = self.environ.get("CREDENTIALS_DIRECTORY", "")
        if not directory:
            raise LookupError(f'no credential "{name}": not started with systemd\'s LoadCredential={name}:…')
        if "/" in name or name in (".", ".."):
            raise LookupError(f'"{name}" is not the name of a credential')
        return Path(directory) / name

    def _warn_of_readers(self, path: Path, place: str) -> None:
        with suppress(OSError):
            mode = path.stat().st_mode & 0o777
            if mode & 0o077:
                told = f"others may read this secret (mode {mode:04o}); run: chmod 600 {path}"
                self.warnings.append(f"{place}: {told}")


_MADE_BY = {"[relay]: key": "; make one with: syncd relay keygen FILE"}
"""How a secret comes to be that no person thinks of, by its place."""
_GROUPS = {"sources": "syncd.sources", "sites": "syncd.adapters"}


def _plugin_problems(table: str, name: str, options: Mapping[str, Any], place: str, key: str) -> list[str]:
    """What is known to be wrong without making the plug-in; one that is broken is told when it is made."""
    points = entry_points(group=_GROUPS[table])
    if name not in points.names:
        near = _nearest(name, sorted(points.names))
        guess = f'did you mean "{near}"?' if near else f"installed are {', '.join(sorted(points.names)) or 'none'}"
        return [f"{place}: {key}: {_shown(name)} is not installed; {guess}"]
    with suppress(Exception):
        return options_of(points[name].load().Options, options, where=f"{place}: options")[1]
    return []


def _secret_in(path: Path) -> str:
    try:
        return path.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise LookupError(f"the secret's file can't be read: {path}: {why}") from None


def _all(tables: Sequence[AnyTable | None]) -> tuple[AnyTable, ...]:
    return tuple(table for table in tables if table is not None)


def _missing(name: str) -> Any:
    raise KeyError(name)


def _reveal(value: SecretStr | str | None) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value or ""


def _place(table: str, name: object, index: int | None = None) -> str:
    return f'[[{table}]] "{name}"' if isinstance(name, str) else f"[[{table}]] {index}"


def _spot(loc: Sequence[int | str]) -> str:
    """Where in a table: options.password, issuer[2]. Parts that only name a branch of a union are left out."""
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part not in ("bool", "int", "float", "str", "secret-str") and "[" not in part:
            text += f".{part}" if text else part
    return text


def _nearest(name: str, known: Sequence[str]) -> str:
    return next(iter(get_close_matches(name, known, n=1)), "")


_WORDS = {
    "missing": "missing",
    "string_type": 'must be text in quotes, such as "x"',
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "tuple_type": 'must be a list, such as ["x"]',
    "list_type": 'must be a list, such as ["x"]',
    "model_type": "must be a table, such as { key = value }",
    "dict_type": "must be a table, such as { key = value }",
    "path_type": 'must be a path in quotes, such as "var"',
    "is_instance_of": 'must be a path in quotes, such as "var"',
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
}


def _said(detail: ErrorDetails, shape: type[BaseModel]) -> str:
    """A validation error in the words of an operator; no value is told except a wrong choice."""
    kind = detail["type"]
    if kind == "extra_forbidden":
        return _unknown_key(str(detail["loc"][-1]), _fields(shape, detail["loc"]))
    if kind == "literal_error":
        choices = str(detail.get("ctx", {}).get("expected", "")).replace("'", '"').replace(" or ", ", ")
        given = f"{_shown(detail['input'])} is not" if "input" in detail else "not"
        return f"{given} one of {choices}"
    return _WORDS.get(kind) or _lower(detail["msg"])


def _lower(text: str) -> str:
    text = text.removeprefix("Value error, ").removeprefix("Input ")
    return text[:1].lower() + text[1:] if text[:2].istitle() else text


def _unknown_key(key: str, known: Sequence[str]) -> str:
    near = _nearest(key, known)
    return f'unknown key; did you mean "{near}"?' if near else f"unknown key; known are {', '.join(known) or 'none'}"


def _fields(shape: type[BaseModel], loc: Sequence[int | str]) -> list[str]:
    """The keys that are known where `loc` points to (its last part is the unknown one)."""
    for part in loc[:-1]:
        info = shape.model_fields.get(str(part))
        inner = next(_models(info.annotation), None) if info else None
        shape = inner or shape
    return [info.alias or name for name, info in shape.model_fields.items()]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _leaves(annotation: Any) -> Iterator[Any]:
    inner = get_args(annotation)
    if not inner:
        yield annotation
    for part in inner:
        yield from _leaves(part)


def _only_secret(annotation: Any) -> bool:
    leaves = list(_leaves(annotation))
    return SecretStr in leaves and str not in leaves


def _literal_secrets(shape: type[BaseModel], data: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Keys whose value should be a secret and is not one."""
    for name, info in shape.model_fields.items():
        key = info.alias or name
        value = data.get(key)
        if value is not None and not isinstance(value, SecretStr) and _only_secret(info.annotation):
            yield prefix + key
        for inner in _models(info.annotation):
            if isinstance(value, Mapping):
                yield from _literal_secrets(inner, value, f"{prefix}{key}.")


def _option_faults(shape: type[BaseModel], options: Mapping[str, Any], where: str) -> Iterator[str]:
    yield from (f"{where}.{key}: {_NOT_LITERAL}" for key in _literal_secrets(shape, options))
    if shape.model_config.get("extra") != "allow":
        known = [info.alias or name for name, info in shape.model_fields.items()]
        yield from (f"{where}.{key}: {_unknown_key(key, known)}" for key in options if key not in known)


def _unique(lines: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(lines))


def _route_names(routes: Sequence[RouteTable]) -> list[str]:
    """The explicit name, else "<site>/<column>#<n>" with n counted within that site and column.

    Counting there, and not over the file, keeps a name when an unrelated route is added or moved.
    """
    taken = {route.name for route in routes if route.name}
    names: list[str] = []
    for route in routes:
        number = 1
        while route.name is None and f"{route.site}/{route.column}#{number}" in taken | set(names):
            number += 1
        names.append(route.name or f"{route.site}/{route.column}#{number}")
    return names


def _backfill_model(value: bool | int | float) -> model.Backfill | None:
    if isinstance(value, bool):
        return model.Backfill(everything=True) if value else None
    return model.Backfill(newest=value) if isinstance(value, int) else model.Backfill(span=value)


def _route(table: RouteTable, name: str) -> model.Route:
    return model.Route(
        name=name,
        sources=table.sources,
        site=table.site,
        column=table.column,
        match=model.Match(table.match.issuer, table.match.keywords, table.match.exclude),
        form=model.Form(table.form),
        post_as=model.PostAs(table.post_as),
        approve=model.Approve(table.approve),
        authority=table.authority,
        backfill=_backfill_model(table.backfill),
        deadline=model.DeadlineRule(table.deadline, table.basis) if table.deadline is not None else None,
        review_withdrawals=table.review_withdrawals,
        hotlink=table.hotlink,
    )


def _plain_route(route: model.Route) -> str:
    return repr(route)
