"""`syncd source new`: an address is looked at, ways to read it are tried, and the first that reads well is printed as TOML."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from syncd import config as configuration
from syncd.child import Child
from syncd.cli.read import Facts, facts, guard_of, of_typed, read_file
from syncd.cli.words import counted, printable
from syncd.errors import ConfigError, ReadFailed, SyncdError
from syncd.sources import registry
from syncd.sources.api import Listing, SourceConfig, Tools
from syncd.sources.discover import Look, Proposal, look
from syncd.sources.local import answer_of
from syncd.web.api import Answer, Network
from syncd.web.client import Web
from syncd.web.status import raise_for_list

_SHOWN = 3
_NOWHERE = "https://www.example.com/list"
"""Stands for the address of a file until a person writes it."""
_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Request:
    """what: an http(s) address or a file. url: where a file came from, for its links. name: of the source."""

    what: str
    url: str = ""
    name: str = ""
    allow_private: bool = False


@dataclass(frozen=True, slots=True)
class Tried:
    """A proposal that was read. listing: None where it failed, and why."""

    proposal: Proposal
    listing: Listing | None
    why: str = ""

    @property
    def is_good(self) -> bool:
        return self.listing is not None and bool(self.listing.entries) and not self.listing.problems


async def propose(request: Request, *, now: Callable[[], datetime], monotonic: Callable[[], float]) -> Facts:
    """{"ok", "source", "toml", "entries", "notes", "problems"}: the first way that reads with no problem, else what failed.

    Raises SyncdError: not_found, usage for a name that no source may have.
    """
    _refuse_bad(request.name)
    child = Child()
    web = Web(now=now, monotonic=monotonic, user_agent="syncd (one look)", gap=0.0)
    client = web.client("new", Network(), guard_of(request.what, private=request.allow_private))
    tools = Tools(client=client, run=child.run, now=now)
    try:
        return await _proposed(request, tools)
    except ReadFailed as error:
        return _nothing([_why(of_typed(error, opened=request.allow_private))])
    finally:
        await web.aclose()
        await child.aclose()


def _refuse_bad(name: str) -> None:
    if name and not configuration.is_name(name):
        hint = "letters, digits, - _ . only, at most 64"
        raise SyncdError("usage", f"--name {name!r} is not a name", hint=hint)


async def _proposed(request: Request, tools: Tools) -> Facts:
    answer = await _answer(request, tools)
    seen = cast(Look, await tools.run(look, answer.body, answer.header("content-type"), answer.url))
    failed = list(seen.missing)
    for proposal in seen.proposals:
        tried = await _try(proposal, answer, tools)
        if tried.is_good and tried.listing:
            others = [each for each in seen.proposals if each != proposal]
            proved = await _with_proved_paging(request, tried.proposal, tried.listing, tools)
            return _found(request, proved, tried.listing, others)
        failed.append(f"kind {proposal.kind!r} at {proposal.url}: {tried.why}")
    return _nothing(failed or ["nothing on it looks like a list"])


async def _answer(request: Request, tools: Tools) -> Answer:
    """Raises SyncdError("not_found") for what is neither, ReadFailed for what can't be had."""
    if _is_address(request.what):
        answer = await tools.client.get(request.what)
        raise_for_list(answer)
        return answer
    data = await asyncio.to_thread(_file, request.what)
    return answer_of(data, url=request.url or _NOWHERE, content_type="", tools=tools)


def _is_address(what: str) -> bool:
    return what.startswith(("http://", "https://"))


def _file(what: str) -> bytes:
    if not Path(what).is_file():
        hint = "give the address of a list, or a file with what it answered"
        raise SyncdError("not_found", "no file and no address", where=what, hint=hint)
    return read_file(Path(what))


async def _try(proposal: Proposal, answer: Answer | None, tools: Tools) -> Tried:
    try:
        plugin = registry.load(proposal.kind)
        options, problems = configuration.options_of(plugin.Options, proposal.options, where="options")
        if problems:
            return Tried(proposal, None, "; ".join(problems))
        body = answer if answer and proposal.url == answer.url else await tools.client.get(proposal.url)
        raise_for_list(body)
        listing = await plugin(SourceConfig("new", proposal.url, options), tools).parse(body)
    except ReadFailed as error:
        return Tried(proposal, None, _why(of_typed(error, opened=True)))
    except ConfigError as error:
        return Tried(proposal, None, _why(error))
    told = [f"{problem.where} {problem.reason}: {problem.hint}" for problem in listing.problems[:_SHOWN]]
    return Tried(proposal, listing, "; ".join(told) or "it is empty")


def _why(error: SyncdError) -> str:
    return f"{error.message}: {error.hint}" if error.hint else error.message


async def _with_proved_paging(request: Request, proposal: Proposal, first: Listing, tools: Tools) -> Proposal:
    """The proposal without its paging where the second page can't be read: one that fails would fail the whole list."""
    if "paging" not in proposal.options or not first.next:
        return proposal
    if not _is_address(request.what):
        told = f"paging was not tried, since a file was looked at: see whether {first.next} can be read"
        return replace(proposal, notes=(*proposal.notes, told))
    second = await _try(replace(proposal, url=first.next), None, tools)
    if second.is_good and second.listing and _shows_more(second.listing, first):
        return proposal
    why = "it shows nothing new" if second.is_good else second.why
    told = f"paging is left out, since its second page {first.next} can't be used: {why}"
    options = {key: value for key, value in proposal.options.items() if key != "paging"}
    return replace(proposal, options=options, notes=(*proposal.notes, told))


def _shows_more(second: Listing, first: Listing) -> bool:
    return bool({entry.key for entry in second.entries} - {entry.key for entry in first.entries})


def _nothing(why: list[str]) -> Facts:
    return {"ok": False, "source": None, "toml": "", "entries": [], "notes": [], "problems": why}


def _found(request: Request, proposal: Proposal, listing: Listing, others: list[Proposal]) -> Facts:
    name = request.name or named(proposal.url)
    shown = facts(name, replace(listing, entries=listing.entries[:_SHOWN]))["entries"]
    notes = [*proposal.notes, *(f"it may also be read as kind {each.kind!r} at {each.url}" for each in others)]
    if proposal.url == _NOWHERE:
        notes.append("write the address of the list in place of this one")
    source = {"name": name, "kind": proposal.kind, "url": proposal.url, "options": proposal.options}
    toml = block(source, [*_told(shown, len(listing.entries)), *notes], private=request.allow_private)
    return {"ok": True, "source": source, "toml": toml, "entries": shown, "notes": notes, "problems": []}


def _told(entries: list[Facts], count: int) -> list[str]:
    lines = [f"{counted(count, 'entry was', 'entries were')} read, the first of them:"]
    return lines + [f"  {(e['published'] or {}).get('value', 'no date')}  {e['title']}  {e['url']}" for e in entries]


def named(url: str) -> str:
    """A name for a source: the host's own word."""
    host = (urlsplit(url).hostname or "source").removeprefix("www.")
    return re.sub(r"[^a-z0-9]+", "-", host.lower()).strip("-") or "source"


def block(source: Mapping[str, Any], comments: list[str], *, private: bool = False) -> str:
    """A [[sources]] block, with what a person should know as comments on top."""
    head = [f"# {' '.join(line.split()) if not line.startswith('  ') else '  ' + ' '.join(line.split())}" for line in comments]
    lines = ["[[sources]]", *(f"{key} = {_value(source[key])}" for key in ("name", "kind", "url"))]
    lines += ["allow_private = true"] if private else []
    tables = {key: value for key, value in source["options"].items() if isinstance(value, dict)}
    plain = {key: value for key, value in source["options"].items() if key not in tables}
    if source["options"]:
        lines += ["[sources.options]", *(f"{_key(key)} = {_value(value)}" for key, value in plain.items())]
    for name, table in tables.items():
        lines += [f"[sources.options.{_key(name)}]", *(f"{_key(key)} = {_value(value)}" for key, value in table.items())]
    return "".join(f"{printable(line)}\n" for line in [*head, *lines])


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False)


def _value(value: Any) -> str:
    """A value as TOML; JSON's escapes are TOML's too."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
