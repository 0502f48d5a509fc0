"""Politeness towards public hosts, and the quick retry."""

import asyncio

import pytest

from syncd.retry import retried
from syncd.web.api import Guard, Limits, Network
from syncd.web.pace import Pace
from tests.web.kit import PUBLIC, QUICK, answers, client, response, serve, web


class Clock:
    """Monotonic time that moves only when somebody sleeps."""

    def __init__(self):
        self.time = 0.0

    def __call__(self):
        return self.time

    async def sleep(self, seconds):
        self.time += seconds
        await asyncio.sleep(0)


def test_one_at_a_time_with_a_gap_to_one_host_and_freely_to_others():
    clock, log, busy = Clock(), [], set()
    pace = Pace(2.0, monotonic=clock, sleep=clock.sleep)

    async def visit(host):
        async with pace.turn(host):
            assert host not in busy
            busy.add(host)
            log.append((host, clock.time))
            await asyncio.sleep(0)
            busy.discard(host)

    async def main():
        await asyncio.gather(*(visit(h) for h in "aabaa"))

    asyncio.run(main())
    assert log[:2] == [("a", 0.0), ("b", 0.0)]
    assert [t for h, t in log if h == "a"] == [0.0, 2.0, 4.0, 6.0]


def test_a_failed_visit_frees_the_lane():
    clock = Clock()
    pace = Pace(1.0, monotonic=clock, sleep=clock.sleep)

    async def main():
        for _ in range(2):
            with pytest.raises(TimeoutError):
                async with pace.turn("a"):
                    raise TimeoutError
        async with pace.turn("a"):
            return clock.time

    assert asyncio.run(main()) == 2.0


def test_the_table_of_hosts_stays_small():
    clock = Clock()
    pace = Pace(0.0, monotonic=clock, sleep=clock.sleep)

    async def main():
        for i in range(5000):
            async with pace.turn(f"h{i}"):
                pass

    asyncio.run(main())
    assert len(pace._lanes) <= 1025


def paced_through_proxy(ask, guard=PUBLIC, deadline=5.0):
    """Three exchanges at once with a public name through a proxy; (sleeps asked for, most at once in flight)."""
    sleeps, now, most = [], [0], [0]

    async def sleep(seconds):
        sleeps.append(round(seconds, 1))

    async def slow(request, writer):
        now[0] += 1
        most[0] = max(most[0], now[0])
        await asyncio.sleep(0.1)
        now[0] -= 1
        writer.write(response())

    async def main():
        async with serve(slow) as middle, web(gap=7.0, sleep=sleep) as w:
            c = w.client("a", Network(proxy=middle.url()), guard)
            await asyncio.gather(*(ask(c, Limits(deadline=deadline)) for _ in range(3)))

    asyncio.run(main())
    return sleeps, most[0]


def test_reads_of_a_public_host_are_paced_and_the_wait_does_not_count_against_the_deadline():
    sleeps, most = paced_through_proxy(lambda c, limits: c.get("http://www.gov.cn/", limits=limits), deadline=0.25)
    assert sleeps == [7.0, 7.0]
    assert most == 1


def test_calls_and_private_addresses_are_not_paced():
    assert paced_through_proxy(lambda c, limits: c.call("GET", "http://www.gov.cn/", limits=limits)) == ([], 3)
    guard = Guard(allow=frozenset({("10.0.0.1", 80)}))
    assert paced_through_proxy(lambda c, limits: c.get("http://10.0.0.1/", limits=limits), guard) == ([], 3)


@pytest.mark.parametrize("host", ["www.county.example", "8.8.8.8"])
def test_a_public_host_is_paced_although_it_is_allowed_by_name(host):
    guard = Guard(allow=frozenset({(host, 80)}))
    assert paced_through_proxy(lambda c, limits: c.get(f"http://{host}/", limits=limits), guard) == ([7.0, 7.0], 1)


@pytest.mark.parametrize(("leads", "waits"), [("127.0.0.1", []), ("8.8.8.8", [7.0])])
def test_an_allowed_name_is_paced_by_where_it_leads(leads, waits):
    sleeps, looks = [], []

    async def sleep(seconds):
        sleeps.append(round(seconds, 1))

    async def lookup(host, port):
        looks.append(host)
        return [leads if len(looks) == 1 else "127.0.0.1"]

    async def main():
        async with serve(answers(response())) as server, web(gap=7.0, sleep=sleep, lookup=lookup) as w:
            c = w.client("a", Network(), Guard(allow=frozenset({("cms.county", server.port)})))
            for _ in range(2):
                await c.get(f"http://cms.county:{server.port}/", limits=QUICK)

    asyncio.run(main())
    assert sleeps == waits


def test_retried_gives_the_later_answer_and_pauses_between():
    tries, pauses = [], []

    async def call():
        tries.append(1)
        if len(tries) < 3:
            raise OSError
        return "good"

    async def sleep(seconds):
        pauses.append(seconds)

    assert asyncio.run(retried(call, on=OSError, attempts=3, pause=0.2, sleep=sleep)) == "good"
    assert len(tries) == 3
    assert pauses == [0.2, 0.2]


@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError, KeyboardInterrupt])
def test_retried_lets_everything_else_pass_at_once(error):
    tries = []

    async def call():
        tries.append(1)
        raise OSError if len(tries) == 1 else error

    async def main():
        with pytest.raises(error):
            await retried(call, on=OSError, attempts=5, pause=0, sleep=asyncio.sleep)

    if error is KeyboardInterrupt:
        tries.append(0)
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(retried(call, on=OSError, attempts=5, pause=0, sleep=asyncio.sleep))
        return
    asyncio.run(main())
    assert len(tries) == 2


def test_retried_raises_the_last_failure_itself():
    async def call():
        raise OSError("last")

    with pytest.raises(OSError, match="last"):
        asyncio.run(retried(call, on=OSError, attempts=2, pause=0, sleep=asyncio.sleep))


def test_many_at_once_to_allowed_hosts_share_few_connections():
    async def main():
        async with serve(answers(response(304, b""))) as server, client() as c:
            for _ in range(5):
                await asyncio.gather(*(c.get(server.url(), limits=QUICK) for _ in range(20)))
            return server

    server = asyncio.run(main())
    assert len(server.requests) == 100
    assert server.connections <= 20
