"""The place for how verbs run: in the calling thread, or in one writer thread that groups commits."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from syncd.errors import AlreadyRunning, StoreError
from syncd.store.database import FAILURES, Database, disconnect
from syncd.store.statements import execute

T = TypeVar("T")
Verb = Callable[[Connection], T]

GROUP = 200
"""Most verbs in one commit: what one commit loses in a crash was acknowledged to nobody, but it must not last long."""


def _closed() -> StoreError:
    return StoreError("closed", "the store is closed", hint="nothing to do: syncd is stopping")


class Runner(Protocol):
    """Runs verbs. write: it may change something; outside: it runs outside of any transaction (backup)."""

    commits: int
    session: Session

    async def run(self, verb: Verb[T], *, write: bool, outside: bool = False) -> T: ...

    async def aclose(self) -> None: ...


class Session:
    """One connection and the transactions on it; used by one thread at a time. What was lost is connected anew.

    checked: at the first connection the database is looked at whether it is sound. Raises StoreError, AlreadyRunning.
    """

    def __init__(self, database: Database, *, checked: bool) -> None:
        self.database = database
        self._conn: Connection | None = None
        self._connect(checked=checked)

    @property
    def conn(self) -> Connection:
        """The connection, made anew if it was lost. Raises StoreError."""
        if self._conn is None:
            try:
                self._connect(checked=False)
            except AlreadyRunning as error:
                # Somebody else began to write while we were cut off: nothing may be done until he has gone.
                raise StoreError("locked", error.message, where=error.where, hint=error.hint) from error
        assert self._conn is not None
        return self._conn

    def _connect(self, *, checked: bool) -> None:
        conn = self.database.connect()
        try:
            self.database.prepare(conn, checked=checked)
        except FAILURES as error:
            disconnect(conn)
            raise self.database.meaning(error) from error
        except BaseException:
            disconnect(conn)
            raise
        self._conn = conn

    def read(self, verb: Verb[T]) -> T:
        """One consistent view for all statements of a verb; it needs no write lock and works on a read-only disk."""
        return self._guarded(lambda: self._finished(self._begun(self.database.begin_read, verb), commit=False))

    def write(self, verb: Verb[T]) -> T:
        return self._guarded(lambda: self._finished(self._begun(self.database.begin_write, verb), commit=True))

    def outside(self, verb: Verb[T]) -> T:
        return self._guarded(lambda: self._finished(verb(self.conn), commit=False))

    def reads(self, verbs: list[Verb[Any]]) -> list[Any]:
        """Run verbs that only read in one view; one that failed gives its exception.

        It ends with the first one at which the database itself failed: those after it are to be read anew.
        """
        told: list[Any] = []

        def each(conn: Connection) -> None:
            for verb in verbs:
                told.append(_tried(conn, verb))

        outcome = _outcome(self.read, each)
        return [*told, outcome][: len(verbs)]

    def group(self, verbs: list[Verb[Any]]) -> list[Any]:
        """Run each verb in a savepoint and commit them together; a verb that failed by itself gives its exception."""
        if len(verbs) == 1:  # nothing else is lost with it
            return [self.write(verbs[0])]
        return self.write(lambda conn: [self._saved(conn, verb) for verb in verbs])

    def _saved(self, conn: Connection, verb: Verb[Any]) -> Any:
        """The verb's value, or its own failure with nothing of it left; a fault of the database ends the group."""
        execute(conn, "SAVEPOINT verb")
        try:
            value = _tried(conn, verb)
        except (IntegrityError, DataError) as error:
            value = Failed(self.database.meaning(error))
        if isinstance(value, Failed):
            execute(conn, "ROLLBACK TO verb")
        execute(conn, "RELEASE verb")
        return value

    def _begun(self, begin: str, verb: Verb[T]) -> T:
        try:
            self.conn.exec_driver_sql(begin)
        except DBAPIError:
            if not self.conn.invalidated:
                raise
            # Lost while nothing was under way, as by a restart of the server: nobody needs to hear of it.
            self.drop()
            self.conn.exec_driver_sql(begin)
        return verb(self.conn)

    def _finished(self, value: T, *, commit: bool) -> T:
        if commit:
            self.conn.commit()
            self.database.reserve.restore()
        else:
            self.conn.rollback()
        return value

    def _guarded(self, act: Callable[[], T]) -> T:
        """Whatever goes wrong, nothing stays open; SQLite has often rolled back already, which rollback() knows."""
        try:
            return act()
        except FAILURES as error:
            self.undo()
            told = self.database.meaning(error)
            if told.reason == "disk_full":
                self.database.reserve.release()
            raise told from error
        except BaseException:
            self.undo()
            raise

    def undo(self) -> None:
        """Roll back, also where a COMMIT failed: SQLAlchemy counts that transaction as ended, the driver does not.

        A connection that was lost is given up: SQLAlchemy would renew it by itself, and without what `connect` does.
        """
        if self._conn is None:
            return
        try:
            self._conn.rollback()
            if not self._conn.invalidated and (raw := self._conn.connection.dbapi_connection) is not None:
                raw.rollback()
        except Exception:  # noqa: BLE001 - of any library: what can't be rolled back is given up
            self.drop()
        else:
            if self._conn.invalidated:
                self.drop()

    def drop(self) -> None:
        """Give the connection up; what is open on it is rolled back by the database. The next verb connects anew."""
        if self._conn is not None:
            disconnect(self._conn)
            self._conn = None

    def crash(self) -> None:
        """As if the process died: nothing of what is open is left."""
        self.undo()
        if not self.database.volatile:
            self.drop()


@dataclass(frozen=True, slots=True)
class Failed:
    """What a verb of a group raised."""

    error: Exception


class Inline:
    """Runs each verb at once in the calling thread, each in its own transaction: the simulation's way."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.commits = 0
        self.open = True

    async def run(self, verb: Verb[T], *, write: bool, outside: bool = False) -> T:
        if not self.open:
            raise _closed()
        if outside:
            return self.session.outside(verb)
        if not write:
            return self.session.read(verb)
        value = self.session.write(verb)
        self.commits += 1
        return value

    async def aclose(self) -> None:
        if self.open:
            self.open = False
            self.session.drop()

    def forget(self) -> None:
        """As if the process had died: what is open is rolled back, and this object is of no more use."""
        self.open = False
        self.session.crash()


@dataclass(frozen=True, slots=True)
class _Job:
    verb: Verb[Any]
    write: bool
    outside: bool
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]


class GroupWriter:
    """One thread that owns the connection. What waits while a commit is under way shares the next one.

    A verb is acknowledged after the commit that holds it. Reads run in the same thread, between commits: they see all
    that was acknowledged and nothing that was not.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="syncd-store", daemon=True)
        self._closing = False
        self._told: Callable[[], object] = lambda: None
        self.commits = 0
        self._thread.start()

    async def run(self, verb: Verb[T], *, write: bool, outside: bool = False) -> T:
        if self._closing:
            raise _closed()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Job(verb, write, outside, loop, future))
        return await future

    async def aclose(self) -> None:
        """Finish what waits, then close the database."""
        if not self._closing:
            self._closing = True
            loop = asyncio.get_running_loop()
            ended: asyncio.Future[None] = loop.create_future()
            self._told = lambda: loop.call_soon_threadsafe(ended.set_result, None)
            self._jobs.put(None)
            await ended
            self._thread.join()

    def _work(self) -> None:
        going = True
        while going:
            jobs, going = self._waiting()
            if jobs and isinstance(refused := _outcome(lambda session: session.conn, self.session), Failed):
                # All that waits is told at once: each trying by itself would make a long queue behind a dead address.
                _answer(jobs, [refused] * len(jobs))
                continue
            self._serve([job for job in jobs if not job.write])
            self._serve_group([job for job in jobs if job.write])
        self.session.drop()
        self._told()

    def _waiting(self) -> tuple[list[_Job], bool]:
        """All that waits now, at least one; False when the last one was taken."""
        jobs: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            jobs.append(job)
            if len(jobs) >= GROUP or self._jobs.empty():
                return jobs, True
            job = self._jobs.get()
        return jobs, False

    def _serve(self, jobs: list[_Job]) -> None:
        """Reads in one view, then what runs outside of any transaction."""
        reads = [job for job in jobs if not job.outside]
        while reads:
            told = self.session.reads([job.verb for job in reads])
            _answer(reads[: len(told)], told)
            reads = reads[len(told) :]
        for job in jobs:
            if job.outside:
                _answer([job], [_outcome(self.session.outside, job.verb)])

    def _serve_group(self, jobs: list[_Job]) -> None:
        """Writes together; when the database refuses the group, everybody is told and nobody was acknowledged."""
        if not jobs:
            return
        outcome = _outcome(self.session.group, [job.verb for job in jobs])
        if not isinstance(outcome, Failed):
            self.commits += 1
        _answer(jobs, [outcome] * len(jobs) if isinstance(outcome, Failed) else outcome)


def _tried(conn: Connection, verb: Verb[Any]) -> Any:
    """The verb's value, or its own failure; a fault of the database is raised."""
    try:
        return verb(conn)
    except FAILURES:
        raise
    except Exception as error:  # noqa: BLE001 - the caller of this verb gets it, and the others go on
        return Failed(error)


def _outcome(run: Callable[[Any], Any], what: Any) -> Any:
    try:
        return run(what)
    except Exception as error:  # noqa: BLE001 - it belongs to the waiting caller, and this thread must go on
        return Failed(error)


def _answer(jobs: list[_Job], outcomes: list[Any]) -> None:
    """Wake the callers, one call a loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for job, outcome in zip(jobs, outcomes, strict=True):
        by_loop.setdefault(job.loop, []).append((job.future, outcome))
    for loop, answers in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, answers)
        except RuntimeError:  # the loop was closed: its callers have gone, the commit stands
            continue


def _resolve(answers: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, outcome in answers:
        if future.done():  # cancelled while it waited
            continue
        if isinstance(outcome, Failed):
            future.set_exception(outcome.error)
        else:
            future.set_result(outcome)
