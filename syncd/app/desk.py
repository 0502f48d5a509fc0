"""The desk: every question and every order that the command line, the API and the pages have, answered in plain values."""

from __future__ import annotations

import asyncio
import base64
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from syncd import __version__
from syncd.adapters.api import Capabilities
from syncd.app import views
from syncd.app.build import Ground, outgoing
from syncd.app.clock import iso
from syncd.app.left import watched_share
from syncd.app.relay import Publisher
from syncd.app.views import Row, Shown
from syncd.config import Config
from syncd.core import deadline, rhythm
from syncd.core import repost as machine
from syncd.core.changes import changes
from syncd.core.repost import NEEDS_PERSON
from syncd.engine.deps import SiteUnit
from syncd.engine.engine import Engine
from syncd.engine.measure import judge
from syncd.engine.observe import find_on, newest_shown
from syncd.engine.poll import ALARMS, GAP, UNPROVEN, gap_of
from syncd.engine.push import hint as push_hint
from syncd.engine.send import drafted, locate, print_of, read
from syncd.errors import AdapterError, Stale, SyncdError
from syncd.model import Document, Event, RemoteDoc, RemoteRef, Repost
from syncd.report import forms
from syncd.report.figures import ReportRow, Watch, bounds, cover_of, month_report, watch_of
from syncd.store.api import Filter, Story

_LONG = 6
"""Failures in a row from which a repost that is still tried is shown to a person."""
_RECENT, _OPEN = Filter(since=None, limit=500), Filter(open=True, limit=1000)
"""Whose verdicts are counted at a glance, and whose time limits are watched."""
_AGAIN = 3
"""How often an order is said again when the engine changed the row meanwhile."""
MOST_PACKAGE, MOST_BACKUP = 45 * 1024 * 1024, 40 * 1024 * 1024
"""Bytes of a file that fit through the control socket (64 MiB) in base64, to be written by who asked."""


class Desk:
    """Answers for one running engine; the same for a daemon and for a state that a command opened by itself."""

    def __init__(self, config: Config, ground: Ground, engine: Engine, started: datetime) -> None:
        self.config = config
        self.ground = ground
        self.engine = engine
        self.started = started
        self.loaded = started
        self.rejected = ""
        self._publisher: Publisher | None = None
        self.served = False
        """True in a daemon: who asks is another process, with other rights and another view of the file system."""

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
            "healthy": not self.stuck(),
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
            "verdicts": views.verdict_counts(await self._judged(_RECENT)),
            "clock_error_s": self.ground.clock.error,
            "config": {"hash": self.config.hash, "loaded": iso(self.loaded), "rejected": self.rejected},
            "attention": attention,
        }

    async def turn(self, now: datetime) -> datetime | None:
        """The next moment at which time alone changes what status says of a verdict, a time limit or a push; None if none."""
        judged = [*await self._judged(_RECENT), *await self._judged(_OPEN)]
        found = [deadline.turns(j.timeline, j.rule, now) for j in judged if j.rule and not j.repost.excused]
        found.append(self.engine.pusher.turn(now))
        return min((moment for moment in found if moment), default=None)

    def stuck(self) -> str:
        """What does not move any more, in words; "" when all is well."""
        return self.engine.stuck(self.config.syncd.stuck_after)

    def _problems(self, now: datetime) -> list[Row]:
        """What stops the daemon from doing its work."""
        found = []
        if trouble := self.engine.trouble:
            hint = "nothing is read or posted meanwhile; make room or make the state directory writable, it goes on by itself"
            found.append({"reason": trouble, "hint": hint, "where": "store"})
        if stuck := self.stuck():
            found.append({"reason": "engine_stuck", "hint": f"{stuck}; restart syncd", "where": "engine"})
        if self.rejected:
            found.append({"reason": "config_rejected", "hint": self.rejected, "where": "config"})
        if self.engine.poller.network_down:
            hint = "most sources can't be reached at once: look at this machine's own network, proxy and DNS"
            found.append({"reason": "network_down", "hint": hint, "where": "network"})
        error = self.ground.clock.error
        if error is not None and error > 60:
            hint = f"this machine's clock is {error:.0f} s off the sources' clocks; set up NTP"
            found.append({"reason": "clock_off", "hint": hint, "where": "clock"})
        return found

    async def _sources(self, now: datetime) -> list[Row]:
        held: dict[str, int] = {}
        for pending in await self.ground.store.pendings(held=True):
            held[pending.source] = held.get(pending.source, 0) + 1
        return [self._source(name, held.get(name, 0), now) for name in self.engine.deps.sources]

    def _source(self, name: str, held: int, now: datetime) -> Row:
        unit, row = self.engine.deps.sources[name], self.engine.poller.rows.get(name)
        return {
            "name": name,
            "kind": unit.kind,
            "url": unit.url,
            "good": iso(row.good) if row else None,
            "next": iso(row.due) if row else None,
            "tries": row.tries if row else 0,
            "reason": (row.reason or (row.alarm if row.alarm in ALARMS else "")) if row else "",
            "hint": (row.hint or row.alarm_hint) if row else "",
            "held": held,
            "shown": row.shown if row else 0,
            "watched_share": watched_share(row.watched, row.first_good, now) if row else None,
            "bytes": row.bytes if row else 0,
            "reads": row.reads if row else 0,
            "push": self._push(name),
            "every": unit.habits.every,
            "interval": (row.planned if row else None) or unit.habits.every,
            "why": row.why if row else "",
            "busy": rhythm.busy(row.rhythm, ZoneInfo(unit.habits.zone)) if row else "",
            "robots": row.robots if row and unit.robots else "",
        }

    def _push(self, name: str) -> Row:
        """How the pushes of a source stand."""
        state, reason, heard = self.engine.pusher.standing(name)
        return {"state": state, "reason": reason, "hint": push_hint(reason) if reason else "", "heard": iso(heard)}

    async def _sites(self) -> list[Row]:
        tallies = await self.ground.store.per_site()
        return [
            {
                "name": name,
                "adapter": site.adapter.kind,
                "state": site.gate.state,
                "reason": _why(site)[0],
                "hint": _why(site)[1],
                "queue": tallies.get(name, (0, 0))[0] if site.adapter.capabilities.posts else 0,
                "awaited": 0 if site.adapter.capabilities.posts else tallies.get(name, (0, 0))[0],
                "posts": site.adapter.capabilities.posts,
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
            if machine.status(r) in NEEDS_PERSON and not machine.refused(r)
        ]
        found += [
            self._needs("entry", p.id, p.entry.title, p.reason, p.hint, p.sighted)
            for p in await self.ground.store.pendings()
            if p.held or p.tries >= 3 or p.reason == "flap" or p.reason in UNPROVEN
        ]
        found += [*await self._noted(), *await self._gaps()]
        found += [
            self._needs("source", name, name, row.reason, row.hint, row.good or self.started)
            for name, row in self.engine.poller.rows.items()
            if row.tries >= 3 or row.reason in ALARMS
        ]
        found += [
            self._needs("source", name, name, row.alarm, row.alarm_hint, row.good or self.started)
            for name, row in self.engine.poller.rows.items()
            if row.alarm in ALARMS
        ]
        found += [
            self._needs("site", name, name, *_why(site), self.started)
            for name, site in self.engine.deps.sites.items()
            if site.gate.state == "stopped" or site.trouble()
        ]
        judged = await self._judged(_OPEN)
        recent = [(j.repost, j.document) for j in judged]
        found += [
            self._needs("repost", r.id, d.title, r.reason, r.hint, d.detected) for r, d in recent if _struggles(r)
        ]
        found += [
            self._needs("repost", j.repost.id, j.document.title, level, _LEVELS[level], j.document.detected)
            for j in judged
            if (level := _level(j, self.ground.clock.now()))
        ]
        found += [
            self._needs("repost", r.id, d.title, "no_route", _NO_ROUTE, d.detected)
            for r, d in recent
            if self._is_stray(r)
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

    async def _noted(self) -> list[Row]:
        """Documents that a look found something strange about; orders name a document by its reposts."""
        noted = await self.ground.store.notes()
        reposts = await self._reposts_of({d.id for d, _ in noted})
        return [
            self._needs("document", d.id, d.title, look.note, _note(look.note, reposts[d.id]), d.detected)
            for d, look in noted
        ]

    async def _reposts_of(self, documents: set[int]) -> dict[int, list[Repost]]:
        found: dict[int, list[Repost]] = {document: [] for document in documents}
        mine = Filter(documents=tuple(documents), limit=100_000)
        for repost, document in await self.ground.store.reposts(mine) if documents else ():
            found[document.id].append(repost)
        return found

    async def _gaps(self) -> list[Row]:
        """Stretches in which a list moved on unread, until a person has seen it."""
        noted = await self.ground.store.values(gap_of(""))  # one question, however many sources there are
        spans = {name.removeprefix(gap_of("")): span.split() for name, span in sorted(noted.items())}
        return [
            self._needs("source", name, f"{name}: {span[0]} - {span[1]}", "gap", GAP, datetime.fromisoformat(span[0]))
            for name, span in spans.items()
            if name in self.engine.deps.sources
        ]

    async def glance(self) -> str:
        """One line for `systemctl status`: what is visible, under way and in need of a person, and whether lists are read."""
        now = self.ground.clock.now()
        counts = await self.ground.store.counts()
        visible = sum(seen for _, seen in (await self.ground.store.per_site()).values())
        rows = [self.engine.poller.rows.get(name) for name in self.engine.deps.sources]
        good = max((row.good for row in rows if row and row.good), default=None)
        return views.glance(
            visible=visible,
            under_way=counts.open - counts.attention,
            attention=len(await self._attention()),
            lists=len(rows),
            failing=sum(bool(row and row.tries) for row in rows),
            good=(now - good).total_seconds() if good else None,
            problems=[str(problem["reason"]) for problem in self._problems(now)],
        )

    async def measure(self) -> None:
        """Set the gauges that no event moves; the cost grows with what is open, not with what is stored."""
        metrics, now = self.ground.metrics, self.ground.clock.now()
        metrics.attention(Counter(row["reason"] for row in await self._attention()))
        judged = await self._judged(Filter(open=True, limit=10_000))
        metrics.open_reposts(Counter((j.repost.site, j.status) for j in judged))
        for name in self.engine.deps.sites:
            mine = [j for j in judged if j.repost.site == name and not j.timeline.seen]
            metrics.oldest_open(name, max(((now - j.document.detected).total_seconds() for j in mine), default=0.0))
            metrics.deadline_used(name, max((_used(j, now) for j in mine), default=0.0))
        metrics.clock_error(self.ground.clock.error)
        metrics.store_writable(not self.engine.trouble)
        metrics.network_down(self.engine.poller.network_down)
        self._measure_sources(now)

    def _measure_sources(self, now: datetime) -> None:
        for name, row in self.engine.poller.rows.items():
            self.ground.metrics.source_last_good(name, row.good)
            share = self._source(name, 0, now)["watched_share"]
            if share is not None:
                self.ground.metrics.source_watched(name, share)
            state = self.engine.pusher.standing(name)[0]
            self.ground.metrics.push_working(name, None if state in ("off", "none") else state == "working")

    def _reviews(self, repost: Repost) -> bool:
        route = self.engine.deps.route(repost.route)
        return route is not None and route.approve.value == "review"

    def _is_stray(self, repost: Repost) -> bool:
        """Its source changed or withdrew the document, and no route carries that to the site any more."""
        return repost.sent < repost.wanted and self._posts(repost) and self.engine.deps.route(repost.route) is None

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

    async def _judged(self, which: Filter) -> list[Shown]:
        found = await self.ground.store.reposts(which)
        events = await self.ground.store.events([r.id for r, _ in found])
        now = self.ground.clock.now()
        return [self._judge(r, d, events.get(r.id, ()), now) for r, d in found]

    def _rule(self, repost: Repost) -> Any:
        route = self.engine.deps.route(repost.route)
        return route.deadline if route else None

    async def explain(self, id: int) -> Row:
        """One repost's whole story."""
        story = await self.ground.store.story(id)
        document = story.document
        reposts = (await self._reposts_of({document.id}))[document.id]
        judged = self._judge(story.repost, document, story.events, self.ground.clock.now())
        return views.explain(judged, story, self._plan(story), tuple(dict.fromkeys(r.site for r in reposts)))

    def _judge(self, repost: Repost, document: Document, events: Sequence[Event], now: datetime) -> Shown:
        site = self.engine.deps.sites.get(repost.site)
        judged = judge(repost, document, events, self._rule(repost), site, now, self.ground.clock.error)
        return views.shown(judged, events, posts=self._posts(repost))

    def _posts(self, repost: Repost) -> bool:
        """False where people post and syncd only observes."""
        site = self.engine.deps.sites.get(repost.site)
        return site is None or site.adapter.capabilities.posts

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
        since, until = _bounds(month, zone)
        rows = [_report_row(j) for j in await self._judged(Filter(limit=1_000_000))]
        watch = [await self._watch(name, since, min(until, now)) for name in self.engine.deps.sources]
        return forms.to_json(month_report(rows, month=month, zone=zone, watch=watch, now=now))

    async def _watch(self, source: str, since: datetime, until: datetime) -> Watch:
        unit, row = self.engine.deps.sources[source], self.engine.poller.rows.get(source)
        every = max(unit.habits.every, unit.habits.slowest or 0.0)
        reads = await self.ground.store.reads(source, since - cover_of(every))
        begun = max(since, row.first_good) if row and row.first_good else until
        return watch_of(source, reads, since=min(begun, until), until=until, every=every)

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

    async def package(self, id: int) -> Row:
        """The ZIP for a CMS that nothing can post to, in base64: who asked for it writes it where they can find it."""
        from syncd.adapters.package import package  # jinja2

        _, draft = await self._draft(id)
        with _folder(self.config.syncd.state_dir) as folder:
            made = folder / "package.zip"
            zone = self.config.syncd.timezone
            await asyncio.to_thread(package, draft.post, self.ground.blobs, made, timezone=zone)
            return await self._carried(made, MOST_PACKAGE, "stop the daemon, say it again, and start the daemon again")

    async def _carried(self, path: Path, most: int, hint: str) -> Row:
        size = (await asyncio.to_thread(path.stat)).st_size
        if self.served and size > most:
            raise SyncdError("too_large", f"{size} bytes don't fit through the control socket", hint=hint)
        return {"data": base64.b64encode(await asyncio.to_thread(path.read_bytes)).decode(), "bytes": size}

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
            "detail": _class(report.capabilities),
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
        granted = (await self._get(id)).wanted  # and no later one, which nobody has looked at

        async def approved(repost: Repost) -> Repost:
            return machine.approve(repost, granted, self.ground.clock.now())

        return await self._order(id, approved, actor)

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
        refused = (await self._get(id)).wanted

        async def rejected(repost: Repost) -> Repost:
            _must_be_unsent(repost, refused)
            return machine.reject(repost, reason=reason or "no reason given", actor=actor, now=self.ground.clock.now())

        return await self._order(id, rejected, actor)

    async def retry(self, id: int, overwrite: bool = False, actor: str = "operator") -> Row:
        """Go on with what is parked, rejected, gone or edited."""

        async def retried(repost: Repost) -> Repost:
            if repost.hold is not None and repost.hold.reason == "in_doubt":
                self._must_have_settled(repost)
            after = machine.retry(repost, self.ground.clock.now(), overwrite=overwrite)
            if after is None:
                hint = f"look at both texts, then say --overwrite, or keep the site's with: syncd adopt {id}"
                raise SyncdError("edited", "the post was changed at the site", hint=hint, where=f"repost {id}")
            if repost.intent and not after.intent:
                self.engine.deps.quiet.sight(repost.id)
            return after

        return await self._order(id, retried, actor)

    def _must_have_settled(self, repost: Repost) -> None:
        """What stands at the site now proves nothing while our own request may still take effect there."""
        if repost.intent is None:
            return
        quiet = self.engine.deps.quiet
        quiet.sight(repost.id)
        left = quiet.left(repost.id, self._site(repost).settle)
        if left > 0:
            hint = f"look in the CMS after {left:.0f} s, then say it again"
            raise SyncdError("settling", "the request may still take effect", hint=hint, where=f"repost {repost.id}")

    async def adopt(self, id: int, url: str = "", actor: str = "operator") -> Row:
        """The site's own version is the repost: what lies under our key, or the page at `url` that people made."""

        async def adopted(repost: Repost) -> Repost:
            self._must_have_settled(repost)
            doc = await self._site_version(repost, url)
            stored = print_of(doc.title, doc.html)
            shown = await newest_shown(self.ground.store, repost)
            return machine.adopt(repost, doc.ref, stored=stored, now=self.ground.clock.now(), n=shown)

        return await self._order(id, adopted, actor)

    async def _site_version(self, repost: Repost, url: str) -> RemoteDoc:
        adapter = self._site(repost).adapter
        if url:
            await self._must_be_ours(repost, url)
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

    async def _must_be_ours(self, repost: Repost, url: str) -> None:
        """Only a page of the site itself can be its repost; the source's page, a file or a stranger's can't."""
        document = await self.ground.store.document(repost.document)
        homes = self._homes(repost)
        if place(url) not in homes or url == document.url:
            told = ", ".join(sorted(f"{host}:{port}" if port else host for host, port in homes))
            hint = f"give the http(s) address of the repost at the site itself ({told})"
            raise SyncdError("foreign_url", "this is no page of the site", hint=hint, where=url)

    def _homes(self, repost: Repost) -> set[tuple[str, int | None]]:
        """Where the site's pages are: its public address; of an observed site also its lists."""
        site = self._site(repost)
        table = next((t for t in self.config.sites if t.name == repost.site), None)
        found = [site.public_url, *(_texts(table.options) if table and not site.adapter.capabilities.posts else ())]
        return {home for address in found if (home := place(address))}

    async def _observed(self, repost: Repost) -> RemoteDoc:
        found = await find_on(self.engine.deps, self._site(repost), repost)
        if found is None:
            raise SyncdError("not_found", "no page of the site's list shows it", hint="say where it is with --url")
        return found

    async def withdraw(self, id: int, actor: str = "operator", reason: str = "", undo: bool = False) -> Row:
        """Withdraw a document everywhere by a person's order, or lift that order: a revision like any other."""
        repost = await self._get(id)
        sites = await self._writable_sites(repost)
        why = f"{actor}: {reason or 'no reason given'}"
        if not undo:
            await self.engine.reader.withdraw(repost.document, reason=why)
        elif not await self.engine.reader.restore(repost.document, reason=why):
            hint = f"syncd explain {id} says who withdrew it; what its source took back comes back when the source shows it"
            raise SyncdError("not_ordered", "no person's order withdraws it", hint=hint, where=f"repost {id}")
        self._wake()
        return {"id": id, "document": repost.document, "withdrawn": not undo, "sites": sites}

    async def _writable_sites(self, repost: Repost) -> list[str]:
        """The sites that the document can be withdrawn from. Raises SyncdError when there is none."""
        rows = (await self._reposts_of({repost.document}))[repost.document]
        found = list(dict.fromkeys(row.site for row in rows if self._writes(row)))
        if not found:
            hint = "take it down at the site by hand; syncd posts nothing there (it is observed, or its route is gone)"
            raise SyncdError("no_writable_site", "no site of this document takes orders", hint=hint)
        return found

    def _writes(self, repost: Repost) -> bool:
        site = self.engine.deps.sites.get(repost.site)
        return site is not None and self.engine.worker.policy(repost, site).writes

    async def backup(self, out: str) -> Row:
        """A consistent copy of the database: at `out`, or in base64 when who asked must write it themselves."""
        state, target = await asyncio.to_thread(_resolved, self.config.syncd.state_dir, out)
        if self.served and not target.is_relative_to(state):
            with _folder(state) as folder:
                made = folder / "copy"
                await self.ground.store.backup(made)
                return await self._carried(made, MOST_BACKUP, f"give a path below {state}")
        _must_take_a_backup(target, state)
        await self.ground.store.backup(target)
        return {"path": str(target)}

    def publisher(self) -> Publisher:
        """The relay of the configuration in force. Raises SyncdError("relay_not_configured", "bad_key")."""
        if self._publisher is None or self._publisher.config is not self.config:
            self._publisher = Publisher(self.config, self.ground)
        return self._publisher

    async def relay(self) -> Row:
        """What a relay's folder holds: the feed and the status, sealed, and the hashes of all else, which lies in `blobs`."""
        publisher = self.publisher()
        issue = await publisher.issue()
        judged = await self._judged(Filter(limit=self.config.relay.documents))
        events = await self.ground.store.events([j.repost.id for j in judged])
        rows = [views.returned(j, events.get(j.repost.id, ())) for j in judged]
        return {
            "serial": issue.serial, "issued": iso(issue.issued), "documents": issue.documents,
            "key": publisher.signer.public, "feed": issue.body.decode(), "status": publisher.status(rows).decode(),
            "objects": list(issue.objects), "blobs": str((self.config.syncd.state_dir / "blobs").resolve()),
        }

    async def _get(self, id: int | None) -> Repost:
        if id is None:
            raise SyncdError("usage", "say which repost, or --source NAME", hint="syncd reposts lists them")
        return await self.ground.store.repost(id)

    async def _order(self, id: int | None, change: Callable[[Repost], Awaitable[Repost]], actor: str) -> Row:
        """Save what a person ordered; where the engine was quicker, the order is reckoned anew from the row as it is."""
        for _ in range(1 + _AGAIN):
            before = await self._get(id)
            after = await change(before)
            told = changes(before, after, self.ground.clock.instant(), actor=actor)
            try:
                saved = await self.ground.store.save(replace(after, version=before.version), told)
            except Stale:
                continue
            self._wake()
            events = (await self.ground.store.events([saved.id])).get(saved.id, ())
            return {"id": saved.id, "status": views.word(saved, events, posts=self._posts(saved)), "reason": saved.reason}
        raise _busy(id)

    def _wake(self) -> None:
        for stage in ("read", "route", "work"):
            self.engine.deps.wake(stage)


_NO_ROUTE = (
    "its source changed or withdrew it, and no route leads to that site any more: put the route back into the config, "
    "or change the post in the CMS by hand and say `syncd adopt ID`"
)
_NOTES = {
    "flap": "its page changes at every look; `syncd retry` is not needed, look at the page and say options.body_selector",
    "mass_gone": "many documents of this source vanished at once; {order} if it is meant",
}


def _note(note: str, reposts: Sequence[Repost]) -> str:
    """What to do about a document; the order takes the number of any of its reposts."""
    order = f"`syncd withdraw {reposts[0].id}` (from all its sites)" if reposts else "nothing is to be withdrawn here"
    named = f"; its reposts: {', '.join(str(r.id) for r in reposts)}" if len(reposts) > 1 else ""
    return _NOTES[note].format(order=order) + named if note in _NOTES else ""


def place(url: str) -> tuple[str, int | None] | None:
    """Host (without www.) and port of an http(s) address; None for anything else."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    return (host.removeprefix("www."), port) if parts.scheme in ("http", "https") and host else None


def _texts(options: dict[str, Any]) -> list[str]:
    values = [v for value in options.values() for v in (value if isinstance(value, (list, tuple)) else [value])]
    return [value for value in values if isinstance(value, str)]


def _must_be_unsent(repost: Repost, refused: int) -> None:
    if repost.wanted != refused:
        raise _busy(repost.id)
    if repost.sent >= repost.wanted:
        hint = f"to take it down everywhere say: syncd withdraw {repost.id}"
        raise SyncdError("already_sent", "this revision is at the site already", hint=hint, where=f"repost {repost.id}")


def _busy(id: int | None) -> SyncdError:
    hint = f"look at it with syncd explain {id}, then say it again"
    return SyncdError("stale", "it was changed meanwhile", hint=hint, where=f"repost {id}")


@contextmanager
def _folder(state: Path) -> Iterator[Path]:
    """A place for a file on its way, on the state's own disk. Raises SyncdError when it takes nothing."""
    try:
        with TemporaryDirectory(dir=state, prefix="out-") as folder:
            yield Path(folder)
    except OSError as error:
        hint = "make room on the disk of state_dir and let syncd's user write there"
        raise SyncdError("state_unwritable", str(error.strerror or error), hint=hint, where=str(state)) from error


def _resolved(state: Path, out: str) -> tuple[Path, Path]:
    return state.resolve(), Path(out).resolve()


def _must_take_a_backup(target: Path, state: Path) -> None:
    """Told here, since what a database says of a bad target reads as if it was itself broken."""
    hint = "choose a file in a directory that exists, is writable and has room"
    if target.parent == state and target.name.startswith(("syncd.", "control.sock")):
        raise SyncdError("backup_failed", "this is a file of syncd itself", hint=hint, where=str(target))
    if target.is_dir() or not os.access(target.parent, os.W_OK | os.X_OK):
        raise SyncdError("backup_failed", "the copy can't be written there", hint=hint, where=str(target))


def _bounds(month: str, zone: str) -> tuple[datetime, datetime]:
    try:
        return bounds(month, zone)
    except ValueError as error:
        raise SyncdError("usage", str(error), hint="write a month as YYYY-MM, such as 2026-07") from None


def _struggles(repost: Repost) -> bool:
    """It goes on by itself, but has failed for so long that a person should know."""
    return repost.tries >= _LONG and machine.status(repost) not in NEEDS_PERSON


_LEVELS = {
    "limit_near": "little of the time limit is left: `syncd explain ID` says what it waits for",
    "limit_passed": "the time limit is over and it is not visible: `syncd explain ID` says what it waits for",
}


def _level(judged: Shown, now: datetime) -> str:
    """How near the end of its limit a repost is that is not visible yet: "" while there is time."""
    if judged.rule is None or judged.repost.excused or machine.refused(judged.repost):
        return ""
    used = deadline.escalation(judged.timeline, judged.rule, now)
    return "limit_passed" if used >= 100 else "limit_near" if used >= 75 else ""


def _used(judged: Shown, now: datetime) -> float:
    """The share of the time limit that is used up, 0 without one."""
    if judged.rule is None or judged.repost.excused or machine.refused(judged.repost):
        return 0.0
    return 1.0 - deadline.time_left(judged.timeline, judged.rule, now) / judged.rule.limit


def _waits(repost: Repost) -> bool:
    return machine.status(repost) is machine.Status.WAITING


def _why(site: SiteUnit) -> tuple[str, str]:
    """Reason and hint of what a site is in trouble for: its gate's, else its adapter's, else empty."""
    fault = site.trouble()
    if site.gate.reason or fault is None:
        return site.gate.reason, site.gate.hint
    return fault.reason, fault.hint


def _class(capabilities: Capabilities) -> str:
    return f"class {capabilities.guarantee}" if capabilities.posts else "only observed, nothing is posted"


def _clock_detail(error: float | None) -> str:
    return "no source told its time" if error is None else f"within {max(2.0, error):.0f} s of the sources' clocks"


def _report_row(judged: Shown) -> ReportRow:
    document, line = judged.document, judged.timeline
    return ReportRow(
        document,
        judged.repost,
        judged.status,
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
