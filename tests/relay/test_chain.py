"""A relay and a relay of a relay, through the whole engine: instants, texts, files and withdrawals come through unchanged."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from syncd.core.repost import Status
from syncd.engine.engine import STAGES
from tests.engine.rig import DETAIL, played, route, site, source, text_of, title_of
from tests.relay.kit import PDF, WITH_FILE, Instance, begin, below, relay_source


@played
async def test_a_relay_of_a_relay_keeps_the_original_instants_texts_and_files(tmp_path: Path) -> None:
    async with (
        Instance(tmp_path / "a") as province, below(tmp_path / "b", province) as city,
        below(tmp_path / "c", city, "某县") as county,
    ):
        await begin(province)
        await city.rest()
        await city.export()
        await county.rest()

        province.publish(1, text=WITH_FILE, hours=3)
        await province.read()
        await province.export()
        await city.read(1000)
        assert (await city.export())["missing"] == 0, "the page's raw bytes stayed with the province: the city never had them"
        await county.read(2000)

        (first, told), (last, shown) = await province.newest(), await county.newest()
        assert (last.title, last.url) == (first.title, first.url)
        assert first.published is not None
        assert last.published is not None
        assert replace(last.published, source="") == replace(first.published, source="")
        assert (last.published.raw, last.published.origin) != ("", "clock")
        assert (shown.content.published, shown.content.updated) == (told.content.published, told.content.updated)
        assert (shown.content.text, shown.content.html) == (told.content.text, told.content.html)
        assert [m.sha256 for m in shown.content.media] == [m.sha256 for m in told.content.media]
        assert [county.blobs.read(m.sha256) for m in shown.content.media] == [PDF]

        hops = shown.content.relayed
        assert [hop.by for hop in hops] == ["某省", "某市"]
        assert (hops[0].sighted, hops[0].missed, hops[0].source) == (first.detected, first.missed, "central")
        assert hops[0].url == "http://central.example/feed.json"
        assert hops[1].sighted == (await city.newest())[0].detected
        assert last.detected > hops[1].sighted > hops[0].sighted
        assert last.missed == first.missed, "our own last read proves nothing: it was public before we could see it"
        raw = province.blobs.read(hops[0].raw).decode()
        assert title_of(1) in raw
        assert "<!DOCTYPE html>" in raw


@played
async def test_the_clock_starts_at_the_publishers_instant_and_the_sighting_says_that_it_came_by_relay(tmp_path: Path) -> None:
    async with Instance(tmp_path / "a") as province, below(tmp_path / "b", province) as city:
        await begin(province)
        await city.rest()
        policy = province.publish(1, hours=2)
        await province.read()
        await province.export()
        await city.read(900)
        await city.after(300)

        row = await city.row(1)
        assert row["status"] == "visible"
        assert row["published"]["value"].startswith(policy.published.strftime("%Y-%m-%dT%H:%M:%S"))
        assert row["latency_s"] >= timedelta(hours=2).total_seconds()
        events = (await city.desk.explain(row["id"]))["events"]
        sighted = next(e for e in events if e["kind"] == "sighted")
        assert sighted["detail"]["relay"] == "某省"
        assert sighted["detail"]["sighted_there"] == (await province.newest())[0].detected.isoformat()
        assert sighted["at"][:19] == row["detected"][:19]


@played
async def test_corrections_and_withdrawals_come_through_and_the_publisher_is_never_asked(tmp_path: Path) -> None:
    async with Instance(tmp_path / "a") as province, below(tmp_path / "b", province) as city:
        await begin(province)
        await city.rest()
        province.publish(1)
        await province.read()
        await province.export()
        await city.read()
        assert await city.status_of(1) == Status.VISIBLE.value

        province.clock.advance(3600)
        province.correct(1, 2)
        await province.after(900)
        await province.export()
        await city.read(4600)
        assert (await city.newest())[1].content.text == text_of(1, 2).replace("<p>", "").replace("</p>", "\n").strip()
        assert "第2版" in city.posts()[0].html

        province.lists["central"].withdraw(1, province.clock.true)
        await province.after(3 * 86400, step=3600)
        assert (await province.newest())[0].withdrawn
        await province.export()
        city.clock.advance(3 * 86400)
        await city.after(600)
        assert (await city.newest())[0].withdrawn
        assert await city.status_of(1) == Status.WITHDRAWN.value
        assert not [each for each in city.wires.servers if each.startswith("central")]


@played
async def test_a_look_at_a_known_document_costs_no_read_of_the_folder(tmp_path: Path) -> None:
    """What a hash names never changes, so a folder that is not there proves nothing against its documents."""
    async with Instance(tmp_path / "a") as province, below(tmp_path / "b", province) as city:
        await begin(province)
        await city.rest()
        province.publish(1)
        await province.read()
        await province.export()
        await city.read()
        province.out.rename(tmp_path / "away")
        await city.after(3 * 86400, step=7200)
        assert await city.status_of(1) == Status.VISIBLE.value
        assert city.reason() == "relay_incomplete"
        assert (await city.newest())[1].n == 1


@played
async def test_one_document_from_a_relay_and_from_the_publisher_is_one_repost(tmp_path: Path) -> None:
    async with Instance(tmp_path / "a") as province:
        await begin(province)
        both = (
            source(options=DETAIL) + relay_source(province.out, province.public) + site()
            + route(sources=("central", "above"))
        )
        async with Instance(tmp_path / "b", "某市", both) as city:
            city.lists["central"].policies = province.lists["central"].policies
            await city.rest()
            province.publish(1)
            await province.read()
            await province.export()
            await city.read()
            await city.read()
            assert len(await city.all()) == 1
            assert city.creates() == 1
            assert set((await city.newest())[0].sources) == {"central", "above"}


@played
async def test_more_documents_than_a_page_are_all_found_by_one_who_was_away(tmp_path: Path) -> None:
    async with Instance(tmp_path / "a", config="") as province, below(tmp_path / "b", province) as city:
        await begin(province)
        await city.rest()
        await province.reload(province.config_text.replace("limits = { few = 3 }", "limits = { most_new = 1000 }"))
        for batch in range(5):
            for n in range(60):
                province.publish(batch * 60 + n + 1)
            await province.read()
        told = await province.export()
        assert told["documents"] == 300
        await city.reload(city.config_text.replace('every = "5m"', 'every = "5m"\nlimits = { most_new = 1000, few = 1000 }'))
        city.clock.advance(3000)
        while await city.stage(*STAGES):
            """More than one rest takes."""
        assert len({d.id for _, d in await city.all()}) == 300


@played
async def test_a_site_that_goes_over_to_a_relay_withdraws_nothing(tmp_path: Path) -> None:
    """The relay has nothing at the publisher's own addresses: that is no word of the publisher's."""
    async with Instance(tmp_path / "a") as province:
        await begin(province)
        above = relay_source(province.out, province.public, options='max_age = "30d"')
        both = source(options=DETAIL) + above + site() + route(sources=("central", "above"))
        async with Instance(tmp_path / "b", "某市", both) as city:
            city.lists["central"].policies = province.lists["central"].policies
            await city.rest()
            province.publish(1)
            await province.read()
            await province.export()
            await city.read()
            await city.read()
            assert (await city.newest())[0].sources[0] == "central"
            await city.reload(city.config_text.replace(source(options=DETAIL), "").replace('"central", ', ""))
            await city.after(3 * 86400, step=3600)
            assert await city.status_of(1) == Status.VISIBLE.value
            assert (await city.newest())[1].n == 1

            province.clock.advance(3600)
            province.correct(1, 2)
            await province.after(2 * 86400, step=1800)
            await province.export()
            await city.after(7200, step=600)
            assert "第2版" in city.posts()[0].html
