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
_STATUSES = "publish,future,draft,pending,private,trash"
_LOGIN = {"authorization": "Bearer secret", "content-type": "application/json"}


async def side_by_side(work: Callable[[int], Awaitable[None]], numbers: Sequence[int]) -> None:
    """Do the work for all numbers, AT_ONCE at a time."""
    waiting = iter(numbers)

    async def one() -> None:
        for number in waiting:
            await work(number)

    await asyncio.gather(*[one() for _ in range(AT_ONCE)])


class Site:
    """The bare calls to a WordPress, which answers with no more than is needed. login: the header's value."""

    def __init__(self, client: httpx.AsyncClient, url: str, login: str, category: str) -> None:
        self.client = client
        self.posts = f"{url}/wp-json/wp/v2/posts"
        self.headers = {"authorization": login, "content-type": "application/json"}
        self.category = category

    async def absent(self, entry: Any) -> None:
        """Look an item up, in the bin too."""
        asked = {"slug": _slug(entry), "status": _STATUSES, "context": "edit", "_fields": "id"}
        told = await self.client.get(self.posts, params=asked, headers=self.headers)
        assert told.json() == []

    def post_of(self, entry: Any, status: str) -> dict[str, Any]:
        return {
            "slug": _slug(entry), "status": status, "title": entry.title, "content": entry.summary,
            "categories": [int(self.category)],
        }

    async def write(self, path: str, post: dict[str, Any]) -> Any:
        told = await self.client.post(
            self.posts + path, params={"_fields": "id,link"}, headers=self.headers, content=json.dumps(post)
        )
        assert told.is_success, told.text
        return told.json()

    async def see(self, entry: Any, made: Any) -> None:
        """Look at the page as anybody would."""
        page = await self.client.get(made["link"])
        assert page.status_code == 200
        assert entry.title in page.text


def _slug(entry: Any) -> str:
    return f"bare-{entry.id}"


class Bare:
    """A client with what it remembers of each feed, and a table of what it posted. site: what a Site takes."""

    def __init__(self, base: str, folder: Path, site: Sequence[str] = ()) -> None:
        self.base = base
        self.client = HttpxAiohttpClient(timeout=30)
        if site:
            self.site = Site(self.client, *site)
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
        """A changed feed: post what is new to the lab's CMS."""
        await self._each(feed, self._to_lab)

    async def wordpress(self, feed: int) -> None:
        """A changed feed: post what is new to WordPress, a draft first, and look at the page."""
        await self._each(feed, self._drafted)

    async def wordpress_at_once(self, feed: int) -> None:
        """A changed feed: post what is new to WordPress without a draft, and look at the page."""
        await self._each(feed, self._published)

    async def _each(self, feed: int, post: Callable[[Any], Awaitable[object]]) -> None:
        """Parse a feed whole, and post what is new; the intent before and the outcome after are committed.

        post: gives what the CMS calls it.
        """
        answer = await self.get(feed)
        self._learn(feed, answer)
        for entry in feedparser.parse(BytesIO(answer.content)).entries:
            if entry.id in self.known[feed]:
                continue
            self.table.execute("INSERT INTO items VALUES (?, '')", (entry.id,))
            ref = await post(entry)
            self.table.execute("UPDATE items SET ref = ? WHERE guid = ?", (ref, entry.id))
            self.known[feed].add(entry.id)
            self.posted += 1

    async def _to_lab(self, entry: Any) -> object:
        post = {"key": entry.id, "title": entry.title, "html": entry.summary, "state": "public"}
        told = await self.client.post(f"{self.base}/api/posts", headers=_LOGIN, content=json.dumps(post))
        assert told.status_code == 201
        return told.json()["id"]

    async def _drafted(self, entry: Any) -> object:
        await self.site.absent(entry)
        id = (await self.site.write("", self.site.post_of(entry, "draft")))["id"]
        await self.site.see(entry, await self.site.write(f"/{id}", {"status": "publish"}))
        return id

    async def _published(self, entry: Any) -> object:
        await self.site.absent(entry)
        made = await self.site.write("", self.site.post_of(entry, "publish"))
        await self.site.see(entry, made)
        return made["id"]


async def obey(bare: Bare, told: dict[str, Any]) -> Any:
    if told["do"] == "ready":
        return True
    await side_by_side(getattr(bare, told["do"]), told["feeds"])
    return bare.posted


async def main(base: str, folder: str, *site: str) -> None:
    bare = Bare(base, Path(folder), site)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(await obey(bare, json.loads(line))), flush=True)
    await bare.client.aclose()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
