"""Manners towards publishers: pauses by domain, robots.txt, gaps that a host asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from syncd.errors import ReadFailed
from syncd.web.api import Answer
from syncd.web.domain import bucket
from syncd.web.manners import Manners, PoliteClient
from syncd.web.pace import Pace
from syncd.web.robots import LONGEST_DELAY

NOW = datetime(2026, 4, 15, 9, 0, tzinfo=UTC)
Said = tuple[int, dict[str, str], bytes] | ReadFailed


@dataclass
class Net:
    """Answers by URL, all asked noted; a clock that is moved by hand; the gaps that hosts were given."""

    says: dict[str, Said] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    gaps: dict[str, float] = field(default_factory=dict)
    time: float = 0.0
    before: Callable[[], Any] = lambda: asyncio.sleep(0)

    def __post_init__(self) -> None:
        self.manners = Manners(lambda: self.time, self)

    def slow(self, host: str, gap: float) -> None:
        self.gaps[host] = gap

    async def get(self, url: str, **named: Any) -> Answer:
        self.asked.append(url)
        await self.before()
        said = self.says.get(url, (200, {}, b""))
        if isinstance(said, ReadFailed):
            raise said
        status, headers, body = said
        raw = tuple((n.encode(), v.encode()) for n, v in headers.items())
        return Answer(status, url, raw, body, NOW, NOW, date=NOW)

    async def call(self, method: str, url: str, **named: Any) -> Answer:
        return await self.get(url)

    def client(self, profile: str = "ignore", *, private: bool = False) -> PoliteClient:
        return PoliteClient(self, self.manners, profile, private=private)  # type: ignore[arg-type]

    def robots(self, text: str, host: str = "www.mof.gov.cn") -> None:
        self.says[f"https://{host}/robots.txt"] = (200, {}, text.encode())


def refused(client: PoliteClient, url: str) -> ReadFailed:
    with pytest.raises(ReadFailed) as told:
        asyncio.run(client.get(url))
    return told.value


def get(client: PoliteClient, url: str) -> int:
    return asyncio.run(client.get(url)).status


LIST, SISTER, OTHER = "https://www.mof.gov.cn/list", "https://bgt.mof.gov.cn/feed", "https://www.mee.gov.cn/list"
ROBOTS = "https://www.mof.gov.cn/robots.txt"


@pytest.mark.parametrize(
    ("url", "private", "expected"),
    [
        ("https://bgt.mof.gov.cn/x", False, "mof.gov.cn"),
        ("https://www.gov.cn/x", False, "www.gov.cn"),
        ("https://sousuo.www.gov.cn/x", False, "www.gov.cn"),
        ("https://a.github.io/x", False, "a.github.io"),
        ("https://www.example.co.uk/x", False, "example.co.uk"),
        ("https://www.文件.公司.cn/x", False, "xn--5nqy36c.xn--55qx5d.cn"),
        ("https://list.example/x", False, "list.example"),
        ("https://gov.cn/x", False, "gov.cn"),
        ("http://8.8.8.8/x", False, "http://8.8.8.8/x"),
        ("http://[2400:3200::1]/x", False, "http://[2400:3200::1]/x"),
        ("http://oa/x", False, "http://oa/x"),
        ("https://inside.county.gov.cn/x", True, "https://inside.county.gov.cn/x"),
    ],
)
def test_a_refusal_speaks_for_the_registered_domain_or_for_the_url_alone(url: str, private: bool, expected: str) -> None:
    assert bucket(httpx.URL(url), private=private) == expected


@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_that_one_host_asks_for_is_kept_by_all_of_its_domain(status: int) -> None:
    net = Net({LIST: (status, {"retry-after": "600"}, b"")})
    client = net.client()
    assert get(client, LIST) == status
    assert refused(client, SISTER).reason == "parked"
    assert get(client, OTHER) == 200
    net.time = 599.0
    assert refused(net.client(), SISTER).after == pytest.approx(1.0)
    net.time = 600.0
    assert get(client, SISTER) == 200
    assert net.asked == [LIST, OTHER, SISTER]


def test_a_private_host_is_left_alone_at_that_url_only() -> None:
    net = Net({"http://oa/a": (429, {"retry-after": "600"}, b"")})
    client = net.client(private=True)
    get(client, "http://oa/a")
    assert get(client, "http://oa/b") == 200
    assert refused(client, "http://oa/a").reason == "parked"


def test_a_pause_is_two_days_at_most_and_never_made_shorter_by_another() -> None:
    net = Net({LIST: (429, {"retry-after": "99999999"}, b""), SISTER: (429, {"retry-after": "1"}, b"")})
    get(net.client(), LIST)
    assert refused(net.client(), LIST).after == 2 * 86400.0
    net.manners.park("mof.gov.cn", 1.0)
    assert refused(net.client(), LIST).after == 2 * 86400.0


def test_a_503_without_a_time_and_an_odd_url_park_nobody() -> None:
    net = Net({LIST: (503, {}, b"")})
    get(net.client(), LIST)
    assert get(net.client(), LIST) == 503
    assert get(net.client(), "nonsense") == 200


def test_robots_is_obeyed_where_that_is_asked_for() -> None:
    net = Net()
    net.robots("User-agent: *\nDisallow: /list*.json$\nAllow: /list-open\nDisallow: /secret\n")
    client = net.client("obey")
    told = refused(client, "https://www.mof.gov.cn/list-1.json")
    assert (told.reason, net.asked) == ("robots_disallowed", [ROBOTS])
    assert "ask the publisher" in told.hint
    assert get(client, "https://www.mof.gov.cn/list-1.json?page=2") == 200
    assert get(client, "https://www.mof.gov.cn/list-open/") == 200
    assert refused(client, "https://www.mof.gov.cn/secret/文件").reason == "robots_disallowed"


def test_a_group_of_our_own_name_goes_before_the_one_for_all() -> None:
    net = Net()
    net.robots("User-agent: *\nDisallow: /\n\nUser-agent: SyncD\nDisallow: /only\n")
    assert get(net.client("obey"), LIST) == 200
    assert refused(net.client("obey"), "https://www.mof.gov.cn/only").reason == "robots_disallowed"


@pytest.mark.parametrize("status", [301, 401, 403, 404, 410, 429])
def test_no_file_means_that_all_is_allowed(status: int) -> None:
    net = Net({ROBOTS: (status, {}, b"")})
    assert get(net.client("obey"), LIST) == 200


def test_a_web_page_in_place_of_the_file_forbids_nothing() -> None:
    net = Net()
    net.robots("<!DOCTYPE html><html><title>系统提示</title>disallow: /</html>")
    assert get(net.client("obey"), LIST) == 200


@pytest.mark.parametrize("said", [(500, {}, b""), (503, {}, b""), ReadFailed("too_large"), ReadFailed("redirect_loop")])
def test_a_broken_file_forbids_all_until_it_can_be_read(said: Said) -> None:
    net = Net({ROBOTS: said})
    assert refused(net.client("obey"), LIST).reason == "robots_unreachable"
    net.robots("")
    net.time = 299.0
    assert refused(net.client("obey"), LIST).reason == "robots_unreachable"
    net.time = 300.0
    assert get(net.client("obey"), LIST) == 200


def test_a_file_that_breaks_later_leaves_the_former_one_in_force() -> None:
    net = Net()
    net.robots("User-agent: *\nDisallow: /secret\n")
    assert get(net.client("obey"), LIST) == 200
    net.says[ROBOTS] = (500, {}, b"")
    net.time = 86401.0
    assert get(net.client("obey"), LIST) == 200
    assert refused(net.client("obey"), "https://www.mof.gov.cn/secret").reason == "robots_disallowed"


def test_a_host_that_cant_be_reached_fails_with_its_own_reason() -> None:
    net = Net({ROBOTS: ReadFailed("connect")})
    assert refused(net.client("obey"), LIST).reason == "connect"
    assert asyncio.run(net.client("report").standing(LIST)) == "unreachable"


def test_a_file_is_read_once_a_day_however_many_ask_at_once() -> None:
    net = Net()
    net.robots("User-agent: *\nDisallow: /secret\n")

    async def many() -> None:
        await asyncio.gather(*[net.client("obey").get(LIST) for _ in range(20)], net.client("report").standing(LIST))

    asyncio.run(many())
    assert net.asked.count(ROBOTS) == 1
    net.time = 86399.0
    assert get(net.client("obey"), LIST) == 200
    assert net.asked.count(ROBOTS) == 1
    net.time = 86400.0
    assert get(net.client("obey"), LIST) == 200
    assert net.asked.count(ROBOTS) == 2


def test_reporting_tells_and_forbids_nothing() -> None:
    net = Net()
    net.robots("User-agent: *\nDisallow: /\n")
    assert get(net.client("report"), LIST) == 200
    assert net.asked == [LIST], "what a list shows never waits for robots.txt"
    assert asyncio.run(net.client("report").standing(LIST)) == "disallowed"
    assert asyncio.run(net.client("report").standing(OTHER)) == "allowed"


def test_who_ignores_it_and_who_reads_a_private_host_never_asks_for_it() -> None:
    net = Net()
    for client in (net.client("ignore"), net.client("obey", private=True)):
        assert get(client, LIST) == 200
        assert asyncio.run(client.standing(LIST)) == ""
    assert ROBOTS not in net.asked


def test_a_parked_host_is_not_asked_for_its_file_either() -> None:
    net = Net({LIST: (429, {"retry-after": "60"}, b"")})
    get(net.client("report"), LIST)
    assert asyncio.run(net.client("report").standing(LIST)) == ""
    assert net.asked == [LIST]


def test_a_crawl_delay_becomes_the_hosts_gap_up_to_a_minute() -> None:
    for text, gap in (("7", 7.0), ("86400", LONGEST_DELAY), ("-3", 0.0), ("soon", 0.0)):
        net = Net()
        net.robots(f"User-agent: *\nCrawl-delay: {text}\nDisallow:\n")
        asyncio.run(net.client("report").standing(LIST))
        assert net.gaps == {"www.mof.gov.cn": gap}


def test_a_slower_host_is_paced_by_its_own_gap_until_it_takes_that_back() -> None:
    time, slept = [0.0], []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        time[0] += seconds

    async def three(pace: Pace) -> list[float]:
        slept.clear()
        for _ in range(3):
            async with pace.turn("a"):
                pass
        return list(slept)

    pace = Pace(2.0, monotonic=lambda: time[0], sleep=sleep)
    pace.slow("a", 10.0)
    assert asyncio.run(three(pace)) == [10.0, 10.0]
    time[0] += 100.0
    pace.slow("a", 1.0)
    assert asyncio.run(three(pace)) == [2.0, 2.0]


def test_rules_that_would_hang_a_naive_matcher_are_matched_at_once() -> None:
    net = Net()
    net.robots("User-agent: *\n" + "Disallow: /" + "*a" * 2000 + "*b\n")
    assert get(net.client("obey"), "https://www.mof.gov.cn/" + "a" * 3000) == 200
