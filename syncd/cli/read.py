"""`syncd read`: one look at a source, an address or a file, printed as design section 10 says; nothing is written."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from syncd import config as configuration
from syncd.child import Child
from syncd.content.clean import clean
from syncd.core import identity
from syncd.errors import ConfigError, ReadFailed, SyncdError
from syncd.model import Entry, Instant, Precision, Problem
from syncd.sources import registry
from syncd.sources.api import Listing, Source, SourceConfig, Tools, way_out
from syncd.sources.local import answer_of, page_as_listing, shape_of
from syncd.web import urls
from syncd.web.api import Answer, Client, Guard, Network
from syncd.web.client import Web
from syncd.web.failure import Failure
from syncd.web.status import raise_for_list

Facts = dict[str, Any]
_MOST = 64 * 1024 * 1024
"""A larger file is no list."""


@dataclass(frozen=True, slots=True)
class Request:
    """what: a source's name, an http(s) address or a file. kind: "" is found out. options: TOML of what the kind takes, in
    place of the configured ones. page: the address of a document, whose page is read as this source reads it. url: where
    a file came from, for its links."""

    what: str
    kind: str = ""
    config: Path = Path("config.toml")
    allow_private: bool = False
    options: str = ""
    page: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class _Known:
    """What a configuration knows of a list, or nothing. file: where its bytes are, None to ask `url` for them. zone: for
    dates without one, and who says so. place: where its options stand."""

    name: str
    url: str
    kind: str = ""
    file: Path | None = None
    place: str = "--options"
    options: Mapping[str, Any] = field(default_factory=dict)
    network: Network = field(default_factory=Network)
    guard: Guard = field(default_factory=Guard)
    zone: tuple[str, str] = ("Asia/Shanghai", "default")


async def read_anything(request: Request, *, now: Callable[[], datetime], monotonic: Callable[[], float]) -> Facts:
    """The facts to print; a failed read is told in them ("ok" false). Raises ConfigError, SyncdError("not_found")."""
    known = _with_options(_known(request), request.options)
    child = Child()
    web = Web(now=now, monotonic=monotonic, user_agent="syncd (one look)", gap=0.0)
    client = web.client(known.name, known.network, known.guard)
    tools = Tools(client=client, run=child.run, now=now, zone=known.zone[0], zone_origin=known.zone[1])
    try:
        return facts(known.name, await _listing(known, tools, request.page))
    except ReadFailed as error:
        return failure(known.name, of_typed(error, opened=request.allow_private) if known.url == request.what else error)
    finally:
        await web.aclose()
        await child.aclose()


def _known(request: Request) -> _Known:
    if request.what.startswith(("http://", "https://")):
        guard = guard_of(request.what, private=request.allow_private)
        return _Known(request.what, request.what, request.kind, guard=guard)
    if Path(request.what).is_file():
        return _Known(Path(request.what).name, request.url, request.kind, file=Path(request.what))
    return _configured(request)


def _with_options(known: _Known, text: str) -> _Known:
    """The options that were typed, in place of the configured ones. Raises ConfigError."""
    return replace(known, options=_typed(text), place="--options") if text else known


def _typed(text: str) -> Mapping[str, Any]:
    """Options as TOML: an inline table, or lines of keys and values."""
    try:
        table = text.lstrip().startswith("{")
        return tomllib.loads(f"options = {text.strip()}")["options"] if table else tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        told = f"--options: not TOML: {error}; write them as in config.toml, such as '{{ list = \"data\" }}'"
        raise ConfigError([told]) from None


def _configured(request: Request) -> _Known:
    try:
        config = configuration.load(request.config)
        source = config.source(request.what)
    except KeyError:
        known = ", ".join(s.name for s in config.sources) or "none"
        raise _nothing(request.what, f"the sources in {request.config} are: {known}") from None
    except ConfigError:
        if request.config.exists():
            raise
        raise _nothing(request.what, "give a file, an address, or the name of a source and --config") from None
    network = Network(**config.network_of(source.network).plain())
    guard = guard_of(source.url, private=source.allow_private or request.allow_private)
    kind = request.kind or source.kind
    place = f'[[sources]] "{source.name}": options'
    return _Known(
        source.name, source.url, kind, None, place, source.options, network, guard, config.zone_of(source)
    )


def guard_of(url: str, *, private: bool) -> Guard:
    """private: the list's own host and port may be private; nothing else may. What is no URL the read itself tells."""
    with suppress(Failure):
        return Guard(frozenset({urls.place(url)})) if private else Guard()
    return Guard()


def of_typed(error: ReadFailed, *, opened: bool) -> ReadFailed:
    """The error for somebody who typed an address. opened: whether that address may be private already."""
    if error.reason != "blocked_address":
        return error
    elsewhere = "--allow-private opens the host and port of the typed address only; give this address itself if it is meant so"
    hint = elsewhere if opened else "say --allow-private if it is meant so"
    return ReadFailed(error.reason, error.message, hint=hint, where=error.where)


def _nothing(what: str, hint: str) -> SyncdError:
    if Path(what).is_dir():
        told = "a relay's folder is read as a source: configure it with options.public_key, and say that source's name"
        return SyncdError("not_found", "this is a folder, and no source has this name", where=what, hint=told)
    return SyncdError("not_found", "no file, no address and no source of this name", where=what, hint=hint)


async def _listing(known: _Known, tools: Tools, page: str) -> Listing:
    """What is read: a list or a document's page, found out where neither `kind` nor `page` says so."""
    if known.kind and not known.file:
        return await _of_kind(_source(known, known.kind, tools), known, tools, page)
    answer = await _from_file(known.file, page or known.url, tools) if known.file else await _asked(known.url, tools.client)
    shape = shape_of(answer.body, answer.header("content-type"))
    source = _source(known, known.kind or shape.kind, tools)
    if page or (shape.is_page and known.kind in ("", shape.kind)):
        return await page_as_listing(source, answer, page or known.url or known.name, known.name)
    return await source.parse(answer)


async def _of_kind(source: Source, known: _Known, tools: Tools, page: str) -> Listing:
    client = way_out(source, tools.client)
    if page:
        answer = await _asked(source.page_of(Entry(page, "", page)) or page, client)
        return await page_as_listing(source, answer, page, known.name)
    return await source.parse(await _asked(known.url, client))


async def _asked(url: str, client: Client) -> Answer:
    answer = await client.get(url)
    raise_for_list(answer)
    return answer


async def _from_file(path: Path, url: str, tools: Tools) -> Answer:
    return answer_of(await asyncio.to_thread(read_file, path), url=url, content_type="", tools=tools)


def _source(known: _Known, kind: str, tools: Tools) -> Source:
    """The plug-in, with its options as configured. Raises ConfigError."""
    plugin = registry.load(kind)
    options, problems = configuration.options_of(plugin.Options, known.options, where=known.place)
    if problems:
        raise ConfigError(problems)
    return plugin(SourceConfig(known.name, known.url, options), tools)


def read_file(path: Path) -> bytes:
    """A file's bytes. Raises ReadFailed: too_large, unreadable."""
    try:
        if path.stat().st_size > _MOST:
            raise ReadFailed("too_large", f"larger than {_MOST} bytes", where=str(path), hint="this is no list")
        return path.read_bytes()
    except OSError as error:
        hint = "look at its rights and its disk"
        raise ReadFailed("unreadable", error.strerror or str(error), where=str(path), hint=hint) from None


def facts(name: str, listing: Listing) -> Facts:
    """A listing as design section 10 prints it; content that is too hostile to clean is left out and told."""
    problems, entries = [_problem(p) for p in listing.problems], []
    for index, entry in enumerate(listing.entries):
        html, trouble = _cleaned(entry, f"[{index}].content_html")
        problems += trouble
        entries.append(_entry(name, entry, html))
    return {"source": name, "ok": True, "problems": problems, "entries": entries}


def failure(name: str, error: ReadFailed) -> Facts:
    """A read that failed: nothing was learned."""
    said = error.message if error.message != error.reason else ""
    told = {"reason": error.reason, "hint": "; ".join(filter(None, (said, error.hint))), "where": error.where}
    return {"source": name, "ok": False, "problems": [told], "entries": []}


def _problem(problem: Problem) -> Facts:
    return {"reason": problem.reason, "hint": problem.hint, "where": problem.where}


def _cleaned(entry: Entry, where: str) -> tuple[str, Sequence[Facts]]:
    if not entry.content_html:
        return "", ()
    try:
        return clean(entry.content_html, entry.url).html, ()
    except SyncdError as error:
        return "", ({"reason": error.reason, "hint": error.hint, "where": where},)


def _entry(source: str, entry: Entry, html: str) -> Facts:
    return {
        "key": entry.key, "title": entry.title, "url": entry.url, "published": instant(entry.published),
        "updated": instant(entry.updated), "summary": entry.summary, "content_html": html, "author": entry.author,
        "categories": list(entry.categories), "issuer": entry.issuer, "document_number": entry.document_number,
        "index_number": entry.index_number, "written": entry.written,
        "aliases": list(entry.aliases or _aliases(source, entry)),
        "attachments": [{"url": a.url, "type": a.type, "length": a.length} for a in entry.attachments],
        **({"withdrawn": True} if entry.withdrawn else {}),
        **({"relations": [asdict(relation) for relation in entry.relations]} if entry.relations else {}),
    }


def _aliases(source: str, entry: Entry) -> Sequence[str]:
    return identity.aliases(
        source, entry.key, url=entry.url, title=entry.title, issuer=entry.issuer, number=entry.document_number,
        index=entry.index_number, written=entry.written,
    )


def instant(told: Instant | None) -> Facts | None:
    """value: no more than is known: a day as YYYY-MM-DD in its zone, else ISO 8601 with the offset."""
    if told is None:
        return None
    local = told.at.astimezone(_zone(told.zone)) if told.zone else told.at
    form = {Precision.DAY: "%Y-%m-%d"}.get(told.precision)
    value = local.strftime(form) if form else local.isoformat(timespec=f"{told.precision.value}s")
    return {"value": value, "precision": told.precision.value, "raw": told.raw, "zone": told.zone}


def _zone(name: str) -> Any:
    """A zone as an Instant names it: "+08:00" or "Asia/Shanghai"."""
    if name[:1] in "+-":
        return datetime.strptime(name, "%z").tzinfo
    return ZoneInfo(name)
