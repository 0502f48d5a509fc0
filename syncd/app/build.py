"""From a Config to the engine's deps: every plug-in made with its own way out, every problem told at once."""

from __future__ import annotations

import random
import re
import secrets
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr

from syncd import __version__
from syncd.adapters import api as adapters_api
from syncd.adapters import registry as adapters
from syncd.adapters.wall import Watch
from syncd.app.walls import Walls, give_up
from syncd.config import Config, SiteTable, SourceTable, options_of, site_place, source_place
from syncd.content.blobs import DiskBlobs
from syncd.content.build import ContentBuilder
from syncd.content.files import Files
from syncd.engine.clock import Clock
from syncd.engine.deps import Callback, Deps, Habits, SiteUnit, SourceUnit
from syncd.engine.gate import Gate
from syncd.errors import ConfigError, SyncdError
from syncd.metrics import Metrics
from syncd.model import Route
from syncd.relay.seal import Signer
from syncd.sources import api as sources_api
from syncd.sources import registry as sources
from syncd.store.api import Store
from syncd.web import urls
from syncd.web.api import Client, Exchange, Guard, Network
from syncd.web.failure import Failure
from syncd.web.manners import Manners, PoliteClient

T = TypeVar("T")
_PORTS = {"http": 80, "https": 443, "ssh": 22, "sftp": 22}
_ADDRESS = re.compile(r"https?://[^{}\s]+")


def _relay_problems(config: Config) -> list[str]:
    try:
        Signer(config.relay.key.get_secret_value()) if config.relay.key else None
    except SyncdError as error:
        return [f"[relay]: key: {error.message}; {error.hint}"]
    return []


def user_agent(config: Config) -> str:
    """An honest one: who asks, in which version, and how to reach them."""
    told = config.syncd.contact or " ".join(s.site_id or s.public_url for s in config.sites[:1])
    return f"syncd/{__version__} ({told})" if told else f"syncd/{__version__}"


class Runs(Protocol):
    async def run(self, function: Any, *args: Any, timeout: float = 30.0) -> Any: ...
    async def aclose(self) -> None: ...


@dataclass(slots=True)
class Ground:
    """What outlives a reload: the store, the network and our manners there, the child, the clock, the blobs, the counters."""

    store: Store
    web: Exchange
    child: Runs
    clock: Clock
    blobs: DiskBlobs
    metrics: Metrics
    log: Any
    dice: random.Random
    watch: Watch | None = None
    walls: Walls = field(init=False)
    manners: Manners = field(init=False)

    def __post_init__(self) -> None:
        self.manners = Manners(self.clock.monotonic, self.web)
        self.walls = Walls(self.clock, self.metrics, self.log, self.watch)


def build(config: Config, ground: Ground) -> Deps:
    """Deps for a configuration. Raises ConfigError with the problems of all plug-ins' options together."""
    problems: list[str] = []
    routes = config.routes_model()
    making = _Sources(config, ground, sites_of(routes), problems)
    found_sources = {t.name: s for t in config.sources if (s := making.source(t))}
    problems += _relay_problems(config)
    begun = [site for table in config.sites if (site := _begun(config, table, ground, problems))]
    found_sites = {site.table.name: unit for site in begun if (unit := _site(config, site, ground, problems))}
    if problems:
        give_up(site.adapter for site in begun)
        raise ConfigError(problems)
    return Deps(
        store=ground.store,
        clock=ground.clock,
        dice=ground.dice,
        sources=found_sources,
        sites=found_sites,
        routes=routes,
        builder=ContentBuilder(ground.child.run),
        files=Files(ground.blobs, ground.child.run),
        blobs=ground.blobs,
        log=ground.log,
        meter=ground.metrics,
        push=_push(config, ground),
    )


def _push(config: Config, ground: Ground) -> Callback | None:
    """Where hubs reach us, None where nothing was said of it."""
    if not config.push.public_url:
        return None
    client = ground.web.client("push", _network(config, config.network), Guard())
    return Callback(config.push.public_url, lambda: secrets.token_urlsafe(32), client)


async def close(deps: Deps) -> None:
    """End a configuration's adapters; one that fails at it doesn't keep the others open."""
    for site in deps.sites.values():
        try:
            await site.adapter.aclose()
        except Exception as error:  # a plug-in's bug, and there is nothing left to be done with it
            deps.log.error("adapter_bug", site=site.name, error=type(error).__name__, exc_info=True)


def _network(config: Config, own: Any) -> Network:
    return Network(**config.network_of(own).plain())


def _options(
    model: type[BaseModel], given: Mapping[str, Any], config: Config, place: str, problems: list[str]
) -> BaseModel | None:
    options, found = options_of(model, given, where=f"{place}: options", base=config.base)
    problems.extend(found)
    return None if found else options


def sites_of(routes: Sequence[Route]) -> dict[str, tuple[str, ...]]:
    """The sites that each source's documents may go to, in the order of the routes."""
    found: dict[str, dict[str, None]] = {}
    for route in routes:
        for source in route.sources:
            found.setdefault(source, {})[route.site] = None
    return {source: tuple(sites) for source, sites in found.items()}


@dataclass(frozen=True, slots=True)
class StoredNotes:
    """A source's notes, kept in the store."""

    store: Store
    source: str

    async def read(self) -> str:
        return await self.store.get(f"notes:{self.source}")

    async def write(self, text: str) -> None:
        await self.store.put(f"notes:{self.source}", text)


class _Sources:
    """Makes the sources. There may be thousands that are alike: what they have in common is made once and shared."""

    def __init__(
        self, config: Config, ground: Ground, sites: Mapping[str, tuple[str, ...]], problems: list[str]
    ) -> None:
        self._config, self._ground, self._sites, self._problems = config, ground, sites, problems
        self._kinds: dict[str, type[sources_api.Source]] = {}
        self._run, self._now = ground.child.run, ground.clock.now
        self._shared: dict[Hashable, Any] = {}

    def source(self, table: SourceTable) -> SourceUnit | None:
        """None, with the problems told, where it can't be made."""
        try:
            return self._made(table)
        except ConfigError as error:
            self._problems.extend(f"{source_place(table)}: {line}" for line in error.problems)
            return None

    def _made(self, table: SourceTable) -> SourceUnit | None:
        config = self._config
        kind = self._kind(table.kind)
        options = _options(kind.Options, table.options, config, source_place(table), self._problems)
        if options is None:
            return None
        local = table.url.startswith("file:")
        own = frozenset({_place(table.url)} if table.allow_private and not local else ())
        guard = self._one(Guard(own, _hosts_behind_proxy(config, table)))
        client = self._polite(table, self._ground.web.client(table.name, self._one(_network(config, table.network)), guard))
        notes, zone = StoredNotes(self._ground.store, table.name), config.zone_of(table)
        tools = sources_api.Tools(client, self._run, self._now, *zone, notes)
        source = kind(sources_api.SourceConfig(table.name, table.url, self._alike(kind, options)), tools)
        sites = self._one(self._sites.get(table.name, ()))
        return SourceUnit(
            table.name, table.kind, table.url, source, sources_api.way_out(source, client), self._habits(table, zone[0]), sites,
            robots=None if local or table.robots == "ignore" or table.allow_private else partial(client.standing, table.url),
            hub=self._hub(table, own),
        )

    def _habits(self, table: SourceTable, zone: str) -> Habits:
        return self._one(Habits(
            table.every, table.limits.limits(), table.relook, table.pages, table.slowest, table.courtesy, zone, table.push))

    def _hub(self, table: SourceTable, own: frozenset[tuple[str, int]]) -> Client | None:
        """The way out to a hub that the operator named: it may be where the list itself may; None: as to the list."""
        if table.push in ("auto", "off"):
            return None
        allowed = own | {_place(table.push)} if table.allow_private else own
        hosts = _hosts_behind_proxy(self._config, table)
        guard = Guard(allowed, hosts | {urlsplit(table.push).hostname or ""} if hosts else hosts)
        return self._ground.web.client(f"{table.name}:hub", self._one(_network(self._config, table.network)), guard)

    def _polite(self, table: SourceTable, client: Client) -> PoliteClient:
        return PoliteClient(client, self._ground.manners, table.robots, private=table.allow_private)

    def _kind(self, name: str) -> type[sources_api.Source]:
        if name not in self._kinds:  # a look through all that is installed takes milliseconds
            self._kinds[name] = sources.load(name)
        return self._kinds[name]

    def _one(self, value: T) -> T:
        """The first value that equals it."""
        found: T = self._shared.setdefault(value, value)  # only frozen values are given
        return found

    def _alike(self, kind: type[sources_api.Source], options: BaseModel) -> BaseModel:
        """Options that say the same, as one. Text alone does not tell: secrets are masked in it."""
        found: BaseModel = self._shared.setdefault((kind, repr(options)), options)
        return found if found == options else options


def _hosts_behind_proxy(config: Config, table: SourceTable) -> frozenset[str]:
    """Behind a proxy names are resolved there, so hosts are checked by name: the list's own domain and those of `hosts`."""
    network = config.network_of(table.network)
    if not network.proxy:
        return frozenset()
    own = (urlsplit(table.url).hostname or "").removeprefix("www.")
    return frozenset({own, *(network.hosts or ())})


@dataclass(frozen=True, slots=True)
class _Begun:
    """A site whose adapter is made, or being made in a process of its own. guard: of its ways out."""

    table: SiteTable
    adapter: adapters_api.Adapter
    guard: Guard


def _begun(config: Config, table: SiteTable, ground: Ground, problems: list[str]) -> _Begun | None:
    """None, with the problems told, where it can't be made."""
    try:
        kind = adapters.load(table.adapter)
        options = _options(kind.Options, table.options, config, site_place(table), problems)
        if options is None:
            return None
        guard = Guard(allow=frozenset(_addresses(table, options)))
        network = _network(config, table.network)
        client = ground.web.client(table.name, network, guard)
        site = adapters_api.SiteConfig(
            table.name, table.public_url, table.site_name, table.site_id, config.zone_of(table)[0], options
        )
        folder = config.syncd.state_dir / "adapters" / table.adapter
        tools = adapters_api.Tools(client, ground.clock.now, ground.blobs, ground.log, folder, network)
        return _Begun(table, ground.walls.begin(kind, site, tools, table), guard)
    except ConfigError as error:
        problems.extend(f"{site_place(table)}: {line}" for line in error.problems)
        return None


def _site(config: Config, begun: _Begun, ground: Ground, problems: list[str]) -> SiteUnit | None:
    table = begun.table
    try:
        wall = ground.walls.build(begun.adapter, table)
        look = ground.web.client(f"{table.name}:look", _network(config, table.look), begun.guard)
    except ConfigError as error:
        problems.extend(f"{site_place(table)}: {line}" for line in error.problems)
        return None
    capabilities = wall.capabilities
    gate = Gate(ground.clock.monotonic, capabilities.max_concurrency, capabilities.rate)
    return SiteUnit(
        table.name,
        cast(adapters_api.Adapter, wall),
        look,
        gate,
        table.public_url,
        table.settle,
        table.look.vantage,
        table.site_name,
        table.site_id,
        partial(ground.walls.trouble, wall),
    )


@dataclass(frozen=True, slots=True)
class Way:
    """A site as configured, for those who make its adapter themselves. look: how its public pages are reached.

    folder: for what the adapter keeps, beside that of the daemon, which may be at work.
    """

    kind: type[adapters_api.Adapter]
    site: adapters_api.SiteConfig
    network: Network
    look: Network
    guard: Guard
    folder: Path


def way_to(config: Config, name: str) -> Way:
    """The site of this name. Raises ConfigError, SyncdError unknown_site."""
    table = next((site for site in config.sites if site.name == name), None)
    if table is None:
        known = ", ".join(site.name for site in config.sites)
        raise SyncdError("unknown_site", f"there is no site {name!r}", hint=f"the sites are: {known or 'none'}")
    kind = adapters.load(table.adapter)
    problems: list[str] = []
    options = _options(kind.Options, table.options, config, site_place(table), problems)
    if options is None:
        raise ConfigError(problems)
    site = adapters_api.SiteConfig(
        table.name, table.public_url, table.site_name, table.site_id, config.zone_of(table)[0], options
    )
    return Way(kind, site, _network(config, table.network), _network(config, table.look),
               Guard(allow=frozenset(_addresses(table, options))), config.syncd.state_dir / "conform" / table.adapter)


def _addresses(table: SiteTable, options: BaseModel) -> Iterator[tuple[str, int]]:
    """The exact (host, port) of every address that the site's own settings name: these may be private."""
    for value in (table.public_url, *(getattr(options, name) for name in type(options).model_fields)):
        for each in value if isinstance(value, (tuple, list)) else (value,):
            text = "" if isinstance(each, SecretStr | BaseModel) else str(each)
            if text.startswith(("http://", "https://")):
                yield _place(text)
    yield from (_place(url) for url in _inner_addresses(table.options))


def _inner_addresses(options: Mapping[str, Any]) -> Iterator[str]:
    """Addresses that stand deeper in a site's options, as that of a token server; not those with places to fill in."""
    for value in options.values():
        for table in value if isinstance(value, (tuple, list)) else (value,):
            if not isinstance(table, Mapping):
                continue
            found = (each for name, each in table.items() if name == "url" or name.endswith("_url"))
            yield from (each for each in found if isinstance(each, str) and _ADDRESS.fullmatch(each))
            yield from _inner_addresses(table)


def _place(url: str) -> tuple[str, int]:
    """The exact (host, port) that a URL names. Raises ConfigError."""
    try:
        return urls.place(url)
    except Failure as failure:
        raise ConfigError([f"{urls.redacted(url)}: {failure.message}"]) from None


def outgoing(config: Config) -> list[dict[str, str]]:
    """What a firewall must let pass: host, port and why, for `syncd check`."""
    rows = [(s.url, f"source {s.name}") for s in config.sources if not s.url.startswith("file:")]
    rows += [(s.push, f"hub of source {s.name}") for s in config.sources if s.push not in ("auto", "off")]
    rows += [(s.public_url, f"public pages of site {s.name}") for s in config.sites]
    rows += [
        (str(value), f"CMS of site {s.name}")
        for s in config.sites
        for value in s.options.values()
        if isinstance(value, str) and value.startswith(tuple(f"{scheme}://" for scheme in _PORTS))
    ]
    rows += [(url, f"CMS of site {s.name}") for s in config.sites for url in _inner_addresses(s.options)]
    found = []
    for url, why in rows:
        parts = urlsplit(url)
        port = str(parts.port or _PORTS.get(parts.scheme, 443))
        found.append({"host": parts.hostname or "", "port": port, "why": why})
    return found
