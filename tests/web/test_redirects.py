"""Redirects: followed by hand for get(), each hop checked; permanent ones believed only after days."""

import asyncio
from datetime import timedelta

import pytest

from syncd.errors import SyncdError
from syncd.web.api import Guard, Limits
from syncd.web.redirects import Move, remember_move
from tests.web.kit import NOW, QUICK, answers, client, fails, names, response, serve


def by_path(**replies):
    """Answers by path (slash left out)."""

    async def handler(request, writer):
        writer.write(replies[request.target.strip("/").split("?")[0]])

    return handler


def to(status: int, location: str | bytes) -> bytes:
    raw = location if isinstance(location, bytes) else location.encode()
    return response(status, b"elsewhere", b"Location: " + raw)


def fetch(handler, path="/a", guard=None, **options):
    async def main():
        async with serve(handler) as server, client(guard) as c:
            try:
                return server, await c.get(server.url(path), limits=QUICK, **options)
            except SyncdError as error:
                return server, error

    return asyncio.run(main())


def test_relative_and_chinese_locations_are_followed():
    _, answer = fetch(by_path(a=to(302, "b?x=1"), b=to(303, b"/%E6%96%87"), **{"%E6%96%87": response(200, b"end")}))
    assert answer.body == b"end"
    assert answer.url.endswith("/%E6%96%87")
    assert answer.moved_to == ""
    _, answer = fetch(by_path(a=to(302, "/文".encode()), **{"%E6%96%87": response(200, b"end")}))
    assert answer.body == b"end"


@pytest.mark.parametrize(("statuses", "moved"), [((301, 308), True), ((301, 302), False), ((307, 301), False)])
def test_moved_to_only_if_every_hop_is_permanent(statuses, moved):
    server, answer = fetch(by_path(a=to(statuses[0], "/b"), b=to(statuses[1], "/c"), c=response(200, b"end")))
    assert answer.moved_to == (server.url("/c") if moved else "")


def test_moved_to_is_empty_where_an_error_page_is():
    assert fetch(by_path(a=to(301, "/b"), b=response(404, b"no")))[1].moved_to == ""


def test_a_redirect_without_location_is_an_answer():
    answer = fetch(by_path(a=response(302, b"body")))[1]
    assert (answer.status, answer.body) == (302, b"body")


def test_circles_and_long_chains_end():
    assert fetch(by_path(a=to(302, "/b"), b=to(302, "/a")))[1].reason == "redirect_loop"
    chain = {f"p{i}": to(302, f"/p{i + 1}") for i in range(20)}
    server, error = fetch(by_path(**chain), "/p0")
    assert error.reason == "redirect_loop"
    assert len(server.requests) == Limits().redirects + 1


def test_as_many_redirects_as_allowed_are_followed():
    chain = {f"p{i}": to(302, f"/p{i + 1}") for i in range(Limits().redirects)}
    assert fetch(by_path(**chain, p5=response(200, b"end")), "/p0")[1].body == b"end"


@pytest.mark.parametrize("location", ["file:///etc/passwd", "javascript:alert(1)", "gopher://x/", "http://[::1"])
def test_a_redirect_to_something_else_than_the_web_is_refused(location):
    assert fetch(by_path(a=to(302, location)))[1].reason == "bad_url"


@pytest.mark.guarantee(5)
def test_a_redirect_to_a_private_address_is_blocked_and_not_asked():
    async def main():
        async with (
            serve(answers(response())) as inside, serve(answers(to(302, inside.url()))) as outside,
            client(Guard(allow=frozenset({outside.place}))) as c,
        ):
            return inside, await fails(c.get(outside.url(), limits=QUICK))

    inside, error = asyncio.run(main())
    assert error.reason == "blocked_address"
    assert inside.connections == 0


def test_nothing_secret_is_carried_to_another_origin():
    async def main():
        async with (
            serve(answers(response())) as other, serve(answers(to(302, "http://u:p@" + other.url()[7:]))) as first,
            client() as c,
        ):
            sent = {"Authorization": "s", "Cookie": "s", "X-Api-Key": "s", "Accept-Language": "zh", "Token": "s"}
            await c.get(first.url(), headers=sent, limits=QUICK)
            await c.get(f"http://user:pw@127.0.0.1:{first.port}/", limits=QUICK)
        return first.requests, other.requests

    first, other = asyncio.run(main())
    assert first[0].value("x-api-key") == b"s"
    assert first[1].value("authorization")
    for request in other:
        got = {n for n, _ in request.headers}
        assert not got & {b"authorization", b"cookie", b"x-api-key", b"token"}
    assert other[0].value("accept-language") == b"zh"


def test_headers_stay_within_the_origin():
    server, _ = fetch(by_path(a=to(302, "/b"), b=response()), headers={"X-Api-Key": "s"})
    assert server.requests[1].value("x-api-key") == b"s"


def test_a_url_with_a_log_in_is_never_said_to_have_moved():
    async def main():
        async with serve(by_path(a=to(301, "/b"), b=response())) as server, client() as c:
            return await c.get(f"http://u:p@127.0.0.1:{server.port}/a", limits=QUICK)

    assert asyncio.run(main()).moved_to == ""


def test_the_deadline_holds_for_all_hops_together():
    async def slow(request, writer):
        await asyncio.sleep(0.15)
        writer.write(to(302, f"/{len(request.target)}" + request.target))

    async def main():
        loop = asyncio.get_running_loop()
        async with serve(slow) as server, client() as c:
            began = loop.time()
            error = await fails(c.get(server.url(), limits=Limits(deadline=0.4, redirects=50)))
            return error, loop.time() - began

    error, took = asyncio.run(main())
    assert error.reason == "timeout"
    assert took < 0.8


def test_a_name_that_can_not_be_resolved_after_a_redirect_is_named():
    async def main():
        async with serve(answers(to(302, "http://gone.example/"))) as server, client(lookup=names()) as c:
            return await fails(c.get(server.url(), limits=QUICK))

    error = asyncio.run(main())
    assert error.reason == "dns"
    assert "gone.example" in str(error)


def sightings(moved_tos, every):
    """What remember_move says after each sighting."""
    move, taken = None, []
    for i, moved_to in enumerate(moved_tos):
        move, take = remember_move(move, moved_to, NOW + i * every)
        taken.append(take)
    return move, taken


def test_a_move_is_taken_after_five_sightings_over_three_days():
    assert sightings(["http://new/"] * 5, timedelta(days=1))[1] == ["", "", "", "", "http://new/"]


def test_many_sightings_within_three_days_or_few_over_weeks_are_not_enough():
    move, taken = sightings(["http://new/"] * 100, timedelta(minutes=5))
    assert not any(taken)
    assert move.sightings == 100
    assert not any(sightings(["http://new/"] * 4, timedelta(days=30))[1])


def test_one_answer_from_the_old_address_starts_the_count_anew():
    assert not any(sightings(["http://new/"] * 4 + [""] + ["http://new/"] * 4, timedelta(days=1))[1])
    move, taken = sightings(["http://new/"] * 4 + ["http://newer/"], timedelta(days=1))
    assert not any(taken)
    assert move == Move("http://newer/", 1, NOW + timedelta(days=4))


def test_after_a_move_was_taken_nothing_is_kept():
    assert sightings(["http://new/"] * 5, timedelta(days=1))[0] is None
