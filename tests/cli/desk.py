"""A desk with state, and the doors that lead to it: what the commands do can be seen in it afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from syncd.errors import AlreadyRunning, ConfigError, StoreError, SyncdError

NOW = datetime(2026, 9, 1, 4, 0, tzinfo=UTC)
TITLE = "国务院办公厅关于加快推进政务服务标准化的通知"


def row(id: int, status: str, **more: Any) -> dict[str, Any]:
    """A repost as the desk tells it."""
    return {
        "id": id, "document": id, "title": TITLE, "source": "state-council", "site": "county", "column": "国务院文件",
        "url": "", "status": status, "marks": {"wanted": 1, "approved": 0, "sent": 0, "seen": 0}, "key": f"syncd-{id}",
        "ref": "", "published": {"value": "2026-09-01T01:00:00Z", "precision": "minute", "raw": "", "zone": "+08:00",
                            "source": "state-council"},
        "detected": "2026-09-01T01:04:00Z", "sent_at": None, "seen_at": None, "latency_s": None, "latency_max_s": None,
        "deadline": "2026-09-01T13:00:00Z", "verdict": "open", "reason": "", "hint": "", "blame": "", "lags": {},
        **more,
    }


class FakeDesk:
    """Reposts that move as a person says; `said` keeps who said what."""

    def __init__(self) -> None:
        self.rows = {1: row(1, "visible", latency_s=540.0, verdict="met"), 2: row(2, "waiting"), 3: row(3, "edited")}
        self.held = {"state-council": 4}
        self.said: list[tuple[Any, ...]] = []
        self.well = True
        self.problems: list[dict[str, str]] = []
        self.site_state = "ok"

    def _row(self, id: int) -> dict[str, Any]:
        if id not in self.rows:
            raise StoreError("not_found", f"there is no repost {id}", hint="syncd reposts lists them")
        return self.rows[id]

    def _move(self, id: int, status: str) -> dict[str, Any]:
        found = self._row(id)
        found["status"] = status
        return {"id": id, "status": status, "reason": ""}

    async def status(self) -> dict[str, Any]:
        needy = [r for r in self.rows.values() if r["status"] in ("edited", "waiting")]
        return {
            "version": "0.1.0", "now": NOW.isoformat(), "healthy": True, "ready": not self.problems,
            "problems": self.problems, "config": {"rejected": ""}, "verdicts": {"met": 1, "breached": 0},
            "counts": {"documents": 3, "reposts": 3, "open": 2, "pending": 0, "held": 4, "attention": len(needy)},
            "sources": [{"name": "state-council", "good": "2026-09-01T03:58:00Z", "next": "2026-09-01T04:03:00Z",
                         "watched_share": 0.9996, "bytes": 31_457_280, "why": "quiet", "held": 4, "reason": "", "hint": ""}],
            "sites": [{"name": "county", "adapter": "static", "state": self.site_state, "reason": "", "hint": "",
                       "queue": 0, "visible": 1}],
            "attention": [{"kind": "repost", "id": r["id"], "title": r["title"], "reason": r["status"],
                           "hint": "look at it", "since": r["detected"]} for r in needy],
        }

    async def reposts(self, attention: bool = False, site: str = "") -> list[dict[str, Any]]:
        found = [r for r in self.rows.values() if not site or r["site"] == site]
        return [r for r in found if r["status"] in ("edited", "waiting")] if attention else found

    async def explain(self, id: int) -> dict[str, Any]:
        return {
            "repost": self._row(id), "verdict": "met", "verdict_reason": "all of it inside the limit",
            "document": {"title": TITLE, "url": "https://www.gov.cn/x.htm", "aliases": ["number:国办发〔2026〕28号"],
                         "published": self._row(id)["published"], "sites": ["county", "town"],
                         "names": ["一图读懂"], "validity": "失效",
                         "relations": [{"bond": "repeals", "way": "told", "title": "废止决定", "number": "国发〔2026〕9号",
                                        "url": "https://www.gov.cn/9.htm", "document": 12}]},
            "deadline": {"limit_s": 43200, "basis": "国办发〔2017〕47号", "due": "2026-09-01T13:00:00Z"},
            "lags": {"detection": 240.0, "cms": 2.0, "reading": 0.0}, "blame": "",
            "revisions": [], "next": {"step": "verify", "reason": "look_due", "at": "2026-09-02T04:00:00Z"},
            "events": [
                {"at": "2026-09-01T01:04:00Z", "precision": "second", "kind": "sighted", "revision": None,
                 "actor": "syncd", "reason": "new", "detail": {}},
                {"at": "2026-09-01T01:05:00Z", "precision": "second", "kind": "look_bad", "revision": 1,
                 "actor": "syncd", "reason": "not_there_yet", "detail": {"url": "https://county.example/1"}},
            ],
        }

    async def approve(self, id: int | None, source: str | None, actor: str) -> dict[str, Any]:
        self.said.append(("approve", id, source, actor))
        if source is not None:
            return {"source": source, "released": self.held.pop(source, 0)}
        return self._move(id or 0, "sending")

    async def reject(self, id: int | None, reason: str, actor: str, source: str | None = None) -> dict[str, Any]:
        self.said.append(("reject", id, reason, actor, source))
        if source is not None:
            return {"source": source, "dropped": self.held.pop(source, 0)}
        return self._move(id or 0, "held")

    async def retry(self, id: int, overwrite: bool, actor: str) -> dict[str, Any]:
        if self._row(id)["status"] == "edited" and not overwrite:
            raise SyncdError("edited", "the post was changed at the site", hint="say --overwrite", where=f"repost {id}")
        return self._move(id, "sending")

    async def adopt(self, id: int, url: str, actor: str) -> dict[str, Any]:
        self._row(id)["url"] = url
        return self._move(id, "visible")

    async def withdraw(self, id: int, actor: str, reason: str, undo: bool) -> dict[str, Any]:
        self.said.append(("withdraw", id, actor, reason, undo))
        self._move(id, "sending" if undo else "withdrawn")
        return {"id": id, "document": id, "withdrawn": not undo, "sites": ["county"]}

    async def package(self, id: int) -> dict[str, Any]:
        self._row(id)
        return {"data": "UEs=", "bytes": 2}

    async def preview(self, id: int) -> dict[str, Any]:
        html = "<p>正文</p>\n<p>\x1b[31m</p>"
        return {"id": id, "title": self._row(id)["title"], "column": "国务院文件", "html": html}

    async def report(self, month: str) -> dict[str, Any]:
        return {"month": month}

    async def check(self) -> dict[str, Any]:
        return {
            "ok": self.well, "warnings": [],
            "items": [{"name": "source state-council", "ok": self.well, "detail": "25 entries", "hint": "open it"}],
            "outgoing": [{"host": "www.gov.cn", "port": "443", "why": "source state-council"}],
        }

    async def backup(self, out: str) -> dict[str, Any]:
        return {"data": "U1FMaXRl", "bytes": 6}


class FakeDoors:
    """Leads to one desk; `config_error` and `locked` are what goes wrong on the way."""

    def __init__(self, desk: FakeDesk | None = None) -> None:
        self.desk = desk or FakeDesk()
        self.alive = True
        self.config_error: ConfigError | None = None
        self.locked = False
        self.ran: list[tuple[Any, ...]] = []
        self.opened: list[Path] = []
        self.told: dict[str, Any] | None = None

    @asynccontextmanager
    async def open_desk(self, config: Path) -> AsyncIterator[FakeDesk]:
        self._enter(config)
        yield self.desk

    def _enter(self, config: Path) -> None:
        self.opened.append(config)
        if self.config_error:
            raise self.config_error
        if self.locked:
            raise AlreadyRunning("already_running", "another syncd uses this state", hint="stop it first")

    def running(self, config: Path) -> bool:
        if self.config_error:
            raise self.config_error
        return self.alive

    def left(self, config: Path) -> dict[str, Any] | None:
        return self.told

    def run_daemon(self, config: Path) -> int:
        self._enter(config)
        self.ran.append(("run", config))
        return 0

    def run_once(self, config: Path) -> int:
        self._enter(config)
        self.ran.append(("once", config))
        return 1

    def run_relay(self, config: Path) -> int:
        self._enter(config)
        self.ran.append(("relay", config))
        return 0

    def demo(self, args: Sequence[str]) -> int:
        self.ran.append(("demo", *args))
        return 0

    def upgrade(self, config: Path) -> dict[str, Any]:
        self._enter(config)
        return {"database": "var", "upgraded": True}

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0
