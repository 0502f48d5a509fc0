"""The child is killed rather than waited for, and nothing that happens in it harms the daemon or the next job."""

from __future__ import annotations

import asyncio
import os
import pickle
import struct
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from syncd.child import Child, Inline, believed, pickled
from syncd.errors import NotApplied, RateLimited, ReadFailed
from syncd.model import Precision, RemoteRef, RemoteState
from tests.sources import jobs

ROOT = Path(__file__).parents[2]


def with_child(story: Callable[[Child], Awaitable[None]], *, idle: float = 60.0) -> None:
    async def whole() -> None:
        child = Child(idle=idle)
        try:
            await story(child)
        finally:
            await child.aclose()

    asyncio.run(whole())


def gone(pid: int) -> bool:
    """True as soon as a process is no more (a zombie counts), waiting a moment."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_a_member_of_an_enum_comes_back_however_this_python_pickles_it() -> None:
    async def story(child: Child) -> None:
        assert await child.run(jobs.member) is Precision.DAY

    with_child(story)


@pytest.mark.parametrize(
    ("job", "reason", "timeout"),
    [
        (jobs.spin, "parse_timeout", 0.7),
        (jobs.swallow, "parse_memory", 20.0),
        (jobs.crash, "parse_crashed", 20.0),
        (jobs.leave, "parse_crashed", 20.0),
        (jobs.stumble, "parse_failed", 20.0),
        (jobs.strange, "parse_crashed", 20.0),
        (jobs.method, "parse_crashed", 20.0),
        (jobs.foreign, "parse_crashed", 20.0),
        (jobs.unpicklable, "parse_failed", 20.0),
    ],
)
def test_a_job_at_its_worst_has_a_reason_and_the_next_one_goes_on(
    job: Callable[..., object], reason: str, timeout: float
) -> None:
    async def story(child: Child) -> None:
        with pytest.raises(ReadFailed) as caught:
            await child.run(job, timeout=timeout)
        assert caught.value.reason == reason
        assert caught.value.hint
        assert await child.run(jobs.double, 21) == 42

    with_child(story)


def test_a_result_comes_back_as_it_was_and_what_is_the_same_stays_the_same() -> None:
    async def story(child: Child) -> None:
        told = await child.run(jobs.values)
        assert told == jobs.values()
        assert [type(value) for value in told] == [type(value) for value in jobs.values()]
        assert told[0] is told[1]
        assert told[0].published.at.fold == 1
        assert child.starts == 1

    with_child(story)


def test_what_may_not_be_in_a_result_is_refused_at_every_read_and_within_our_own_values() -> None:
    async def story(child: Child) -> None:
        for job in (jobs.values, jobs.strange, jobs.strange, jobs.path_within, jobs.method, jobs.values, jobs.method):
            if job is jobs.values:
                assert await child.run(job)
                continue
            with pytest.raises(ReadFailed) as caught:
                await child.run(job)
            assert caught.value.reason == "parse_crashed"

    with_child(story)


def test_those_that_wait_go_on_in_a_new_child() -> None:
    async def story(child: Child) -> None:
        late = asyncio.create_task(child.run(jobs.spin, timeout=0.7))
        await asyncio.sleep(0)
        others = await asyncio.gather(*(child.run(jobs.double, n) for n in range(5)))
        assert others == [0, 2, 4, 6, 8]
        assert isinstance(late.exception(), ReadFailed)
        assert child.starts == 2

    with_child(story)


@pytest.mark.parametrize("kind", [Child, Inline])
def test_our_own_errors_come_back_whole(kind: type[Child] | type[Inline]) -> None:
    async def story() -> None:
        runner = kind()
        try:
            with pytest.raises(ReadFailed) as caught:
                await runner.run(jobs.fail)
            error = caught.value
            assert (error.reason, error.message, error.hint, error.where) == (
                "no_body",
                "nothing here",
                "look",
                "https://a.example/",
            )
            assert (error.after, error.status) == (3.0, 503)
            with pytest.raises(ReadFailed) as caught:
                await runner.run(jobs.stumble)
            assert caught.value.reason == "parse_failed"
            assert "an unexpected thing" in caught.value.message
        finally:
            await runner.aclose()

    asyncio.run(story())


def test_one_process_serves_many_jobs_and_its_output_is_not_ours() -> None:
    async def story(child: Child) -> None:
        first = await child.run(jobs.pid)
        assert await child.run(jobs.chatter) == "said"
        assert await child.run(jobs.stubborn) is True, "a signal to the whole group is the parent's business"
        assert await child.run(jobs.pid) == first != os.getpid()

    with_child(story)


def test_an_idle_child_ends_itself_and_is_started_again() -> None:
    async def story(child: Child) -> None:
        first = await child.run(jobs.pid)
        await asyncio.sleep(0.6)
        assert gone(first)
        assert await child.run(jobs.pid) != first
        assert child.starts == 2

    with_child(story, idle=0.2)


def test_a_cancelled_job_takes_its_child_along() -> None:
    async def story(child: Child) -> None:
        first = await child.run(jobs.pid)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(child.run(jobs.nap, 30.0), 0.2)
        assert gone(first)
        assert await child.run(jobs.double, 4) == 8

    with_child(story)


def test_the_environment_and_its_secrets_are_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTY_PASSWORD", "secret")

    async def story(child: Child) -> None:
        assert "COUNTY_PASSWORD" not in await child.run(jobs.environment)

    with_child(story)


def test_the_child_dies_with_its_parent_even_in_an_endless_job() -> None:
    script = """if True:
        import asyncio, os
        from syncd.child import Child
        from tests.sources import jobs
        async def main():
            child = Child()
            print(await child.run(jobs.pid), flush=True)
            task = asyncio.create_task(child.run(jobs.spin))
            await asyncio.sleep(0.2)
            os._exit(9)
        asyncio.run(main())
    """
    parent = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )
    assert gone(int(parent.stdout))


# --- what a child that was taken over may send ---------------------------------------------------------------------


def text(value: str) -> bytes:
    return pickle.SHORT_BINUNICODE + bytes([len(value)]) + value.encode()


def named(module: str, name: str) -> bytes:
    return text(module) + text(name) + pickle.STACK_GLOBAL


DRAFT = named("syncd.model", "RemoteState") + text("draft") + pickle.TUPLE1 + pickle.REDUCE
HOSTILE = {
    "a class's attribute set": named("syncd.model", "RemoteRef") + b"N}" + text("exists") + b"Ns" + pickle.TUPLE2 + b"b",
    "an enum's member changed": DRAFT + b"}" + text("_value_") + text("public") + b"sb",
    "an object without its class's call": named("syncd.model", "RemoteRef") + b")" + pickle.NEWOBJ,
    "an object of an old kind": b"(" + b"isyncd.model\nRemoteRef\n",
    "a global of the old form": b"csyncd.model\nRemoteRef\n",
    "memory by a number": b"N" + pickle.LONG_BINPUT + struct.pack("<I", 2**16),
    "memory by a length": pickle.BINBYTES + struct.pack("<I", 2**16),
    "a length past the end": b"N" + pickle.SHORT_BINBYTES + b"\x09N",
    "an object of the daemon's": named("syncd.engine.gate", "Gate") + text("county") + pickle.TUPLE1 + pickle.REDUCE,
    "a class that makes classes": named("syncd.model", "StrEnum") + text("X") + text("A") + pickle.TUPLE2 + pickle.REDUCE,
    "an error that is none": named("syncd.child", "_error") + named("syncd.model", "RemoteRef") + b")}\x87R",
    "a function": named("syncd.child", "environment") + b")R",
}


@pytest.mark.parametrize("does", HOSTILE)
def test_a_childs_word_changes_nothing_of_ours_and_takes_no_more_memory_than_it_sends(does: str) -> None:
    with pytest.raises(pickle.UnpicklingError):
        believed(b"\x80\x04" + HOSTILE[does] + b".")
    assert RemoteState.DRAFT.value == "draft"
    assert not hasattr(RemoteRef, "exists")


def test_the_same_bytes_without_the_harm_are_read() -> None:
    assert believed(b"\x80\x04" + DRAFT + b".") is RemoteState.DRAFT


@pytest.mark.parametrize("body", [b"", b"\x80\x04", b"\x80\x04N", b"\x80\x04" + b"]" * 4_000_000 + b"."])
def test_a_word_that_is_cut_off_or_endless_is_refused(body: bytes) -> None:
    with pytest.raises(pickle.UnpicklingError):
        believed(body)


@pytest.mark.parametrize("step", [b"\x85", b"N\x86", b"\x85\x94"])
def test_tuples_within_tuples_do_not_take_the_stack_of_the_processor(step: bytes) -> None:
    """Of a million the hash ends the process by SIGSEGV."""
    with pytest.raises(pickle.UnpicklingError, match="too deep"):
        believed(b"\x80\x04})" + step * 100_000 + b"Ns.")


def test_many_tuples_that_are_not_deep_are_read() -> None:
    refs = [RemoteRef(str(number)) for number in range(60_000)]
    value = {("a", ("b",)): refs, "set": {1, 2}, "frozen": frozenset({(1, 2)}), "same": (refs[0], refs[:2])}
    assert believed(pickled(value)) == value


@pytest.mark.parametrize(
    "error", [ReadFailed("gone", "not there", status=410), RateLimited("busy", after=9.5, said=False), NotApplied("full")]
)
def test_an_error_is_the_same_after_the_way(error: Exception) -> None:
    again = believed(pickled(error))
    assert (type(again), vars(again), again.args) == (type(error), vars(error), error.args)
