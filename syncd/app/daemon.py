"""The process: starts everything in order, runs until told, reloads on SIGHUP, drains on SIGTERM."""

from __future__ import annotations

import asyncio
import gc
import random
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from syncd import __version__, log
from syncd.adapters.wall import Watch
from syncd.app.build import Ground, build, close, user_agent
from syncd.app.clock import monotonic, now
from syncd.app.desk import Desk
from syncd.app.idle import Idle
from syncd.app.verbs import VERBS
from syncd.child import Child
from syncd.config import Config, load
from syncd.content.blobs import DiskBlobs
from syncd.control import ControlServer
from syncd.engine.clock import Clock
from syncd.engine.deps import Deps
from syncd.engine.engine import STAGES, Engine
from syncd.errors import ConfigError, StoreError, SyncdError
from syncd.metrics import Metrics
from syncd.report.forms import from_json, to_csv
from syncd.store.lock import StateLock
from syncd.store.sql import open_store
from syncd.systemd import Notifier
from syncd.web.client import Web

DRAIN, CLOSE = 20.0, 25.0
"""Seconds that work in flight gets at SIGTERM (what is left is resolved at the next start), and closing all after it."""
LOOK_EVERY = 15.0
"""Seconds between two looks whether the engine moves, where no watchdog asks for more."""
RESTORE = 5.0
"""Seconds between two tries to go back to the old configuration while the store takes nothing."""


@asynccontextmanager
async def opened(config: Config) -> AsyncIterator[tuple[Ground, Engine]]:
    """Everything that a configuration needs, in order; closed in the reverse order. Raises AlreadyRunning, ConfigError."""
    async with AsyncExitStack() as stack:
        stack.enter_context(StateLock(config.syncd.state_dir))
        idle = stack.enter_context(Idle(config))
        ground = await _ground(config, stack)
        deps = build(config, ground)
        deps.generation = await ground.store.configure(config.sources.names(), config.hash, ground.clock.now())
        engine = Engine(deps)
        _watched(ground, engine, stack)
        stack.push_async_callback(_close_sites_of, engine)
        await engine.start()
        stack.callback(gc.unfreeze)
        gc.freeze()  # what stands until a reload: to look through a large state would stop the loop for a tenth of a second
        yield ground, engine
        if engine.deps is deps:  # else it is another configuration's state by now, which its next opening leaves
            await idle.reckon(ground)


def _watched(ground: Ground, engine: Engine, stack: AsyncExitStack) -> None:
    """Begin to watch who keeps the loop from turning, of the sites that are in force."""
    assert ground.watch is not None  # every ground here has one
    ground.watch.start(ground.walls.heard)
    stack.callback(ground.watch.stop)


async def _close_sites_of(engine: Engine) -> None:
    """Of the configuration that is in force at the end, which need not be the first."""
    await close(engine.deps)


async def _ground(config: Config, stack: AsyncExitStack) -> Ground:
    _hide(config)
    logger = log.get_logger("syncd")
    store = await open_store(config.syncd.database_url)
    stack.push_async_callback(store.aclose)
    web = Web(now=now, monotonic=monotonic, user_agent=user_agent(config), log=logger)
    stack.push_async_callback(web.aclose)
    child = Child()
    stack.push_async_callback(child.aclose)
    return Ground(
        store=store,
        web=web,
        child=child,
        clock=Clock(now, monotonic),
        blobs=DiskBlobs(config.syncd.state_dir / "blobs"),
        metrics=Metrics(__version__),
        log=logger,
        dice=random.Random(),  # noqa: S311 - jitter, not secrets
        watch=Watch(monotonic),
    )


def _hide(config: Config) -> None:
    """Secrets never reach the log."""
    for secret in config.secrets:
        log.register_secret(secret.get_secret_value())


class Daemon:
    """A running daemon over one state directory."""

    def __init__(
        self, path: Path, config: Config, ground: Ground, engine: Engine, notifier: Notifier | None = None
    ) -> None:
        from syncd.engine.scheduler import Scheduler  # apscheduler: commands that open the state have no use for it

        self.path = path
        self.config = config
        self.ground = ground
        self.engine = engine
        self.desk = Desk(config, ground, engine, ground.clock.now())
        self.desk.served = True
        self.scheduler = Scheduler(engine)
        self.notifier = notifier or Notifier()
        self._stuck = ""
        self.stopping = asyncio.Event()
        self._reloading = asyncio.Lock()

    async def run(self) -> None:
        """Serve until told to stop."""
        control = ControlServer(self.config.syncd.state_dir / "control.sock", self.answer)
        await control.start()
        servers = [*await self._serve(), *await serve_relay(self.desk), *await self._open_to_hubs()]
        self._signals()
        self.scheduler.start(push=self.config.push.address is not None)
        self._housekeeping()
        self.ground.metrics.config_loaded(self.desk.loaded)
        self.notifier.ready(await self._line())
        self.ground.log.info(
            "started", version=__version__, sources=len(self.config.sources), sites=len(self.config.sites)
        )
        await self.stopping.wait()
        self.notifier.stopping("stopping: what is under way gets a moment to end", seconds=DRAIN + CLOSE)
        self.ground.log.info("stopping")
        await self.scheduler.stop(DRAIN)
        await control.close()
        for server in servers:
            await server.stop()

    async def _serve(self) -> list[Any]:
        address = self.config.syncd.address
        if address is None:
            return []
        from syncd.status.app import create_app, serve  # fastapi: a third of all that a start imports

        token = self.config.syncd.token
        app = create_app(
            self.desk,
            metrics=self.ground.metrics.render,
            token=token.get_secret_value() if token else None,
            allowed_hosts=("localhost", "127.0.0.1", "[::1]", address[0], *self.config.syncd.hosts),
            now=self.ground.clock.now,
            zone=self.config.syncd.timezone,
            report_csv=lambda report: to_csv(from_json(report)),
        )
        return [await serve(app, *address)]

    async def _open_to_hubs(self) -> list[Any]:
        """The callback's server, none without [push]."""
        address = self.config.push.address
        if address is None:
            return []
        from syncd.status.callback import Callback
        from syncd.status.server import serve

        return [await serve(Callback(lambda: self.engine.pusher), *address, option="[push].listen")]

    async def answer(self, verb: str, args: dict[str, Any]) -> Any:
        """One order or question from the control socket."""
        if verb == "alive":
            return True
        if verb not in VERBS:
            raise SyncdError(
                "unknown_verb", f"{verb!r} is no word of this daemon", hint="is the command of another version?"
            )
        return await getattr(self.desk, verb)(**args)

    def _signals(self) -> None:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stopping.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: asyncio.ensure_future(self.reload()))

    def _housekeeping(self) -> None:
        self.scheduler.every("status_line", timedelta(seconds=15), self._tell)
        self.scheduler.every("prune", timedelta(hours=6), self.prune)
        self.scheduler.every("scrub", timedelta(hours=1), self._scrub)
        beat = (self.notifier.watchdog_interval() or LOOK_EVERY * 3) / 3
        self.scheduler.every("watchdog", timedelta(seconds=min(beat, LOOK_EVERY)), self.feed)

    async def feed(self) -> None:
        """The watchdog is fed by the engine's progress, so that a stuck engine is restarted.

        No await here: what hangs, be it the store, must not keep this from being told.
        """
        stuck, before = self.desk.stuck(), self._stuck
        self._stuck = stuck
        if not stuck:
            self.notifier.alive()
            return
        self.notifier.status(f"stuck: {stuck}")
        if not before:
            hint = "systemd's watchdog restarts it; without one: restart syncd, and report this line"
            self.ground.log.error("engine_stuck", text=stuck, hint=hint)
            self.ground.metrics.failure("engine", "stuck")

    async def _tell(self) -> None:
        if not self._stuck:
            self.notifier.status(await self._line())
        if self.ground.watch is not None:
            self.ground.metrics.loop_lag(self.ground.watch.lag)
        with suppress(StoreError):
            await self.desk.measure()

    async def _line(self) -> str:
        """STATUS= for systemctl; always something, since a reload that is never said to be over stays one for systemd."""
        try:
            return await self.desk.glance()
        except StoreError as error:
            return f"the state can't be read: {error.reason}"

    async def prune(self) -> None:
        """Drop what is older than `retention` says."""
        relayed = self.desk.publisher().kept if self.config.relay.key else frozenset()
        await prune(self.config, self.ground, relayed)

    async def _scrub(self) -> None:
        for damage in await self.ground.store.scrub(2000):
            self.ground.log.error("damaged", what=damage, hint="stop the daemon and restore the last backup")
            self.ground.metrics.failure("store", "damaged")

    async def reload(self) -> None:
        """Load the file fully, then swap; a bad one keeps the old running and is shown. One reload at a time."""
        async with self._reloading:
            self.notifier.reloading("reloading")
            try:
                config = self._loaded()
                deps = build(config, self.ground)
                await self._change(config, deps)
            except SyncdError as error:
                self._reject(str(error))
            except Exception as error:  # a plug-in's bug is no reason to stop what runs
                self.ground.log.error("reload_bug", error=type(error).__name__, exc_info=True)
                self._reject("the new configuration could not be taken up; the log says why")
            self.notifier.ready(await self._line())

    def _loaded(self) -> Config:
        config = load(self.path)
        old, new = self.config.syncd, config.syncd
        moved = any(getattr(old, name) != getattr(new, name) for name in ("state_dir", "database_url", "listen", "hosts"))
        if moved or self.config.relay.listen != config.relay.listen:
            problem = "[syncd].state_dir, database, listen and hosts, and [relay].listen change only with a restart"
            raise ConfigError([problem], where=str(self.path))
        if self.config.push.address != config.push.address:
            problem = "[push].listen, and whether there is a public_url, change only with a restart"
            raise ConfigError([problem], where=str(self.path))
        _hide(config)
        return config

    def _reject(self, problems: str) -> None:
        self.desk.rejected = problems
        self.ground.metrics.config_rejected(True)
        self.ground.log.error("config_rejected", problems=problems)

    async def _change(self, config: Config, deps: Deps) -> None:
        """From the old configuration to the new one, or back to the old."""
        old = self.engine.deps
        try:
            deps.generation = await self._configure(config)
            await self.engine.swap(deps)
        except Exception:
            await self._back_to(old)
            await close(deps)
            raise
        await close(old)
        self._in_force(config)
        gc.unfreeze()  # with what the old configuration has left behind
        gc.collect()
        gc.freeze()

    async def _configure(self, config: Config) -> int:
        return await self.ground.store.configure(config.sources.names(), config.hash, self.ground.clock.now())

    async def _back_to(self, old: Deps) -> None:
        """The old configuration as it was; where the store takes nothing, as soon as it does again."""
        moved = self.engine.deps is not old
        while not self.stopping.is_set():
            with suppress(StoreError):
                old.generation = await self._configure(self.config)
                if moved:
                    await self.engine.swap(old)
                return
            await asyncio.sleep(RESTORE)

    def _in_force(self, config: Config) -> None:
        self.config = self.desk.config = config
        self.desk.rejected, self.desk.loaded = "", self.ground.clock.now()
        self.ground.metrics.config_rejected(False)
        self.ground.metrics.config_loaded(self.desk.loaded)
        self.ground.log.info("config_loaded", hash=config.hash)
        for stage in STAGES:
            self.scheduler.wake(stage)


async def serve_relay(desk: Desk) -> list[Any]:
    """The relay's server where one is configured: it may start at once, since it serves whatever the desk's relay says."""
    address = desk.config.relay.address
    if address is None:
        return []
    from syncd.status.relay import create_relay
    from syncd.status.server import serve

    return [await serve(create_relay(desk.publisher), *address, option="[relay].listen")]


async def prune(config: Config, ground: Ground, relayed: frozenset[str] = frozenset()) -> None:
    """Drop journal lines, superseded bodies and raw bytes that are older than `retention` says. relayed: blobs to keep."""
    moment, keep = ground.clock.now(), config.syncd.retention
    await ground.store.prune(
        journal_before=moment - timedelta(seconds=keep.journal), content_before=moment - timedelta(seconds=keep.content)
    )
    named = await ground.store.referenced() | relayed
    ground.blobs.prune(lambda sha: sha in named, moment - timedelta(seconds=keep.raw))


async def upgrade(path: Path) -> dict[str, str]:
    """Bring the database's schema up to date; opening it does. Raises AlreadyRunning while a daemon runs."""
    config = load(path)
    async with opened(config):
        return {"database": str(config.syncd.state_dir), "schema": "up to date"}


async def run_daemon(path: Path, config: Config | None = None) -> int:
    """Run until SIGTERM; the exit code. config: what the file says, if it was read already."""
    notifier = Notifier()
    with notifier.starting("starting: opening the state, and bringing it up to date where it is an older version's"):
        config = config or load(path)
        async with opened(config) as (ground, engine):
            await Daemon(path, config, ground, engine, notifier).run()
    return 0


async def run_relay(path: Path, config: Config | None = None) -> int:
    """Serve what the state holds, and read nothing, until SIGTERM. Raises AlreadyRunning while a daemon runs."""
    config = config or load(path)
    if config.relay.address is None:
        raise ConfigError(['[relay]: listen: missing; write host:port, such as "0.0.0.0:8390"'], where=str(path))
    async with opened(config) as (ground, engine):
        stopping, loop = asyncio.Event(), asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stopping.set)
        servers = await serve_relay(Desk(config, ground, engine, ground.clock.now()))
        ground.log.info("relay_serving", listen=config.relay.listen)
        await stopping.wait()
        for server in servers:
            await server.stop()
    return 0


async def run_once(path: Path, config: Config | None = None) -> int:
    """Every source once and everything that follows from it; 1 when something needs a person."""
    config = config or load(path)
    async with opened(config) as (ground, engine):
        for name in engine.poller.rows:
            engine.poller.hurry(name)
        for _ in range(200):
            moved = sum([await engine.tick(stage, wait=True) for stage in STAGES])
            if not moved:
                break
        await engine.poller.flush()
        told = await Desk(config, ground, engine, ground.clock.now()).status()
        return 1 if told["attention"] else 0
