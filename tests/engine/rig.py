"""What the tests of the engine start from: the real engine, built by the composition root over a network in memory."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from syncd.app.build import Ground, build
from syncd.app.desk import Desk
from syncd.child import Inline
from syncd.config import Config, load
from syncd.core import repost as machine
from syncd.engine.clock import Clock
from syncd.engine.engine import STAGES, Engine
from syncd.errors import StoreError
from syncd.metrics import Metrics
from syncd.model import Document, Repost
from syncd.store.api import Filter
from syncd.store.sql import SqlStore, open_store
from syncd.testing.clock import ManualClock
from syncd.testing.fakecms import FakeCMS, Stored, Switches
from syncd.testing.fakelist import FakeList, Policy
from syncd.testing.faults import Faults
from syncd.testing.network import FakeExchange, Reply, Wires
from syncd.web.api import Answer, Client, Guard, Network

ERROR_PAGE: Reply = (
    200, {"content-type": "text/html; charset=utf-8"}, "<html><title>系统提示</title>系统维护中</html>".encode()
)
DIRECT, PUBLIC = Network(), Guard()
LOGIN_PAGE: Reply = (
    200, {"content-type": "text/html; charset=utf-8"},
    "<html><title>用户登录</title><body>用户名 密码 验证码 登录</body></html>".encode(),
)


def json_reply(status: int, **headers: str) -> Reply:
    """404 is the CMS's own, which says that the post is not there; another server's says nothing of posts."""
    error = b"no_post" if status == 404 else b"fault"
    return status, {"content-type": "application/json", **headers}, b'{"error": "%s"}' % error


def text_reply(status: int, body: bytes = b"", **headers: str) -> Reply:
    return status, {"content-type": "text/html; charset=utf-8", **headers}, body


def played(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """A test written as a coroutine, run to its end."""

    @functools.wraps(test)
    def run(*args: Any, **named: Any) -> None:
        asyncio.run(test(*args, **named))  # type: ignore[arg-type]

    return run


@dataclass
class Server:
    """A server in memory that a test may make answer otherwise. asked: "METHOD path" of every request, in order.

    says: answers instead of the handler for requests that `on` lets through; after: the request takes effect first.
    """

    handler: Callable[..., Reply]
    asked: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    says: Reply | Exception | None = None
    on: Callable[[str, str], bool] = lambda method, path: True
    after: bool = False
    times: int = 10**9

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Reply:
        self.asked.append(f"{method} {path}")
        self.headers.append(dict(headers))
        if self.says is None or self.times <= 0 or not self.on(method, path):
            return self.handler(method, path, headers, body, now)
        self.times -= 1
        if self.after:
            self.handler(method, path, headers, body, now)
        if isinstance(self.says, Exception):
            raise self.says
        return self.says

    def say(
        self, reply: Reply | Exception | None, *, on: Callable[[str, str], bool] = lambda method, path: True,
        after: bool = False, times: int = 10**9,
    ) -> None:
        self.says, self.on, self.after, self.times = reply, on, after, times

    def well(self) -> None:
        self.says = None

    def count(self, start: str) -> int:
        return sum(line.startswith(start) for line in self.asked)


def writes(method: str, path: str) -> bool:
    return method in ("POST", "PUT")


def api(method: str, path: str) -> bool:
    return path.startswith("/api")


def pages(method: str, path: str) -> bool:
    return path.startswith("/p/")


class _Moving:
    """A client that tells of permanent redirects, which the network in memory has none of."""

    def __init__(self, client: Client, moved: Mapping[str, str]) -> None:
        self._client, self._moved = client, moved
        self.call = client.call

    async def get(self, url: str, **named: Any) -> Answer:
        to = self._moved.get(url, "")
        answer = await self._client.get(to or url, **named)
        return replace(answer, moved_to=to) if to else answer


class _Exchange(FakeExchange):
    def __init__(self, wires: Wires, moved: Mapping[str, str]) -> None:
        super().__init__(wires)
        self._moved = moved

    def client(self, owner: str, network: Network = DIRECT, guard: Guard = PUBLIC) -> Client:
        return _Moving(super().client(owner, network, guard), self._moved)  # type: ignore[return-value]


class Disk:
    """The store as the engine sees it: a disk that may be full or read-only for every verb that writes."""

    WRITES = frozenset({
        "configure", "record_poll", "journal", "defer", "release", "record_reading", "record_look", "record_routing",
        "save", "put", "prune",
    })

    def __init__(self, store: SqlStore) -> None:
        self.real = store
        self.fault: str = ""
        self.only: frozenset[str] = frozenset()
        """The verbs that the fault strikes; all when empty."""
        self.slow = False
        """Other work comes in between before and after each verb, as it does with a writer in a thread of its own."""
        self.verbs: list[str] = []

    def __getattr__(self, verb: str) -> Any:
        act = getattr(self.real, verb)
        if self.slow and asyncio.iscoroutinefunction(act):
            act = _slowly(act)
        if verb not in self.WRITES:
            return act

        async def write(*args: Any, **named: Any) -> Any:
            self.verbs.append(verb)
            if self.fault and (not self.only or verb in self.only):
                raise StoreError(self.fault, "the disk does not take it", hint="make room on the disk", where="state")
            return await act(*args, **named)

        return write


def _slowly(act: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def slow(*args: Any, **named: Any) -> Any:
        await asyncio.sleep(0)
        try:
            return await act(*args, **named)
        finally:
            await asyncio.sleep(0)

    return slow


class Memory:
    """Attachments and evidence, in memory. full: nothing more goes in."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def put(self, data: bytes) -> str:
        import hashlib

        name = hashlib.sha256(data).hexdigest()
        self.kept[name] = data
        return name

    def read(self, sha256: str) -> bytes:
        if sha256 not in self.kept:
            raise StoreError("blob_missing")
        return self.kept[sha256]

    def has(self, sha256: str) -> bool:
        return sha256 in self.kept


class Told:
    """A log that remembers: (level, event, fields)."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, Any]]] = []

    def __getattr__(self, level: str) -> Callable[..., None]:
        def tell(event: str, **fields: Any) -> None:
            self.lines.append((level, event, fields))

        return tell

    def bind(self, **fields: Any) -> Told:
        return self

    def events(self, name: str) -> list[dict[str, Any]]:
        return [fields for _, event, fields in self.lines if event == name]


SOURCE = """
[[sources]]
name = "{name}"
kind = "{kind}"
url = "http://{name}.example/{path}"
every = "5m"
robots = "ignore"
limits = {{ few = 3 }}
options = {options}
"""
SITE = """
[[sites]]
name = "{name}"
site_name = "某县人民政府"
adapter = "fake"
public_url = "http://{name}.example"
settle = "600s"
options = {{ api_url = "http://{name}.example"{options} }}
"""
ROUTE = """
[[routes]]
sources = [{sources}]
site = "{site}"
column = "要闻"
deadline = "12h"
basis = "国办发〔2017〕47号"
authority = "county head's order no. 3"
{more}
"""


def source(name: str = "central", path: str = "feed.json", options: str = "{}", kind: str = "feed") -> str:
    return SOURCE.format(name=name, path=path, options=options, kind=kind)


def site(name: str = "county", options: str = "") -> str:
    return SITE.format(name=name, options=f", {options}" if options else "")


def route(site: str = "county", more: str = "", sources: tuple[str, ...] = ("central",)) -> str:
    return ROUTE.format(sources=", ".join(f'"{s}"' for s in sources), site=site, more=more)


DETAIL = '{ full_text = "always", body_selector = ".pages_content" }'
"""Options of a source whose documents' own pages are read."""
TEXT = (
    "<p>各乡镇人民政府，县政府各部门、各直属机构：</p>"
    "<p>现将第{id}号通知第{version}版印发给你们，请认真贯彻执行。</p>"
)


def title_of(id: int) -> str:
    return f"关于做好第{id}号专项工作的通知"


def text_of(id: int, version: int = 1) -> str:
    return TEXT.format(id=id, version=version)


class Replaced:
    """A plug-in of which a test does some methods in its own way."""

    def __init__(self, plugin: Any, **methods: Callable[..., Any]) -> None:
        self._plugin = plugin
        self.__dict__ |= methods

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plugin, name)


class Rig:
    """One county: lists, sites and the engine between them. Everything is turned by hand.

    config: TOML of sources, sites and routes. lists and cms are by name; servers too.
    """

    def __init__(self, config: str = "", *, switches: Switches | None = None) -> None:
        self.config_text = config or source() + site() + route()
        self.clock = ManualClock()
        self.wires = Wires(self.clock, Faults(Random(1)))
        self.moved: dict[str, str] = {}
        self.servers: dict[str, Server] = {}
        self.lists: dict[str, FakeList] = {}
        self.cms: dict[str, FakeCMS] = {}
        self.switches = switches
        self.blobs, self.log, self.metrics = Memory(), Told(), Metrics("test")
        self._folder = TemporaryDirectory()
        self._old = 9000

    async def __aenter__(self) -> Rig:
        self.disk = Disk(await open_store("sqlite://", inline=True))
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.engine.drain(0.1)
        await self.disk.real.aclose()
        self._folder.cleanup()

    # --- life ---------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Build everything as the process does at its start."""
        self.config = self._load()
        self.ground = Ground(
            store=self.disk, web=_Exchange(self.wires, self.moved), child=Inline(),  # type: ignore[arg-type]
            clock=Clock(self.clock.now, self.clock.monotonic), blobs=self.blobs, metrics=self.metrics,  # type: ignore[arg-type]
            log=self.log, dice=Random(5),
        )
        self.engine = Engine(await self._deps())
        await self.engine.start()
        self.desk = Desk(self.config, self.ground, self.engine, self.clock.now())

    def _load(self) -> Config:
        path = Path(self._folder.name) / "config.toml"
        path.write_text('[syncd]\nstate_dir = "state"\nlisten = ""\n' + self.config_text, encoding="utf-8")
        config = load(path)
        for each in config.sources:
            self.lists.setdefault(each.name, FakeList(f"http://{each.name}.example"))
            self._serve(each.name, self.lists[each.name].handle)
        for each in config.sites:
            self.cms.setdefault(each.name, FakeCMS(self.switches or _switches(each.options)))
            self._serve(each.name, self.cms[each.name].handle)
        return config

    def _serve(self, name: str, handler: Callable[..., Reply]) -> None:
        server = self.servers.setdefault(name, Server(handler))
        self.wires.servers[f"{name}.example"] = server.handle

    async def _deps(self) -> Any:
        deps = build(self.config, self.ground)
        names = [s.name for s in self.config.sources]
        deps.generation = await self.disk.configure(names, self.config.hash, self.clock.now())
        return deps

    def plug(self, name: str, **methods: Callable[..., Any]) -> None:
        """From now on the plug-in of a list does these methods so."""
        sources = self.engine.deps.sources
        sources[name] = replace(sources[name], source=Replaced(sources[name].source, **methods))

    async def restart(self) -> None:
        """kill -9 and a new start over what was committed."""
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.disk.real = self.disk.real.crash()
        await self.start()

    async def restart_after(self, mend: Callable[[], None]) -> None:
        """kill -9, a person mends something, and a new start."""
        mend()
        await self.restart()

    async def reload(self, config: str) -> None:
        """SIGHUP with another config."""
        self.config_text = config
        self.config = self._load()
        await self.engine.swap(await self._deps())
        self.desk.config = self.config

    async def stage(self, *stages: str) -> int:
        return sum([await self.engine.tick(stage, wait=True) for stage in stages])

    async def rest(self) -> None:
        """Rounds of all stages until nothing is due."""
        for _ in range(30):
            if not await self.stage(*STAGES):
                return
        raise AssertionError("the engine finds no rest")

    async def after(self, seconds: float, *, step: float = 60.0) -> None:
        """Time passes, and the engine does what is due at each step."""
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end:
            self.clock.advance(min(step, max(0.001, end - self.clock.monotonic())))
            await self.rest()

    async def begin(self, *, name: str = "") -> None:
        """Each list shows one old document and is read for the first time."""
        for one in [name] if name else list(self.lists):
            self._old += 1
            self.publish(self._old, name=one, days=20)
        await self.rest()
        self.clock.advance(400)

    # --- the world ----------------------------------------------------------------------------------------------

    def publish(
        self, id: int, *, name: str = "", days: float = 0, text: str = "", title: str = "", hours: float = 0,
    ) -> Policy:
        shown = self.lists[name or next(iter(self.lists))]
        at = self.clock.true - timedelta(days=days, hours=hours)
        return shown.publish(id, title or title_of(id), text or text_of(id), at)

    def correct(self, id: int, version: int = 2, *, name: str = "") -> Policy:
        """Another text, with a date that says so: sources tell seconds."""
        self.clock.advance(1)
        return self.lists[name or next(iter(self.lists))].correct(id, text_of(id, version), self.clock.true)

    def posts(self, name: str = "county") -> list[Stored]:
        return self.cms[name].live()

    def creates(self, name: str = "county") -> int:
        return sum(write.kind == "create" and write.by == "syncd" for write in self.cms[name].history)

    # --- what syncd has -----------------------------------------------------------------------------------------

    async def all(self) -> list[tuple[Repost, Document]]:
        return await self.disk.reposts(Filter())

    async def one(self, id: int = 0, site: str = "") -> Repost:
        """The repost of document `id`, or the only one."""
        found = [r for r, d in await self.all() if (not id or d.title == title_of(id)) and (not site or r.site == site)]
        assert len(found) == 1, f"{len(found)} reposts"
        return found[0]

    async def none(self) -> bool:
        return not await self.all()

    async def status_of(self, id: int = 0, site: str = "") -> str:
        found = await self.one(id, site)
        document = await self.disk.document(found.document)
        return machine.status(found, withdrawn=document.withdrawn).value

    async def row(self, id: int = 0) -> dict[str, Any]:
        return next(row for row in await self.desk.reposts() if not id or row["title"] == title_of(id))

    async def attention(self) -> dict[str, dict[str, Any]]:
        """What needs a person, by reason."""
        return {row["reason"]: row for row in (await self.desk.status())["attention"]}

    def counted(self, name: str, **labels: str) -> float:
        """The sum of a counter over all series that carry these labels."""
        families = text_string_to_metric_families(self.metrics.render().decode())
        return sum(
            sample.value for family in families for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    async def source_row(self, name: str = "central") -> dict[str, Any]:
        return next(row for row in (await self.desk.status())["sources"] if row["name"] == name)

    async def site_row(self, name: str = "county") -> dict[str, Any]:
        return next(row for row in (await self.desk.status())["sites"] if row["name"] == name)


def _switches(options: Mapping[str, Any]) -> Switches:
    named = {k: v for k, v in options.items() if k in Switches.__dataclass_fields__}
    return Switches(**named)
