"""The desk: every question and every order that the command line, the API and the pages have, answered in plain values."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from syncd import __version__
from syncd.adapters.package import package
from syncd.app import views
from syncd.app.build import Ground, outgoing
from syncd.app.views import Row, iso
from syncd.config import Config
from syncd.core import deadline, schedule
from syncd.core import repost as machine
from syncd.core.changes import changes
from syncd.core.repost import NEEDS_PERSON
from syncd.engine.engine import Engine
from syncd.engine.measure import Judged, judge
from syncd.engine.observe import find_on, newest_shown
from syncd.engine.send import drafted, locate, print_of, read
from syncd.errors import AdapterError, SyncdError
from syncd.model import RemoteDoc, RemoteRef, Repost
from syncd.report import forms
from syncd.report.figures import ReportRow, Watch, bounds, month_report, watch_of
from syncd.store.api import Filter, Story

_LONG = 6
"""Failures in a row from which a repost that is still tried is shown to a person."""
_STALE_AFTER = 30.0
"""Seconds without a finished tick after which the engine counts as stuck."""


class Desk:
    """Answers for one running engine; the same for a daemon and for a state that a command opened by itself."""

    def __init__(self, config: Config, ground: Ground, engine: Engine, started: datetime) -> None:
        self.config = config
        self.ground = ground
        self.engine = engine
        self.started = started
        self.loaded = started
        self.rejected = ""

    # ------------------------------------------------------------------ questions

    async def status(self) -> Row:
        """Everything at a glance; what needs a person comes first."""
        now = self.ground.clock.now()
        counts = await self.ground.store.counts()
        attention = await self._attention()
        problems = self._problems(now)
        return {
            "version": __version__,
            "now": iso(now),
            "started": iso(self.started),
            "healthy": self._alive(),
            "ready": not problems,
            "problems": problems,
            "sources": await self._sources(now),
            "sites": await self._sites(),
            "counts": {
                "documents": counts.documents,
                "reposts": counts.reposts,
                "open": counts.open,
                "pending": counts.pending,
                "held": counts.held,
                "attention": len(attention),
            },
            "verdicts": views.verdict_counts(await self._judged(Filter(since=None, limit=500))),
            "clock_error_s": self.ground.clock.error,
            "config": {"hash": self.config.hash, "loaded": iso(self.loaded), "rejected": self.rejected},
            "attention": attention,
        }

    def _alive(self) -> bool:
        return self.ground.clock.monotonic() - self.engine.progress < _STALE_AFTER

    def _problems(self, now: datetime) -> list[Row]:
        """What stops the daemon from doing its work."""
        found = []
        if trouble := self.engine.trouble:
            hint = "nothing is read or posted meanwhile; make room or make the state directory writable, it goes on by itself"
            found.append({"reason": trouble, "hint": hint, "where": "store"})
        if not self._alive():
            found.append(
                {"reason": "engine_stuck", "hint": "the log of the last minutes says where", "where": "engine"}
            )
        if self.rejected:
            found.append({"reason": "config_rejected", "hint": self.rejected, "where": "config"})
        if self._network_down():
            hint = "most sources can't be reached at once: look at this machine's own network, proxy and DNS"
            found.append({"reason": "network_down", "hint": hint, "where": "network"})
        error = self.ground.clock.error
        if error is not None and error > 60:
            hint = f"this machine's clock is {error:.0f} s off the sources' clocks; set up NTP"
            found.append({"reason": "clock_off", "hint": hint, "where": "clock"})
        return found

    def _network_down(self) -> bool:
        rows = self.engine.poller.rows
        hosts = {name: urlsplit(unit.url).hostname for name, unit in self.engine.deps.sources.items()}
        failing = {hosts[name] for name, row in rows.items() if row.reason in _UNREACHED and name in hosts}
        return schedule.network_down(len(failing), len(set(hosts.values())))

    async def _sources(self, now: datetime) -> list[Row]:
        held: dict[str, int] = {}
        for pending in await self.ground.store.pendings(held=True):
            held[pending.source] = held.get(pending.source, 0) + 1
        return [self._source(name, held.get(name, 0), now) for name in self.engine.deps.sources]

    def _source(self, name: str, held: int, now: datetime) -> Row:
        unit, row = self.engine.deps.sources[name], self.engine.poller.rows.get(name)
        span = (now - row.first_good).total_seconds() if row and row.first_good else 0.0
        watched = min(1.0, row.watched / span) if row and span > 0 else None
        return {
            "name": name,
            "kind": unit.kind,
            "url": unit.url,
            "good": iso(row.good) if row else None,
            "next": iso(row.due) if row else None,
            "tries": row.tries if row else 0,
            "reason": row.reason if row else "",
            "hint": row.hint if row else "",
            "held": held,
            "shown": row.shown if row else 0,
            "watched_share": watched,
            "bytes": row.bytes if row else 0,
            "reads": row.reads if row else 0,
        }

    async def _sites(self) -> list[Row]:
        tallies = await self.ground.store.per_site()
        return [
            {
                "name": name,
                "adapter": site.adapter.kind,
                "state": site.gate.state,
                "reason": site.gate.reason,
                "hint": site.gate.hint,
                "queue": tallies.get(name, (0, 0))[0],
                "visible": tallies.get(name, (0, 0))[1],
                "public_url": site.public_url,
                "guarantee": site.adapter.capabilities.guarantee,
            }
            for name, site in self.engine.deps.sites.items()
        ]

    async def _attention(self) -> list[Row]:
        """What needs a person, each with its reason and what to do."""
        found = [
            self._needs("repost", r.id, d.title, r.reason or machine.status(r).value, r.hint, d.detected)
            for r, d in await self.ground.store.reposts(Filter(attention=True))
            if machine.status(r) in NEEDS_PERSON
        ]
        found += [
            self._needs("entry", p.id, p.entry.title, p.reason, p.hint, p.sighted)
            for p in await self.ground.store.pendings()
            if p.held or p.tries >= 3
        ]
        found += [
            self._needs("document", d.id, d.title, look.note, _NOTES.get(look.note, ""), d.detected)
            for d, look in await self.ground.store.notes()
        ]
        found += [
            self._needs("source", name, name, row.reason, row.hint, row.good or self.started)
            for name, row in self.engine.poller.rows.items()
            if row.tries >= 3
        ]
        found += [
            self._needs("site", name, name, site.gate.reason, site.gate.hint, self.started)
            for name, site in self.engine.deps.sites.items()
            if site.gate.state == "stopped"
        ]
        recent = await self.ground.store.reposts(Filter(open=True, limit=1000))
        found += [
            self._needs("repost", r.id, d.title, r.reason, r.hint, d.detected) for r, d in recent if _struggles(r)
        ]
        waiting = [(r, d) for r, d in recent if _waits(r)]
        found += [
            self._needs(
                "approval", r.id, d.title, "waiting_for_approval", "syncd approve ID or syncd reject ID", d.detected
            )
            for r, d in waiting
            if self._reviews(r)
        ]
        return found

    async def measure(self) -> None:
        """Set the gauges that no event moves; the cost grows with what is open, not with what is stored."""
        metrics, now = self.ground.metrics, self.ground.clock.now()
        metrics.attention(Counter(row["reason"] for row in await self._attention()))
        judged = await self._judged(Filter(open=True, limit=10_000))
        metrics.open_reposts(Counter((j.repost.site, machine.status(j.repost).value) for j in judged))
        for name in self.engine.deps.sites:
            mine = [j for j in judged if j.repost.site == name and not j.timeline.seen]
            metrics.oldest_open(name, max(((now - j.document.detected).total_seconds() for j in mine), default=0.0))
            metrics.deadline_used(name, max((_used(j, now) for j in mine), default=0.0))
        metrics.clock_error(self.ground.clock.error)
        metrics.store_writable(not self.engine.trouble)
        self._measure_sources(now)

    def _measure_sources(self, now: datetime) -> None:
        for name, row in self.engine.poller.rows.items():
            self.ground.metrics.source_last_good(name, row.good)
            share = self._source(name, 0, now)["watched_share"]
            if share is not None:
                self.ground.metrics.source_watched(name, share)

    def _reviews(self, repost: Repost) -> bool:
        route = self.engine.deps.route(repost.route)
        return route is not None and route.approve.value == "review"

    def _needs(self, kind: str, id: int | str, title: str, reason: str, hint: str, since: datetime) -> Row:
        return {
            "kind": kind,
            "id": id,
            "title": title,
            "reason": reason,
            "hint": views.named(hint, id),
            "since": iso(since),
        }

    async def reposts(self, attention: bool = False, site: str = "") -> list[Row]:
        """The reposts as `syncd reposts --json` prints them."""
        return [views.repost_row(j) for j in await self._judged(Filter(attention=attention, site=site, limit=100_000))]

    async def _judged(self, which: Filter) -> list[Judged]:
        found = await self.ground.store.reposts(which)
        events = await self.ground.store.events([r.id for r, _ in found])
        now, clock = self.ground.clock.now(), self.ground.clock.error
        return [
            judge(r, d, events.get(r.id, ()), self._rule(r), self.engine.deps.sites.get(r.site), now, clock)
            for r, d in found
        ]

    def _rule(self, repost: Repost) -> Any:
        route = self.engine.deps.route(repost.route)
        return route.deadline if route else None

    async def explain(self, id: int) -> Row:
        """One repost's whole story."""
        story = await self.ground.store.story(id)
        return views.explain(self._judge(story), story, self._plan(story))

    def _judge(self, story: Story) -> Judged:
        repost = story.repost
        site = self.engine.deps.sites.get(repost.site)
        return judge(
            repost,
            story.document,
            story.events,
            self._rule(repost),
            site,
            self.ground.clock.now(),
            self.ground.clock.error,
        )

    def _plan(self, story: Story) -> machine.Step:
        """What the engine would decide now."""
        repost, site = story.repost, self.engine.deps.sites.get(story.repost.site)
        if site is None:
            return machine.Rest(None, "site_not_configured")
        heads = {r.n: machine.Head(r.n, r.withdrawn) for r in story.revisions}
        nothing = machine.Head(0)
        pair = (heads.get(repost.wanted, nothing), heads.get(repost.approved, nothing))
        return machine.plan(repost, pair, self.engine.worker.policy(repost, site), self.ground.clock.now())

    async def report(self, month: str) -> Row:
        """The figures of a month."""
        zone = self.config.syncd.timezone
        now = self.ground.clock.now()
        since, until = bounds(month, zone)
        rows = [_report_row(j) for j in await self._judged(Filter(limit=1_000_000))]
        watch = [await self._watch(name, since, min(until, now)) for name in self.engine.deps.sources]
        return forms.to_json(month_report(rows, month=month, zone=zone, watch=watch, now=now))

    async def _watch(self, source: str, since: datetime, until: datetime) -> Watch:
        reads = await self.ground.store.reads(source, since)
        unit, row = self.engine.deps.sources[source], self.engine.poller.rows.get(source)
        begun = max(since, row.first_good) if row and row.first_good else until
        return watch_of(source, reads, since=min(begun, until), until=until, every=unit.every)

    async def preview(self, id: int) -> Row:
        """The post as it would be sent now."""
        repost, draft = await self._draft(id)
        post = draft.post
        return {
            "id": repost.id,
            "title": post.title,
            "column": post.column,
            "html": post.html,
            "issuer": post.issuer,
            "document_number": post.document_number,
            "index_number": post.index_number,
            "written": post.written,
            "origin_name": post.origin_name,
            "source_url": post.source_url,
            "published": views.instant(post.published),
            "revision": post.revision,
            "form": post.form.value,
            "media": [{"name": m.name, "type": m.type, "size": m.size, "url": m.url} for m in post.media],
        }

    async def _draft(self, id: int) -> tuple[Repost, Any]:
        repost = await self.ground.store.repost(id)
        site = self._site(repost)
        revision = await self.ground.store.revision(repost.document, repost.wanted)
        return repost, drafted(self.engine.deps, repost, revision, site)

    def _site(self, repost: Repost) -> Any:
        site = self.engine.deps.sites.get(repost.site)
        if site is None:
            raise SyncdError("site_not_configured", f"site {repost.site!r} is not in the config", hint="add it again")
        return site

    async def package(self, id: int, out: str) -> Row:
        """Write the ZIP for a CMS that nothing can post to."""
        _, draft = await self._draft(id)
        await asyncio.to_thread(package, draft.post, self.ground.blobs, Path(out), timezone=self.config.syncd.timezone)
        written = await asyncio.to_thread(Path(out).stat)
        return {"path": out, "bytes": written.st_size}

    async def check(self) -> Row:
        """Try every source, every site and the clock; nothing is written."""
        sources = [await self._check_source(name) for name in self.engine.deps.sources]
        sites = [await self._check_site(name) for name in self.engine.deps.sites]
        error = self.ground.clock.error
        clock = {
            "name": "clock",
            "ok": error is not None and error <= 60,
            "detail": _clock_detail(error),
            "hint": ""
            if error is not None and error <= 60
            else "set up NTP; a clock that is off makes verdicts indeterminate",
        }
        items = [*sources, *(item for site in sites for item in site), clock]
        return {
            "ok": all(item["ok"] for item in items),
            "items": items,
            "outgoing": outgoing(self.config),
            "warnings": list(self.config.warnings),
        }

    async def _check_source(self, name: str) -> Row:
        unit = self.engine.deps.sources[name]
        try:
            answer = await unit.client.get(unit.url)
            self.ground.clock.heard(answer)
            if answer.status != 200:
                raise SyncdError(f"http_{answer.status}", hint="open the address in a browser", where=unit.url)
            listing = await unit.source.parse(answer)
        except SyncdError as error:
            return {"name": f"source {name}", "ok": False, "detail": str(error), "hint": error.hint}
        detail = f"{len(listing.entries)} entries, {len(listing.problems)} problems"
        hint = listing.problems[0].hint if listing.problems else ""
        return {"name": f"source {name}", "ok": bool(listing.entries), "detail": detail, "hint": hint}

    async def _check_site(self, name: str) -> list[Row]:
        site = self.engine.deps.sites[name]
        try:
            report = await site.adapter.check()
        except AdapterError as error:
            return [{"name": f"site {name}", "ok": False, "detail": str(error), "hint": error.hint}]
        told = "" if report.ok else next((i.hint for i in report.items if not i.ok), "see the lines below")
        head = {
            "name": f"site {name}",
            "ok": report.ok,
            "detail": f"class {report.capabilities.guarantee}",
            "hint": told,
        }
        rows = [
            {"name": f"site {name}: {i.name}", "ok": i.ok, "detail": i.detail, "hint": i.hint} for i in report.items
        ]
        return [head, *rows, await self._check_public(name)]

    async def _check_public(self, name: str) -> Row:
        site = self.engine.deps.sites[name]
        row = {"name": f"site {name}: public address", "ok": True, "detail": site.public_url, "hint": ""}
        try:
            answer = await site.look.get(site.public_url + "/")
        except SyncdError as error:
            return {**row, "ok": False, "detail": str(error), "hint": error.hint}
        if answer.status >= 500:
            return {**row, "ok": False, "detail": f"http_{answer.status}", "hint": "the public web server has a fault"}
        return row

    # ------------------------------------------------------------------ orders

    async def approve(self, id: int | None = None, source: str | None = None, actor: str = "operator") -> Row:
        """Approve a repost's wanted revision, or release the held entries of a source."""
        if source is not None:
            count = await self.engine.poller.release(self._known(source), drop=False)
            self._wake()
            return {"source": source, "released": count}
        repost = await self._get(id)
        after = machine.approve(repost, repost.wanted, self.ground.clock.now())
        return await self._order(repost, after, actor)

    def _known(self, source: str) -> str:
        if source not in self.engine.deps.sources:
            names = ", ".join(self.engine.deps.sources)
            raise SyncdError("not_found", f"no source is named {source!r}", hint=f"the sources are: {names}")
        return source

    async def reject(
        self, id: int | None = None, reason: str = "", actor: str = "operator", source: str | None = None
    ) -> Row:
        """Refuse a repost's wanted revision, or drop the held entries of a source for good."""
        if source is not None:
            self._known(source)
            if not any(p.source == source for p in await self.ground.store.pendings(held=True)):
                raise SyncdError(
                    "nothing_held", f"source {source!r} has nothing held", hint="syncd status shows what waits"
                )
            return {"source": source, "dropped": await self.engine.poller.release(source, drop=True)}
        repost = await self._get(id)
        after = machine.reject(repost, reason=reason or "rejected", actor=actor, now=self.ground.clock.now())
        return await self._order(repost, after, actor)

    async def retry(self, id: int, overwrite: bool = False, actor: str = "operator") -> Row:
        """Go on with what is parked, rejected, gone or edited."""
        repost = await self._get(id)
        self._must_have_settled(repost)
        after = machine.retry(repost, self.ground.clock.now(), overwrite=overwrite)
        if after is None:
            hint = "look at both texts, then say --overwrite, or keep the site's with: syncd adopt ID"
            raise SyncdError("edited", "the post was changed at the site", hint=hint, where=f"repost {id}")
        if repost.intent and not after.intent:
            self.engine.deps.quiet.sight(repost.id)
        return await self._order(repost, after, actor)

    def _must_have_settled(self, repost: Repost) -> None:
        """A person's look at a CMS that can't be searched proves nothing while our request may still take effect there."""
        if repost.intent is None or repost.hold is None or repost.hold.reason != "in_doubt":
            return
        quiet = self.engine.deps.quiet
        quiet.sight(repost.id)
        left = quiet.left(repost.id, self._site(repost).settle)
        if left > 0:
            hint = f"look in the CMS after {left:.0f} s, then say it again"
            raise SyncdError("settling", "the request may still take effect", hint=hint, where=f"repost {repost.id}")

    async def adopt(self, id: int, url: str = "", actor: str = "operator") -> Row:
        """The site's own version is the repost: what lies under our key, or the page at `url` that people made."""
        repost = await self._get(id)
        doc = await self._site_version(repost, url)
        stored = print_of(doc.title, doc.html)
        shown = await newest_shown(self.ground.store, repost)
        after = machine.adopt(repost, doc.ref, stored=stored, now=self.ground.clock.now(), n=shown)
        return await self._order(repost, after, actor)

    async def _site_version(self, repost: Repost, url: str) -> RemoteDoc:
        adapter = self._site(repost).adapter
        if url:
            return RemoteDoc(RemoteRef(url, url), repost.key, "", "")
        if not adapter.capabilities.posts:
            return await self._observed(repost)
        ref = await locate(adapter, repost)
        doc = await read(adapter, ref) if ref else None
        if doc is None:
            raise SyncdError(
                "not_found", "nothing of ours is there", hint="say where it is with --url", where=repost.key
            )
        return doc

    async def _observed(self, repost: Repost) -> RemoteDoc:
        found = await find_on(self.engine.deps, self._site(repost), repost)
        if found is None:
            raise SyncdError("not_found", "no page of the site's list shows it", hint="say where it is with --url")
        return found

    async def withdraw(self, id: int, actor: str = "operator", reason: str = "") -> Row:
        """Withdraw a document everywhere by a person's order: a revision like any other withdrawal."""
        repost = await self._get(id)
        await self.engine.reader.withdraw(repost.document, reason=f"{actor}: {reason or 'no reason given'}")
        self._wake()
        return {"id": id, "document": repost.document, "withdrawn": True}

    async def backup(self, out: str) -> Row:
        """A consistent copy of the database."""
        await self.ground.store.backup(Path(out))
        return {"path": out}

    async def _get(self, id: int | None) -> Repost:
        if id is None:
            raise SyncdError("usage", "say which repost, or --source NAME", hint="syncd reposts lists them")
        return await self.ground.store.repost(id)

    async def _order(self, before: Repost, after: Repost, actor: str) -> Row:
        saved = await self.ground.store.save(replace(after, version=before.version), self._told(before, after, actor))
        self._wake()
        return {"id": saved.id, "status": machine.status(saved).value, "reason": saved.reason}

    def _told(self, before: Repost, after: Repost, actor: str) -> Sequence[Any]:
        return changes(before, after, self.ground.clock.instant(), actor=actor)

    def _wake(self) -> None:
        for stage in ("read", "route", "work"):
            self.engine.deps.wake(stage)


_UNREACHED = frozenset({"dns", "connect", "timeout", "proxy", "closed"})
_NOTES = {
    "flap": "its page changes at every look; `syncd retry` is not needed, look at the page and say options.body_selector",
    "mass_gone": "many documents of this source vanished at once; `syncd withdraw ID` if it is meant",
}


def _struggles(repost: Repost) -> bool:
    """It goes on by itself, but has failed for so long that a person should know."""
    return repost.tries >= _LONG and machine.status(repost) not in NEEDS_PERSON


def _used(judged: Judged, now: datetime) -> float:
    """The share of the time limit that is used up, 0 without one."""
    if judged.rule is None or judged.repost.excused:
        return 0.0
    return 1.0 - deadline.time_left(judged.timeline, judged.rule, now) / judged.rule.limit


def _waits(repost: Repost) -> bool:
    return machine.status(repost) is machine.Status.WAITING


def _clock_detail(error: float | None) -> str:
    return "no source told its time" if error is None else f"within {max(2.0, error):.0f} s of the sources' clocks"


def _report_row(judged: Judged) -> ReportRow:
    document, line = judged.document, judged.timeline
    return ReportRow(
        document,
        judged.repost,
        machine.status(judged.repost, withdrawn=document.withdrawn).value,
        document.published,
        line.seen.at if line.seen else None,
        judged.latency if line.seen else None,
        judged.verdict,
        judged.why,
        due=views.due(judged),
        withdrawn=line.withdrawn.at if line.withdrawn else None,
        lags=judged.lags,
        blame=judged.blame,
        title=document.title,
    )
