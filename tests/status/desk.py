"""A Desk with state for the tests and for looking at the pages: an invented county on an invented day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from syncd.errors import StoreError, SyncdError
from syncd.report import month_report, to_json
from tests.report.rows import JULY, WATCH

NOW = datetime(2026, 8, 3, 1, 30, tzinfo=UTC)
HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>\u202e'


def iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def ago(**span: float) -> str:
    return iso(NOW - timedelta(**span))


def repost_row(
    id: int, title: str, status: str, verdict: str, marks: tuple[int, int, int, int], **given: Any
) -> dict[str, Any]:
    begun = NOW - timedelta(hours=id * 2)
    return {
        "id": id,
        "document": id,
        "title": title,
        "source": "state-council",
        "site": "county",
        "column": "国务院文件",
        "url": f"https://www.county.example/zfxxgk/{id}.html" if marks[3] else "",
        "status": status,
        "marks": dict(zip(("wanted", "approved", "sent", "seen"), marks, strict=True)),
        "key": f"k-{id:08x}",
        "ref": str(4000 + id) if marks[2] else "",
        "detected": iso(begun + timedelta(minutes=4)),
        "published": {"value": iso(begun), "precision": "second", "raw": "", "zone": "Asia/Shanghai"},
        "sent_at": None,
        "seen_at": None,
        "latency_s": None,
        "latency_max_s": None,
        "deadline": iso(begun + timedelta(hours=12)),
        "verdict": verdict,
        "reason": "",
        "hint": "",
        **given,
    }


def rows() -> list[dict[str, Any]]:
    return [
        repost_row(1, "国务院办公厅关于进一步优化政务服务提升行政效能的指导意见", "sending", "open", (1, 1, 0, 0)),
        repost_row(
            5,
            "国务院关于印发推动大规模设备更新和消费品以旧换新行动方案的通知",
            "waiting",
            "open",
            (1, 0, 0, 0),
            reason="waiting_for_approval",
            hint="syncd approve ID or syncd reject ID",
        ),
        repost_row(
            2,
            "Notice of the General Office on the Holiday Arrangements for 2027",
            "visible",
            "met",
            (1, 1, 1, 1),
            latency_s=734.0,
            latency_max_s=794.0,
            seen_at=ago(hours=3.7),
        ),
        repost_row(
            6,
            "国务院关于修改部分行政法规的决定",
            "edited",
            "met",
            (2, 2, 2, 1),
            latency_s=1200.0,
            latency_max_s=float("inf"),
            reason="edited",
            hint="look at both texts, then overwrite or adopt",
        ),
        repost_row(
            7,
            "国务院办公厅关于转发财政部等部门意见的通知",
            "visible",
            "breached",
            (1, 1, 1, 1),
            latency_s=50400.0,
            latency_max_s=52000.0,
            blame="approval",
        ),
        repost_row(
            8,
            HOSTILE,
            "visible",
            "indeterminate",
            (1, 1, 1, 1),
            latency_s=100.0,
            latency_max_s=80000.0,
            published={"value": "2026-07-31T16:00:00Z", "precision": "day", "raw": "2026-08-01", "zone": "+08:00"},
            url="javascript:alert(1)",
        ),
        repost_row(9, "国务院关于废止某项规定的通知", "withdrawn", "excused", (2, 2, 2, 2)),
    ]


def _by(source: str, published: Any) -> dict[str, Any]:
    """A publication with the source that told it."""
    return {**(published if isinstance(published, dict) else {"value": published}), "source": source}


class FakeDesk:
    """Answers from its state; actions change it. broken: raised by every question; ready, healthy as they say."""

    def __init__(self) -> None:
        self.rows = rows()
        self.broken: Exception | None = None
        self.healthy = True
        self.problems: list[dict[str, str]] = []
        self.rejected = ""
        self.done: list[tuple[Any, ...]] = []

    async def status(self) -> dict[str, Any]:
        self._check()
        needy = [row for row in self.rows if row["reason"]]
        return {
            "version": "0.1.0",
            "now": iso(NOW),
            "started": ago(days=3),
            "healthy": self.healthy,
            "ready": not self.problems,
            "problems": self.problems,
            "sources": self._sources(),
            "sites": self._sites(),
            "counts": {"documents": 7, "reposts": 7, "open": 2, "pending": 1, "held": 3, "attention": len(needy)},
            "verdicts": {"met": 2, "breached": 1, "open": 2, "indeterminate": 1, "excused": 1},
            "clock_error_s": 0.8,
            "config": {"hash": "f00", "loaded": ago(days=3), "rejected": self.rejected},
            "attention": self._attention(needy),
        }

    def _attention(self, needy: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        found = [
            {
                "kind": "approval" if row["status"] == "waiting" else "repost",
                "id": row["id"],
                "title": row["title"],
                "reason": row["reason"],
                "hint": row["hint"],
                "since": row["detected"],
            }
            for row in needy
        ]
        hint = "the page has changed its shape: look at it, then correct options.rows"
        stopped = {
            "kind": "site",
            "id": "township",
            "title": "township",
            "reason": "not_logged_in",
            "hint": "renew the password in the credential store",
            "since": ago(hours=1),
        }
        return [
            *found,
            stopped,
            {
                "kind": "source",
                "id": "ministry",
                "title": "ministry",
                "reason": "not_understood",
                "hint": hint,
                "since": ago(hours=9),
            },
        ]

    def _sources(self) -> list[dict[str, Any]]:
        return [
            {
                "name": "state-council",
                "kind": "govcn",
                "url": "https://www.gov.example/ZUIXINZHENGCE.json",
                "good": ago(minutes=3),
                "next": iso(NOW + timedelta(minutes=2)),
                "tries": 0,
                "reason": "",
                "hint": "",
                "held": 0,
                "shown": 1094,
                "watched_share": 0.9987,
                "bytes": 31_457_280,
                "reads": 8912,
                "every": 300.0,
                "interval": 1800.0,
                "why": "quiet",
                "busy": "08-12 16-23",
                "robots": "disallowed",
            },
            {
                "name": "ministry",
                "kind": "feed",
                "url": "https://www.ministry.example/rss.xml",
                "good": ago(hours=9),
                "next": iso(NOW + timedelta(minutes=9)),
                "tries": 7,
                "reason": "not_understood",
                "hint": "the page has changed its shape: look at it, then correct options.rows",
                "held": 3,
                "shown": 20,
                "watched_share": 0.871,
                "bytes": 910_000,
                "reads": 2101,
            },
            {
                "name": "province",
                "kind": "feed",
                "url": "https://www.province.example/feed",
                "good": None,
                "next": None,
                "tries": 0,
                "reason": "",
                "hint": "",
                "held": 0,
                "shown": 0,
                "watched_share": None,
                "bytes": 0,
                "reads": 0,
            },
        ]

    def _sites(self) -> list[dict[str, Any]]:
        return [
            {
                "name": "county",
                "adapter": "wordpress",
                "state": "ok",
                "reason": "",
                "hint": "",
                "queue": 1,
                "visible": 3,
                "public_url": "https://www.county.example",
                "guarantee": "B",
            },
            {
                "name": "township",
                "adapter": "static",
                "state": "stopped",
                "reason": "not_logged_in",
                "hint": "renew the password in the credential store, then syncd retry",
                "queue": 4,
                "visible": 0,
                "public_url": "https://town.county.example",
                "guarantee": "A",
            },
        ]

    async def reposts(self, attention: bool = False, site: str = "") -> list[dict[str, Any]]:
        self._check()
        return [r for r in self.rows if (not attention or r["reason"]) and site in ("", r["site"])]

    async def explain(self, id: int) -> dict[str, Any]:
        self._check()
        row = self._row(id)
        begun = datetime.fromisoformat(row["published"]["value"])

        def at(**span: float) -> str:
            return iso(begun + timedelta(**span))

        looks = [("look_bad", at(hours=11, minutes=20 + 5 * n), "not_found") for n in range(5)]
        told = [
            ("sighted", at(minutes=4), ""),
            ("revised", at(minutes=4, seconds=9), ""),
            ("wanted", at(minutes=4, seconds=10), ""),
            ("approved", at(hours=11, minutes=10), ""),
            ("intent", at(hours=11, minutes=10, seconds=1), "create"),
            ("sent", at(hours=11, minutes=10, seconds=3), ""),
            *looks,
            ("seen", at(hours=14), ""),
        ]
        return {
            "repost": row,
            "document": {
                "title": row["title"],
                "url": f"https://www.gov.example/{id}.htm",
                "aliases": ["number:国发〔2026〕7号"],
                "names": ["一图<读懂>"],
                "merged": 3,
                "validity": "已修改",
                "relations": [
                    {"bond": "amends", "way": "told", "title": "修改<决定>", "number": "国发〔2026〕9号",
                     "url": "https://www.gov.example/9.htm", "document": 12},
                    {"bond": "interprets", "way": "tells", "title": "", "number": "国发〔2020〕1号", "url": "", "document": 0},
                ],
                "published": _by("state-council", row["published"]),
                "detected": row["detected"],
            },
            "revisions": [
                {
                    "n": 1,
                    "hash": "9f86d081884c7d659a2f",
                    "detected": row["detected"],
                    "withdrawn": False,
                    "reason": "new",
                }
            ],
            "events": [
                {
                    "at": when,
                    "precision": "second",
                    "kind": kind,
                    "revision": 1,
                    "actor": "王某某" if kind == "approved" else "syncd",
                    "reason": reason,
                    "detail": {},
                }
                for kind, when, reason in told
                if datetime.fromisoformat(when) < NOW
            ],
            "lags": {
                "source": 0.0,
                "detection": 240.0,
                "reading": 9.0,
                "approval": 39950.0,
                "cms": 3.0,
                "publishing": 10197.0,
            },
            "blame": row.get("blame", ""),
            "next": {"step": "verify", "reason": "look_due", "at": iso(NOW + timedelta(hours=1))},
            "deadline": {"limit_s": 43200, "basis": "国办发〔2017〕47号", "due": row["deadline"]},
            "verdict": row["verdict"],
            "verdict_reason": {"breached": "late", "met": "in_time"}.get(row["verdict"], "not_seen"),
        }

    async def approve(self, id: int | None, source: str | None, actor: str) -> dict[str, Any]:
        if source is not None:
            self.done.append(("release", source, actor))
            return {"source": source, "released": 3}
        row = self._row(id)
        if row["status"] != "waiting":
            raise SyncdError("nothing_to_approve", hint="its newest revision is approved already", where=f"repost {id}")
        row["marks"]["approved"], row["status"], row["reason"] = 1, "sending", ""
        self.done.append(("approve", id, actor))
        return {"id": id, "status": row["status"], "reason": ""}

    async def reject(self, id: int | None, reason: str, actor: str, source: str | None = None) -> dict[str, Any]:
        return self._did("reject", id, reason, actor, source)

    async def retry(self, id: int, overwrite: bool, actor: str) -> dict[str, Any]:
        return self._did("retry", id, overwrite, actor)

    async def adopt(self, id: int, url: str, actor: str) -> dict[str, Any]:
        return self._did("adopt", id, url, actor)

    async def withdraw(self, id: int, actor: str, reason: str, undo: bool) -> dict[str, Any]:
        return self._did("withdraw", id, actor, reason, undo)

    async def report(self, month: str) -> dict[str, Any]:
        self._check()
        return to_json(month_report(JULY, month=month, zone="Asia/Shanghai", watch=WATCH, now=NOW))

    def _did(self, *what: Any) -> dict[str, Any]:
        self.done.append(what)
        return {"id": what[1], "status": "sending"}

    def _row(self, id: int | None) -> dict[str, Any]:
        for row in self.rows:
            if row["id"] == id:
                return row
        raise StoreError("not_found", f"there is no repost {id}", where=f"repost {id}", hint="look at the list")

    def _check(self) -> None:
        if self.broken:
            raise self.broken
