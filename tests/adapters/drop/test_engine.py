"""The real engine over a drop and its importer: handed over is not public, silence is told, each revision arrives once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from syncd.core import repost as machine
from syncd.testing.fakecms import Switches
from tests.adapters.drop.importer import Importer, Page, checked
from tests.engine.rig import Rig, played, route, source, text_of, text_reply, title_of

SITE = """
[[sites]]
name = "county"
site_name = "某县人民政府"
adapter = "directory"
public_url = "http://county.example"
settle = "600s"
options = {{ directory = "drop", {options} }}
"""
ACK = 'ack = { within = "2h" }'


class Ground(Rig):
    """A county whose CMS takes packages."""

    def __init__(self, options: str = ACK, more: str = "", **importer: Any) -> None:
        self.given = importer
        super().__init__(source() + SITE.format(options=options) + route(more=more), switches=Switches())

    @property
    def root(self) -> Path:
        return Path(self._folder.name) / "drop"

    def _serve(self, name: str, handler: Callable[..., Any]) -> None:
        if name == "county" and not hasattr(self, "importer"):
            self.importer = Importer(self.root, **self.given)
        super()._serve(name, self.importer.handle if name == "county" else handler)

    def lying(self) -> list[str]:
        return sorted(path.name for path in (self.root / "packages").glob("*"))

    def recall(self, id: int) -> None:
        """The source takes a document back, at a second of its own: lists tell no finer times."""
        self.clock.advance(1)
        self.lists["central"].withdraw(id, self.clock.true)

    def page(self) -> str:
        (page,) = self.importer.pages.values()
        return f"{page.state} {page.title} {page.html}"


async def handed_over(rig: Ground) -> None:
    await rig.begin()
    rig.publish(1)
    await rig.after(900, step=60)


@pytest.mark.guarantee(4)
@played
async def test_what_was_handed_over_is_not_public_until_it_is_seen() -> None:
    async with Ground() as rig:
        await handed_over(rig)
        row = await rig.row(1)
        assert (row["status"], row["reason"], row["verdict"]) == ("sent", "waiting_for_importer", "open")
        assert len(rig.lying()) == 1
        rig.importer.run()
        await rig.after(180, step=30)
        assert await rig.status_of(1) == "visible"
        assert (await rig.one(1)).ref.url == "http://county.example/p/1.html"  # type: ignore[union-attr]
        assert (await rig.one(1)).reason == ""


@pytest.mark.guarantee(2)
@played
async def test_document_correction_and_withdrawal_arrive_once_each() -> None:
    async with Ground() as rig:
        await handed_over(rig)
        rig.importer.run()
        await rig.after(300)
        rig.correct(1)
        await rig.after(3600, step=300)
        assert (await rig.row(1))["status"] == "sent"
        rig.importer.run()
        await rig.after(300)
        assert await rig.status_of(1) == "visible"
        assert text_of(1, 2) in rig.page()
        rig.recall(1)
        await rig.after(6600, step=300)
        rig.importer.run()
        await rig.after(900, step=60)
        assert await rig.status_of(1) == "withdrawn"
        assert [action for _, _, action in rig.importer.taken] == ["create", "update", "withdraw"]
        await rig.after(10 * 86400, step=3600)
        assert len(rig.importer.taken) == 3


@pytest.mark.guarantee(5)
@played
async def test_a_refusal_needs_a_person_and_a_retry_drops_it_again() -> None:
    async with Ground(refuses="栏目已停用") as rig:
        await handed_over(rig)
        rig.importer.run()
        await rig.after(300)
        row = await rig.row(1)
        assert (row["status"], row["reason"]) == ("held", "importer_refused")
        assert "栏目已停用" in (await rig.attention())["importer_refused"]["hint"]
        await rig.after(86400, step=1800)
        assert len(rig.importer.taken) == 1, "a refused package is not dropped again unasked"
        rig.importer.refuses = ""
        await rig.desk.retry((await rig.one(1)).id)
        await rig.rest()
        rig.importer.run()
        await rig.after(300)
        assert await rig.status_of(1) == "visible"
        assert [action for _, _, action in rig.importer.taken] == ["create", "create"]


@pytest.mark.guarantee(5)
@played
async def test_a_silent_importer_is_an_alarm_and_a_late_answer_ends_it() -> None:
    async with Ground() as rig:
        await handed_over(rig)
        await rig.after(6000, step=300)
        assert (await rig.row(1))["status"] == "sent"
        await rig.after(1200, step=60)
        assert (await rig.row(1))["status"] == "held"
        assert (await rig.attention())["not_acknowledged"]["hint"]
        await rig.after(86400, step=1800)
        assert len(rig.lying()) == 1
        rig.importer.run()
        await rig.after(1200, step=60)
        assert await rig.status_of(1) == "visible"
        assert (await rig.one(1)).hold is None
        assert "not_acknowledged" not in await rig.attention()


@pytest.mark.guarantee(5)
@played
async def test_a_refused_correction_leaves_the_old_page_and_a_newer_one_goes_out() -> None:
    async with Ground() as rig:
        await handed_over(rig)
        rig.importer.run()
        await rig.after(300)
        rig.importer.refuses = "含敏感词"
        rig.correct(1)
        await rig.after(3600, step=300)
        rig.importer.run()
        await rig.after(900)
        assert (await rig.row(1))["status"] == "held"
        assert text_of(1, 1) in rig.page()
        rig.importer.refuses = ""
        rig.correct(1, 3)
        await rig.after(3600, step=300)
        rig.importer.run()
        await rig.after(900)
        assert await rig.status_of(1) == "visible"
        assert text_of(1, 3) in rig.page()
        assert [action for _, _, action in rig.importer.taken] == ["create", "update", "update"]


@played
async def test_a_page_that_shows_it_counts_without_any_answer() -> None:
    async with Ground(answers=False) as rig:
        await handed_over(rig)
        rig.importer.run()
        rig.importer.answers = True
        rig.importer._answer_for(next(iter(rig.importer.pages.values())), "published")
        await rig.after(120)
        rig.importer.answers = False
        rig.correct(1)
        await rig.after(3600, step=300)
        rig.importer.run()
        await rig.after(120)
        assert await rig.status_of(1) == "visible"
        assert (await rig.one(1)).ref.state == "public"  # type: ignore[union-attr]
        await rig.after(3 * 86400, step=3600)
        assert await rig.status_of(1) == "visible", "an answer that never comes is no news once the page was seen"
        rig.servers["county"].say(text_reply(500))
        await rig.after(9 * 86400, step=7200)
        row = await rig.row(1)
        assert (row["status"], row["reason"]) == ("visible", "page_500"), "that nobody answered is no sign that it was removed"
        rig.servers["county"].well()
        await rig.after(8 * 86400, step=7200)
        assert (await rig.row(1))["reason"] == ""


@played
async def test_without_answers_the_page_is_found_on_the_column() -> None:
    async with Ground(options='list_url = "http://county.example/zc/"', answers=False) as rig:
        await handed_over(rig)
        assert (await rig.row(1))["reason"] in ("address_unknown", "list_not_understood")
        rig.importer.run()
        await rig.after(900)
        assert await rig.status_of(1) == "visible"
        assert (await rig.one(1)).ref.url == "http://county.example/p/1.html"  # type: ignore[union-attr]


@played
async def test_an_editor_publishes_what_was_dropped_as_a_draft() -> None:
    async with Ground(more='post_as = "draft"') as rig:
        await handed_over(rig)
        assert checked(rig.root / "packages" / rig.lying()[0])["state"] == "draft"
        rig.importer.run()
        await rig.after(900)
        assert (await rig.row(1))["reason"] == "waiting_for_editor"
        (key,) = rig.importer.pages
        rig.importer.publish(key)
        await rig.after(900)
        assert await rig.status_of(1) == "visible"


@played
async def test_withdrawn_before_anybody_knew_its_address_ends_without_a_look() -> None:
    async with Ground(options='ack = { within = "1d" }', tells_url=False) as rig:
        await handed_over(rig)
        rig.recall(1)
        await rig.after(7200, step=300)
        rig.importer.run()
        await rig.after(1800, step=60)
        assert await rig.status_of(1) == "withdrawn"
        assert [action for _, _, action in rig.importer.taken] == ["create", "withdraw"]


@pytest.mark.guarantee(1)
@played
async def test_killed_after_each_package_nothing_is_lost_or_doubled() -> None:
    async with Ground() as rig:
        await rig.begin()
        for id in (1, 2, 3):
            rig.publish(id)
            await rig.stage("poll", "read", "route", "approve", "work")
            await rig.restart()
            await rig.after(1200, step=60)
            rig.importer.run()
        await rig.after(1200, step=60)
        assert [await rig.status_of(id) for id in (1, 2, 3)] == ["visible"] * 3
        assert len(rig.importer.taken) == 3
        assert {page.title for page in rig.importer.pages.values()} == {title_of(id) for id in (1, 2, 3)}


@played
async def test_a_silent_importer_does_not_stop_other_documents() -> None:
    async with Ground() as rig:
        await handed_over(rig)
        await rig.after(9000, step=600)
        rig.publish(2)
        await rig.after(900)
        assert len(rig.lying()) == 2
        assert rig.engine.deps.sites["county"].gate.state == "ok"
        assert machine.status(await rig.one(2)) is machine.Status.SENT


URL = 'url = "/p/{key}.html"'
LIST = 'list_url = "http://county.example/zc/"'


def column() -> dict[str, Page]:
    """A column on which other documents stand already."""
    return {f"k{n}": Page(n, f"k{n}", 1, f"关于第{n}件旧事的通报", "<p>旧文。</p>", "public") for n in (90, 91, 92)}


@pytest.mark.guarantee(4)
@pytest.mark.parametrize("options", [URL, LIST], ids=["url", "list"])
@played
async def test_a_draft_that_nobody_answers_for_waits_for_its_editor(options: str) -> None:
    async with Ground(options, 'post_as = "draft"', answers=False, by_key=True, pages=column()) as rig:
        await handed_over(rig)
        rig.importer.run()
        await rig.after(7200, step=300)
        row = await rig.row(1)
        assert (row["status"], row["reason"]) == ("sent", "waiting_for_editor" if options == URL else "address_unknown")
        rig.correct(1)
        await rig.after(7200, step=300)
        rig.importer.run()
        assert [action for _, _, action in rig.importer.taken] == ["create", "update"], "a correction is not held up"
        list(rig.importer.pages.values())[-1].state = "public"
        await rig.after(1800, step=60)
        assert await rig.status_of(1) == "visible"
        rig.servers["county"].say(text_reply(500))
        await rig.after(9 * 86400, step=7200)
        assert await rig.status_of(1) == "visible", "that nobody answered is no sign that it was unpublished"
        rig.servers["county"].well()
        await rig.desk.withdraw((await rig.one(1)).id, actor="操作员", reason="误发")
        await rig.after(7200, step=300)
        rig.importer.run()
        await rig.after(1800, step=60)
        assert await rig.status_of(1) == "withdrawn"
        assert rig.importer.taken[-1][2] == "withdraw"


@pytest.mark.guarantee(4)
@played
async def test_a_draft_recalled_before_its_editor_saw_it_is_asked_back() -> None:
    async with Ground(URL, 'post_as = "draft"', answers=False, by_key=True) as rig:
        await handed_over(rig)
        rig.importer.run()
        await rig.after(7200, step=300)
        await rig.desk.withdraw((await rig.one(1)).id, actor="操作员", reason="误发")
        await rig.after(6 * 3600, step=600)
        rig.importer.run()
        assert [action for _, _, action in rig.importer.taken] == ["create", "withdraw"]


@pytest.mark.guarantee(4)
@played
async def test_a_page_that_reads_as_before_does_not_show_the_update() -> None:
    """A paragraph was struck out: all that is left stands on the old page, too."""
    async with Ground() as rig:
        await handed_over(rig)
        rig.importer.run()
        await rig.after(300)
        assert await rig.status_of(1) == "visible"
        for version, refuses in ((2, ""), (3, "附件过大")):
            rig.clock.advance(1)
            left = text_of(1).partition("</p>")[2] + '<p><img src="/v.png"></p>' * (version - 2)
            rig.lists["central"].correct(1, left, rig.clock.true)
            await rig.after(3600, step=300)
            row = await rig.row(1)
            assert (row["status"], row["reason"]) == ("sent", "waiting_for_importer"), version
            rig.importer.refuses = refuses
            rig.importer.run()
            await rig.after(900, step=60)
            row = await rig.row(1)
            assert (row["status"], row["reason"]) == (("held", "importer_refused") if refuses else ("visible", ""))


@pytest.mark.guarantee(4)
@played
async def test_a_recall_of_what_is_on_no_column_yet_is_not_done_until_somebody_sees_it() -> None:
    async with Ground(LIST, answers=False, pages=column()) as rig:
        await handed_over(rig)
        rig.recall(1)
        await rig.after(7200, step=300)
        row = await rig.row(1)
        assert (row["status"], row["reason"]) == ("sent", "withdrawal_unconfirmed"), "both packages still lie there"
        packages = rig.root / "packages"
        rig.importer._take(packages / rig.lying()[0])  # the importer is at the first one now
        await rig.after(900, step=60)
        assert (await rig.row(1))["status"] == "sent"
        assert (await rig.one(1)).ref.state == "withdrawn"  # type: ignore[union-attr]
        rig.importer.run()
        await rig.after(1800, step=60)
        assert await rig.status_of(1) == "withdrawn"
