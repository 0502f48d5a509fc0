"""The reference loops: what a bare loop with the same libraries costs. Orders come as JSON lines; see bench.process."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import feedparser
import httpx
from httpx_aiohttp import HttpxAiohttpClient

AT_ONCE = 64
"""Requests in flight, as many as syncd's engine has."""
_LOGIN = {"authorization": "Bearer secret", "content-type": "application/json"}


async def side_by_side(work: Callable[[int], Awaitable[None]], numbers: Sequence[int]) -> None:
    """Do the work for all numbers, AT_ONCE at a time."""
    waiting = iter(numbers)

    async def one() -> None:
        for number in waiting:
            await work(number)

    await asyncio.gather(*[one() for _ in range(AT_ONCE)])


class Bare:
    """A client with what it remembers of each feed, and a table of what it posted."""

    def __init__(self, base: str, folder: Path) -> None:
        self.base = base
        self.client = HttpxAiohttpClient(timeout=30)
        self.validators: dict[int, dict[str, str]] = {}
        self.bodies: dict[int, str] = {}
        self.known: dict[int, set[str]] = {}
        self.posted = 0
        self.table = sqlite3.connect(folder / "reference.sqlite3", isolation_level=None)
        self.table.execute("PRAGMA synchronous=FULL")
        self.table.execute("CREATE TABLE items (guid TEXT PRIMARY KEY, ref TEXT)")

    async def get(self, feed: int) -> httpx.Response:
        return await self.client.get(f"{self.base}/feed/{feed}", headers=self.validators.get(feed))

    async def meet(self, feed: int) -> None:
        """The first GET: what it gave is remembered."""
        answer = await self.get(feed)
        self._learn(feed, answer)
        self.bodies[feed] = hashlib.sha256(answer.content).hexdigest()

    async def prime(self, feed: int) -> None:
        """The first GET of a feed whose items will be told from new ones."""
        answer = await self.get(feed)
        self._learn(feed, answer)
        self.known[feed] = {entry.id for entry in feedparser.parse(BytesIO(answer.content)).entries}

    def _learn(self, feed: int, answer: httpx.Response) -> None:
        if "etag" in answer.headers:
            self.validators[feed] = {
                "if-none-match": answer.headers["etag"], "if-modified-since": answer.headers["last-modified"],
            }

    async def poll(self, feed: int) -> None:
        """A conditional GET that finds nothing."""
        answer = await self.get(feed)
        assert answer.status_code == 304

    async def compare(self, feed: int) -> None:
        """A GET without validators whose body is as before."""
        answer = await self.client.get(f"{self.base}/feed/{feed}")
        assert hashlib.sha256(answer.content).hexdigest() == self.bodies[feed]

    async def item(self, feed: int) -> None:
        """A changed feed: parse it whole, and post what is new; the intent before and the outcome after are committed."""
        answer = await self.get(feed)
        self._learn(feed, answer)
        for entry in feedparser.parse(BytesIO(answer.content)).entries:
            if entry.id in self.known[feed]:
                continue
            self.table.execute("INSERT INTO items VALUES (?, '')", (entry.id,))
            post = {"key": entry.id, "title": entry.title, "html": entry.summary, "state": "public"}
            told = await self.client.post(f"{self.base}/api/posts", headers=_LOGIN, content=json.dumps(post))
            assert told.status_code == 201
            self.table.execute("UPDATE items SET ref = ? WHERE guid = ?", (told.json()["id"], entry.id))
            self.known[feed].add(entry.id)
            self.posted += 1


async def obey(bare: Bare, told: dict[str, Any]) -> Any:
    if told["do"] == "ready":
        return True
    await side_by_side(getattr(bare, told["do"]), told["feeds"])
    return bare.posted


async def main(base: str, folder: str) -> None:
    bare = Bare(base, Path(folder))
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(await obey(bare, json.loads(line))), flush=True)
    await bare.client.aclose()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
