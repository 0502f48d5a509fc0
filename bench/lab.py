"""The lab: the feeds and the CMS that the bench asks, in a process of their own that counts bytes and tells the time.

`python -m bench.lab` prints its address and serves until its standard input ends. Nothing here is timed: it runs on the
other core.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Any

from bench import feeds
from bench.hub import PATH as HUB
from bench.hub import Hub
from syncd.testing.fakecms import FakeCMS, Stored

_JSON = {"content-type": "application/json; charset=utf-8"}
_REASONS = {
    200: "OK", 201: "Created", 202: "Accepted", 304: "Not Modified", 404: "Not Found", 409: "Conflict",
    412: "Precondition Failed", 429: "Too Many Requests", 503: "Service Unavailable",
}
Reply = tuple[int, dict[str, str], bytes]


@lru_cache(maxsize=2048)
def _body(number: int, news: tuple[str, ...]) -> bytes:
    return feeds.document(number, [*news, *feeds.old_items(number)])


class Feed:
    """One feed: its rows, and the bytes and validators that they make. Ten thousand of them are small."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.news: tuple[str, ...] = ()
        self.count = feeds.ITEMS
        self.asked_at = 0.0
        self._made()

    def publish(self) -> int:
        """Show one more row; returns its number."""
        self.count += 1
        self.news = (feeds.item_of(self.number, self.count, datetime.now(UTC)), *self.news)[: feeds.ITEMS]
        self._made()
        return self.count

    def correct(self, version: int) -> None:
        """Another text in the newest row."""
        self.news = (feeds.item_of(self.number, self.count, datetime.now(UTC), version), *self.news[1:])
        self._made()

    @property
    def body(self) -> bytes:
        return _body(self.number, self.news)

    def _made(self) -> None:
        self.etag = f'"{hashlib.blake2b(self.body, digest_size=8).hexdigest()}"'
        self.modified = format_datetime(datetime(2026, 4, 16, 8, 0, self.count % 60, tzinfo=UTC), usegmt=True)

    def answer(self, headers: dict[str, str], *, validators: bool, hub: bool = False) -> Reply:
        if not validators:
            return 200, {"content-type": "application/rss+xml; charset=utf-8"}, self.body
        told = {"etag": self.etag, "last-modified": self.modified}
        if hub:
            base = f"http://{headers['host']}"
            told["link"] = f'<{base}{HUB}>; rel="hub", <{base}/feed/{self.number}>; rel="self"'
        if headers.get("if-none-match") == self.etag:
            return 304, told, b""
        return 200, {"content-type": "application/rss+xml; charset=utf-8", **told}, self.body


class Cms(FakeCMS):
    """The fake CMS with an index of its keys: thousands of posts are looked for among thousands."""

    def __init__(self) -> None:
        super().__init__()
        self._by_key: dict[str, list[int]] = {}

    def live(self, key: str = "") -> list[Stored]:
        if not key:
            return super().live()
        return [post for id in self._by_key.get(key, ()) if not (post := self.posts[id]).deleted]

    def _write(self, now: datetime, by: str, kind: str, post: Stored) -> Stored:
        if kind == "create":
            self._by_key.setdefault(post.key, []).append(post.id)
        return super()._write(now, by, kind, post)


@dataclass
class Counted:
    """What was asked since the last reset. wire: bytes of requests and answers of feeds, by the status answered."""

    asked: Counter[str] = field(default_factory=Counter)
    wire: Counter[str] = field(default_factory=Counter)
    connections: int = 0


@dataclass
class Times:
    """When things happened to one item, by the lab's monotonic clock; 0 is not yet."""

    published: float = 0.0
    shown: float = 0.0
    posted: float = 0.0
    seen: float = 0.0


class Lab:
    """The state behind the server. every: seconds between two posts that the CMS takes, 0 for no limit."""

    def __init__(self) -> None:
        self.feeds: dict[int, Feed] = {}
        self.cms = Cms()
        self.counted = Counted()
        self.times: dict[tuple[int, int], Times] = {}
        self.validators = True
        self.hub: Hub | None = None
        self.every = 0.0
        self.faults: list[str] = []
        self.held: asyncio.Event | None = None
        self.first = asyncio.Event()
        self._taken = float("-inf")

    def feed(self, number: int) -> Feed:
        if number not in self.feeds:
            self.feeds[number] = Feed(number)
        return self.feeds[number]

    def on_feed(self, path: str, headers: dict[str, str]) -> Reply:
        feed = self.feed(int(path.removeprefix("/feed/")))
        feed.asked_at = time.monotonic()
        reply = feed.answer(headers, validators=self.validators, hub=self.hub is not None)
        times = self.times.get((feed.number, feed.count))
        if times and not times.shown and reply[0] == 200:
            times.shown = feed.asked_at
        return reply

    def on_cms(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[Reply, str]:
        """The answer, and the fault that happens to it."""
        now = time.monotonic()
        writes = method != "GET"
        fault = self.faults.pop(0) if writes and self.faults else ""
        if fault in ("503", "429"):
            return (int(fault), {**_JSON, "retry-after": "1"}, b'{"error": "busy"}'), fault
        if writes and self.every and now - self._taken < self.every:
            return (429, {**_JSON, "retry-after": "1"}, b'{"error": "slow_down"}'), ""
        reply = self.cms.handle(method, path, headers, body, datetime.now(UTC))
        if writes and reply[0] < 300:
            self._taken = now
            self._note(json.loads(reply[2])["title"], "posted", now)
        if path.startswith("/p/") and reply[0] == 200:
            self._note(self.cms.posts[int(path.removeprefix("/p/"))].title, "seen", now)
        return reply, fault

    def _note(self, title: str, what: str, now: float) -> None:
        times = self.times.get(feeds.numbers_in(title))
        if times and not getattr(times, what):
            setattr(times, what, now)

    async def on_test(self, what: str, told: dict[str, Any]) -> Any:
        return await getattr(self, f"_do_{what}")(**told)

    async def _do_set(self, **told: Any) -> None:
        """validators, every, faults."""
        for name, value in told.items():
            setattr(self, name, value)

    async def _do_publish(self, numbers: list[int]) -> None:
        for number in numbers:
            self.publish(number)

    def publish(self, number: int) -> None:
        item = self.feed(number).publish()
        self.times[number, item] = Times(published=time.monotonic())
        if self.hub:
            self.hub.push(number, self.feed(number).body)

    async def _do_open_hub(self) -> None:
        """The feeds name a hub from now on."""
        self.hub = Hub()

    async def _do_subscribed(self) -> int:
        return len(self.hub.verified) if self.hub else 0

    async def _do_correct(self, numbers: list[int], version: int) -> None:
        for number in numbers:
            self.feed(number).correct(version)

    async def _do_publish_later(self, numbers: list[int], every: float) -> None:
        """One item in each feed, at phases of its interval that are spread evenly: the median then hardly depends on luck."""
        loop = asyncio.get_running_loop()
        for n, number in enumerate(numbers):
            phase = (n + 0.5) / len(numbers) * every
            now = time.monotonic()
            wait = (self.feed(number).asked_at + phase - now) % every
            loop.call_later(wait, self.publish, number)

    async def _do_counted(self, reset: bool = False) -> dict[str, Any]:
        counted = self.counted
        if reset:
            self.counted = Counted()
        return {"asked": counted.asked, "wire": counted.wire, "connections": counted.connections}

    async def _do_posts(self) -> list[dict[str, Any]]:
        return [{"title": p.title, "html": p.html, "version": p.version} for p in self.cms.live()]

    async def _do_times(self) -> list[list[float]]:
        return [[t.published, t.shown, t.posted, t.seen] for t in self.times.values()]

    async def _do_forget(self) -> None:
        """The times and the posts so far."""
        self.times.clear()
        self.cms = Cms()

    async def _do_hold(self) -> None:
        """The next request for a feed waits until `release`."""
        self.held, self.first = asyncio.Event(), asyncio.Event()

    async def _do_await_first(self) -> None:
        await self.first.wait()

    async def _do_release(self) -> None:
        if self.held:
            self.held.set()
        self.held = None


class Connection(asyncio.Protocol):
    """One connection of a client: requests one after the other."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._buffer = b""
        self._busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._lab.counted.connections += 1

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._next()

    def _next(self) -> None:
        if self._busy:
            return
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        body, self._buffer = rest[:length], rest[length:]
        method, path, _ = lines[0].split(" ", 2)
        size = len(head) + 4 + length
        if path.startswith("/feed/") and self._lab.held is None:
            self._send(self._lab.on_feed(path, headers), size=size, kind="feed")
        else:
            self._busy = True
            self._task = asyncio.get_running_loop().create_task(self._answer(method, path, headers, body, size))
            return
        self._next()

    async def _answer(self, method: str, path: str, headers: dict[str, str], body: bytes, size: int) -> None:
        fault = ""
        if path.startswith("/_test/"):
            told = await self._lab.on_test(path.removeprefix("/_test/"), json.loads(body or b"{}"))
            reply: Reply = (200, _JSON, json.dumps(told).encode())
            self._send(reply, size=0, kind="test")
        elif path == HUB and self._lab.hub:
            self._lab.hub.asked(body)
            self._send((202, {}, b""), size=size, kind="hub")
        elif path.startswith("/feed/"):
            held = self._lab.held
            self._lab.first.set()
            if held is not None:
                await held.wait()
            self._send(self._lab.on_feed(path, headers), size=size, kind="feed")
        else:
            reply, fault = self._lab.on_cms(method, path, headers, body)
            kind = "page" if path.startswith("/p/") else f"api {method}"
            if fault == "lost":
                self._lab.counted.asked[f"{kind} lost"] += 1
                self._transport.abort()
            elif fault == "hang":
                self._lab.counted.asked[f"{kind} hang"] += 1
                await asyncio.sleep(3600)
            else:
                self._send(reply, size=size, kind=kind)
        self._busy = False
        self._next()

    def _send(self, reply: Reply, *, size: int, kind: str) -> None:
        status, headers, body = reply
        date = format_datetime(datetime.now(UTC), usegmt=True)
        told = f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}\r\ndate: {date}\r\n"
        told += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        if status != 304:
            told += f"content-length: {len(body)}\r\n"
        answer = told.encode("latin-1") + b"\r\n" + body
        self._transport.write(answer)
        self._lab.counted.asked[f"{kind} {status}"] += 1
        self._lab.counted.wire[f"{kind} {status}"] += size + len(answer)


async def serve() -> None:
    """Until standard input ends; the first line printed is the port."""
    loop = asyncio.get_running_loop()
    lab = Lab()
    server = await loop.create_server(lambda: Connection(lab), "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve())
