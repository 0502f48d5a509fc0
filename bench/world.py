"""The place for large states: databases with as many sources and entries as wanted, written straight into the schema.

They are made by script with a fixed seed and kept below var/bench, since a million rows take a while.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench import feeds
from bench.lab import Feed
from syncd.model import Content, Document, Entry, Event, Instant, Precision, RemoteRef, Repost, Revision
from syncd.store import rows
from syncd.store.api import Look, SourceRow
from syncd.store.codec import micros
from syncd.store.sql import open_store
from syncd.store.tables import SCHEMA
from syncd.web.api import Validators

CACHE = Path("var/bench")
DOCUMENTS_PER_ENTRY = 0.02
"""Of a million entries so many were reposted; the others are behind a start line, or matched no route."""
_FORM = 3
"""Counts up when what is written changes: kept databases of another form are not used."""
_PAD = 900_000_000
"""Source ids and names of padding: no list of the lab has them."""


def state(folder: Path, *, sources: int, entries: int, known: bool = True) -> None:
    """Put a database with so many sources and entries into `folder`/state.

    known: the sources' lists are just as the lab shows them; else they are still to be read for the first time.
    """
    kept = CACHE / f"state-{SCHEMA}-{_FORM}-{sources}-{entries}.sqlite3"
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        making = kept.with_suffix(".part")
        making.unlink(missing_ok=True)
        _made(making, sources, entries)
        making.rename(kept)
    at = folder / "state"
    at.mkdir(parents=True, exist_ok=True)
    at.chmod(0o700)
    shutil.copy(kept, at / "syncd.sqlite3")
    _refreshed(at / "syncd.sqlite3", known=known)


def _made(path: Path, sources: int, entries: int) -> None:
    async def empty() -> None:
        await (await open_store(f"sqlite:///{path}")).aclose()

    asyncio.run(empty())
    conn = sqlite3.connect(path, isolation_level=None)
    conn.execute("PRAGMA synchronous=OFF")
    conn.execute("PRAGMA journal_mode=OFF")
    conn.execute("BEGIN")
    _insert(conn, "sources", ({**rows.source_columns(_source(n)), "active": 1} for n in range(sources)))
    _pad_entries(conn, sources, entries)
    _pad_documents(conn, int(entries * DOCUMENTS_PER_ENTRY))
    _insert(conn, "starts", ({"source": feeds.name_of(n), "site": "county", "at": 0} for n in range(sources)))
    conn.execute("COMMIT")
    conn.close()
    path.with_name("syncd.reserve").unlink(missing_ok=True)


def _source(number: int) -> SourceRow:
    """A source as it is after many reads, the last of which showed just what the lab shows now."""
    feed, now = Feed(number), datetime.now(UTC)
    return SourceRow(
        feeds.name_of(number), now, Validators(feed.etag.encode(), feed.modified.encode()),
        body=hashlib.sha256(feed.body).hexdigest(), good=now, first_good=now - timedelta(days=90), shown=feeds.ITEMS,
        unconditional=now, watched=90 * 86400.0, bytes=10**9, reads=25_000,
    )


def _refreshed(path: Path, *, known: bool) -> None:
    """The sources' memory as of now: a day later every list would be read in full once."""
    conn, now = sqlite3.connect(path, isolation_level=None), datetime.now(UTC)
    conn.execute("BEGIN")
    for name, data in conn.execute("SELECT name, data FROM sources").fetchall():
        row = rows.SOURCE.load(data, name=name, due=now)
        told = rows.source_columns(replace(row, good=now, unconditional=now) if known else SourceRow(name, now))
        conn.execute("UPDATE sources SET due = ?, data = ? WHERE name = ?", (told["due"], told["data"], name))
    if not known:
        conn.execute("DELETE FROM starts")
    conn.execute("COMMIT")
    conn.close()


def _pad_entries(conn: sqlite3.Connection, sources: int, count: int) -> None:
    dice = random.Random(feeds.SEED)
    keys = sorted((1 + n % sources, dice.getrandbits(64) - 2**63, dice.getrandbits(64) - 2**63) for n in range(count))
    conn.executemany("INSERT INTO entries (source, key, print) VALUES (?, ?, ?)", keys)
    hashes = sorted({dice.getrandbits(64) - 2**63 for _ in range(2 * count)})
    conn.executemany("INSERT INTO aliases (hash, document) VALUES (?, 0)", ((h,) for h in hashes))


def _pad_documents(conn: sqlite3.Connection, count: int) -> None:
    """Documents that were reposted, seen and audited, with everything that the store keeps of them."""
    for id in range(1, count + 1):
        for table, columns in _finished(id):
            _insert(conn, table, [columns])


def _finished(id: int) -> Iterator[tuple[str, dict[str, Any]]]:
    at = datetime.now(UTC) - timedelta(days=30) + timedelta(seconds=id % 86400)
    later = datetime.now(UTC) + timedelta(days=3, seconds=id % (3 * 86400))
    title, url, source = feeds.title_of(_PAD, id), f"https://policy.example/{_PAD}/{id}.html", feeds.name_of(0)
    dice = random.Random(id)
    text = "".join(dice.choices("关于做好专项工作的通知各县人民政府", k=feeds.TEXT // 3))
    published = Instant(at, Precision.SECOND, "feed")
    aliases = (f"url:{url}", f"guid:{source}:{_PAD}-{id}")
    document = Document(id, title, url, at, published=published, aliases=aliases, latest=1, sources=(source,))
    yield "documents", rows.document_columns(document, routed=10**6)
    content = Content(title, f"<p>{text}</p>", text, url, published=published)
    yield "revisions", rows.revision_columns(Revision(id, 1, f"{id:064x}", content, at, reason="new"))
    entry = Entry(f"{_PAD}-{id}", title, url, published, content_html=f"<p>{text}</p>", aliases=aliases)
    yield "looks", rows.look_columns(id, Look(later, looks=3), entry)
    yield "showings", {"document": id, "source": source, "first": micros(at), "gone": None}
    ref = RemoteRef(str(_PAD + id), f"http://county.example/p/{_PAD + id}", "1")
    repost = Repost(
        id, id, source, "county", "route-1", "要闻", f"key-{id}", due=later, created=at, wanted=1, approved=1, sent=1, seen=1,
        ref=ref, stored="0" * 16, looks=3, version=5,
    )
    yield "reposts", rows.repost_columns(repost)
    yield "events", rows.event_columns(Event("sighted", Instant(at), id, detail={"source": source}))
    yield "events", rows.event_columns(Event("revised", Instant(at), id, revision=1, reason="new"))
    for kind in ("wanted", "approved", "sending", "sent", "seen"):
        yield "events", rows.event_columns(Event(kind, Instant(at), id, id, 1))


def _insert(conn: sqlite3.Connection, table: str, told: Iterable[dict[str, Any]]) -> None:
    for columns in told:
        names = ", ".join(f'"{name}"' for name in columns)
        marks = ", ".join("?" for _ in columns)
        conn.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(columns.values()))
