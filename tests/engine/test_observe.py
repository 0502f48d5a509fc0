"""Observed sites: what people posted is found on the site's public list, adopted and clocked."""

from __future__ import annotations

import asyncio

import pytest

from tests.engine.rig import Rig, played, route, source, text_of, text_reply, title_of

OBSERVED = """
[[sites]]
name = "county"
site_name = "某县人民政府"
adapter = "observe"
public_url = "http://county.example"
options = { list_url = "http://county.example/zwgk/list.html", link_selector = "a.post" }
"""


class PublicSite:
    """A site that people post to by hand: a list page and pages."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[str, str]] = {}
        self.asked: list[str] = []
        self.down = False

    def handle(self, method, path, headers, body, now):  # type: ignore[no-untyped-def]
        self.asked.append(f"{method} {path}")
        if self.down:
            return text_reply(500)
        if path == "/zwgk/list.html":
            links = "".join(f'<a class="post" href="{at}">{title}</a><br>' for at, (title, _) in self.pages.items())
            return text_reply(200, f"<html><title>政务公开</title><body>{links}</body></html>".encode())
        if path in self.pages:
            title, text = self.pages[path]
            return text_reply(200, f"<html><title>{title}</title><body><h1>{title}</h1>{text}</body></html>".encode())
        return text_reply(404)


async def observed(rig: Rig) -> PublicSite:
    site = PublicSite()
    rig.wires.servers["county.example"] = site.handle
    await rig.begin()
    return site


@pytest.mark.guarantee(2)
@played
async def test_what_people_posted_is_found_and_clocked_and_nothing_is_ever_written() -> None:
    async with Rig(source() + OBSERVED + route()) as rig:
        site = await observed(rig)
        rig.publish(1)
        await rig.after(3600, step=300)
        row = await rig.row(1)
        assert (row["marks"]["sent"], row["verdict"]) == (0, "open")
        site.pages["/p/77.html"] = (title_of(1), text_of(1))
        await rig.after(1200, step=300)
        row = await rig.row(1)
        assert (row["status"], row["url"], row["verdict"]) == ("visible", "http://county.example/p/77.html", "met")
        assert all(line.startswith("GET") for line in site.asked)


@played
async def test_another_document_on_the_list_is_not_taken_for_it() -> None:
    async with Rig(source() + OBSERVED + route()) as rig:
        site = await observed(rig)
        site.pages["/p/1.html"] = (title_of(2), text_of(2))
        rig.publish(1)
        await rig.after(1200, step=300)
        assert (await rig.row(1))["marks"]["sent"] == 0


@pytest.mark.guarantee(5)
@played
async def test_an_observed_site_that_is_down_is_told_and_found_later() -> None:
    async with Rig(source() + OBSERVED + route()) as rig:
        site = await observed(rig)
        site.down = True
        rig.publish(1)
        await rig.after(1200, step=60)
        row = await rig.site_row()
        assert (row["state"], bool(row["reason"])) == ("paused", True)
        assert rig.counted("syncd_failures_total", stage="observe") >= 3
        site.down = False
        site.pages["/p/77.html"] = (title_of(1), text_of(1))
        await rig.after(1800, step=60)
        assert await rig.status_of(1) == "visible"


@pytest.mark.guarantee(5)
@played
async def test_a_bug_in_the_adapter_of_one_observed_site_does_not_stop_another() -> None:
    town = OBSERVED.replace('name = "county"', 'name = "town"').replace("county.example", "town.example")
    async with Rig(source() + OBSERVED + town + route() + route("town")) as rig:
        await observed(rig)
        other = PublicSite()
        rig.wires.servers["town.example"] = other.handle
        other.pages["/p/1.html"] = (title_of(1), text_of(1))

        def broken(prefix):  # type: ignore[no-untyped-def]
            raise KeyError("a bug")

        rig.engine.deps.sites["county"].adapter.list = broken  # type: ignore[attr-defined]
        rig.publish(1)
        await rig.after(900, step=300)
        assert await rig.status_of(1, "town") == "visible"
        assert rig.counted("syncd_failures_total", stage="observe", reason="adapter_bug") >= 1


@played
async def test_a_person_says_which_page_it_is() -> None:
    async with Rig(source() + OBSERVED + route()) as rig:
        site = await observed(rig)
        rig.publish(1)
        await rig.rest()
        site.pages["/other/9.html"] = (title_of(1), "<p>转发全文见附件。</p>")
        repost = await rig.one(1)
        await rig.desk.adopt(repost.id, url="http://county.example/other/9.html", actor="王科长")
        await rig.rest()
        assert (await rig.row(1))["status"] == "visible"


@played
async def test_a_withdrawn_document_stays_on_an_observed_site_and_nothing_is_called() -> None:
    async with Rig(source(path="atom.xml") + OBSERVED + route()) as rig:
        site = await observed(rig)
        rig.publish(1)
        site.pages["/p/1.html"] = (title_of(1), text_of(1))
        await rig.after(900, step=300)
        rig.lists["central"].withdraw(1, rig.clock.true)
        await rig.after(1200, step=300)
        assert all(line.startswith("GET") for line in site.asked)
        assert (await rig.one(1)).sent == 1


@pytest.mark.guarantee(5)
@played
async def test_a_slow_site_does_not_hold_up_another_and_is_waited_for_when_all_ends() -> None:
    town = OBSERVED.replace('name = "county"', 'name = "town"').replace("county.example", "town.example")
    async with Rig(source() + OBSERVED + town + route() + route("town")) as rig:
        await observed(rig)
        other = PublicSite()
        rig.wires.servers["town.example"] = other.handle
        other.pages["/p/1.html"] = (title_of(1), text_of(1))
        go = asyncio.Event()

        async def slow(prefix):  # type: ignore[no-untyped-def]
            await go.wait()
            if prefix:
                yield

        rig.engine.deps.sites["county"].adapter.list = slow  # type: ignore[attr-defined]
        rig.publish(1)
        await rig.stage("poll", "read", "route")
        rig.clock.advance(300)
        assert await rig.engine.tick("observe") == 2
        for _ in range(100):
            await asyncio.sleep(0)
        assert (await rig.one(1, "town")).ref is not None
        rig.clock.advance(300)
        assert await rig.engine.tick("observe") == 1, "only the one that is not still being looked at"
        waiting = asyncio.ensure_future(rig.engine.drain())
        await asyncio.sleep(0)
        assert not waiting.done()
        go.set()
        await waiting
        rig.clock.advance(300)
        assert await rig.engine.tick("observe", wait=True) == 2


@played
async def test_a_site_is_looked_at_once_in_five_minutes_however_often_the_stage_is_woken() -> None:
    async with Rig(source() + OBSERVED + route()) as rig:
        site = await observed(rig)
        site.pages["/p/2.html"] = (title_of(2), text_of(2))
        rig.publish(1)
        await rig.after(300)
        site.asked.clear()
        await rig.after(3000, step=10)
        assert 9 <= site.asked.count("GET /zwgk/list.html") <= 10
        assert site.asked.count("GET /p/2.html") <= 1
