"""The real engine with the WordPress adapter: every lost answer, death and local edit ends in one right public post."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from syncd.errors import Unknown
from syncd.testing.fakecms import Switches
from syncd.testing.faults import Crash
from tests.adapters.wordpress.fake import PASSWORD, Companion, FakeWordPress, Row
from tests.engine.rig import Rig, played, route, source, text_reply

LOST = Unknown("timeout", "no answer came")
SITE = """
[[sites]]
name = "county"
site_name = "某县人民政府"
adapter = "wordpress"
public_url = "http://county.example"
settle = "600s"
options = { api_url = "http://county.example", user = "syncd", password = { file = "password" } }
"""
NOTICE = "本文件已由发布来源撤回或废止"


class Ground(Rig):
    """A county whose CMS is WordPress. guarded: with our companion plug-in there."""

    guarded = False

    def __init__(self, more: str = "") -> None:
        super().__init__(source() + SITE + route(more=more), switches=Switches())
        self.wordpress = FakeWordPress("http://county.example", companion=Companion() if self.guarded else None)
        password = Path(self._folder.name) / "password"
        password.write_text(PASSWORD)
        password.chmod(0o600)

    def _serve(self, name: str, handler: Callable[..., Any]) -> None:
        super()._serve(name, self.wordpress.handle if name == "county" else handler)

    def shown(self) -> list[Row]:
        return [row for row in self.wordpress.posts() if row.status == "publish"]

    def person(self, method: str, path: str, body: str = "") -> None:
        """Somebody at the site does something."""
        import base64

        login = base64.b64encode(f"editor:{PASSWORD}".encode()).decode()
        headers = {"authorization": f"Basic {login}", "content-type": "application/json"}
        status, _, told = self.wordpress.handle(method, f"/wp-json/wp/v2{path}", headers, body.encode(), self.clock.true)
        assert status < 300, told

    def dies_at(self, n: int, *, after: bool) -> None:
        """kill -9 at the n-th write, before or after WordPress has done it."""
        server, seen = self.servers["county"], [0]

        def dying(method: str, path: str, *rest: Any) -> Any:
            if method == "GET":
                return self.wordpress.handle(method, path, *rest)
            seen[0] += 1
            if seen[0] == n and not after:
                raise Crash("kill -9")
            reply = self.wordpress.handle(method, path, *rest)
            if seen[0] == n:
                raise Crash("kill -9")
            return reply

        server.handler = dying


@pytest.fixture(params=["without companion", "with companion"], autouse=True)
def guarded(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    there = bool(request.param == "with companion")
    monkeypatch.setattr(Ground, "guarded", there)
    return there


def nth_write(n: int) -> Callable[[str, str], bool]:
    seen = [0]

    def is_it(method: str, path: str) -> bool:
        seen[0] += method != "GET"
        return method != "GET" and seen[0] == n

    return is_it


async def posted(rig: Ground, id: int = 1) -> Row:
    await rig.begin()
    rig.publish(id)
    await rig.after(60)
    assert await rig.status_of(id) == "visible"
    (row,) = rig.shown()
    return row


@played
async def test_a_policy_is_posted_seen_corrected_and_withdrawn() -> None:
    async with Ground() as rig:
        row = await posted(rig)
        rig.correct(1)
        await rig.after(600)
        assert await rig.status_of(1) == "visible"
        assert "第2版" in rig.shown()[0].content
        rig.lists["central"].withdraw(1, rig.clock.true)
        await rig.after(7200)
        assert await rig.status_of(1) == "withdrawn"
        assert NOTICE in rig.wordpress.rows[row.id].content
        assert len(rig.wordpress.posts()) == 1


@pytest.mark.parametrize(("how", "status"), [("notice", "publish"), ("unpublish", "private"), ("delete", "trash")])
@played
async def test_a_withdrawal_of_every_kind_is_seen_and_stays(how: str, status: str) -> None:
    async with Ground() as rig:
        rig.config_text = rig.config_text.replace('user = "syncd"', f'user = "syncd", withdraw = "{how}"')
        await rig.restart()
        row = await posted(rig)
        rig.lists["central"].withdraw(1, rig.clock.true)
        await rig.after(30 * 3600, step=900)
        assert await rig.status_of(1) == "withdrawn"
        assert rig.wordpress.rows[row.id].status == status
        await rig.after(26 * 3600, step=1800)
        assert await rig.status_of(1) == "withdrawn"


@pytest.mark.guarantee(2)
@pytest.mark.parametrize("answer", ["lost_before", "lost_after", "error500", "page200", "bad_gateway"])
@pytest.mark.parametrize("n", [1, 2])
@played
async def test_whichever_answer_of_a_create_goes_wrong_one_post_is_public_in_the_end(n: int, answer: str) -> None:
    async with Ground() as rig:
        await rig.begin()
        rig.publish(1)
        says: Any = {"error500": text_reply(500), "page200": text_reply(200, b"<html>x"), "bad_gateway": text_reply(502)}
        rig.servers["county"].say(says.get(answer, LOST), on=nth_write(n), after=answer != "lost_before", times=1)
        await rig.after(1500, step=20)
        assert await rig.status_of(1) == "visible"
        assert [row.status for row in rig.wordpress.posts()] == ["publish"]


@pytest.mark.guarantee(2)
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("n", [1, 2])
@played
async def test_whenever_it_is_killed_one_post_is_public_in_the_end(n: int, after: bool) -> None:
    async with Ground() as rig:
        await rig.begin()
        rig.publish(1)
        rig.dies_at(n, after=after)
        await rig.stage("poll", "read", "route")
        with pytest.raises(Crash):
            await rig.stage("work")
        rig.servers["county"].handler = rig.wordpress.handle
        await rig.restart()
        await rig.after(1500, step=20)
        assert await rig.status_of(1) == "visible"
        assert [row.status for row in rig.wordpress.posts()] == ["publish"]


@pytest.mark.guarantee(3)
@pytest.mark.parametrize("after", [False, True])
@played
async def test_a_correction_whose_answer_was_lost_is_no_edit_of_somebody_else(after: bool) -> None:
    async with Ground() as rig:
        await posted(rig)
        rig.servers["county"].say(LOST, on=nth_write(1), after=after, times=1)
        rig.correct(1)
        await rig.after(1800, step=20)
        assert await rig.status_of(1) == "visible"
        assert "第2版" in rig.shown()[0].content


@pytest.mark.guarantee(3)
@played
async def test_a_request_that_publishes_late_comes_before_whatever_is_written_next() -> None:
    """The answer to the draft came, the request that publishes it is under way; nothing newer may be written meanwhile."""
    async with Ground() as rig:
        await rig.begin()
        rig.publish(1)
        held: list[tuple[Any, ...]] = []
        server = rig.servers["county"]

        def swallowing(method: str, path: str, *rest: Any) -> Any:
            if method == "POST" and "/posts/" in path and not held:
                held.append((method, path, *rest))
                raise LOST
            return rig.wordpress.handle(method, path, *rest)

        server.handler = swallowing
        await rig.after(60, step=20)
        rig.correct(1)
        await rig.after(400, step=20)
        assert [row.status for row in rig.wordpress.posts()] == ["draft"]
        rig.wordpress.handle(*held[0][:4], rig.clock.true)
        await rig.after(1200, step=20)
        assert "第2版" in rig.shown()[0].content
        assert await rig.status_of(1) == "visible"


@pytest.mark.guarantee(3)
@pytest.mark.parametrize("status", ["draft", "private", "trash"])
@played
async def test_what_an_editor_took_from_public_view_is_not_published_again_unasked(status: str) -> None:
    async with Ground() as rig:
        row = await posted(rig)
        if status == "trash":
            rig.person("DELETE", f"/posts/{row.id}")
        else:
            rig.person("POST", f"/posts/{row.id}", f'{{"status": "{status}"}}')
        rig.correct(1)
        await rig.after(1200)
        assert rig.shown() == []
        assert await rig.status_of(1) == "gone"
        assert (await rig.one(1)).reason == "unpublished_at_site"


@pytest.mark.guarantee(3)
@played
async def test_what_an_editor_rewrote_is_kept_and_a_person_is_asked() -> None:
    async with Ground() as rig:
        row = await posted(rig)
        rig.person("POST", f"/posts/{row.id}", '{"content": "<p>local</p>"}')
        rig.correct(1)
        await rig.after(1200)
        assert rig.shown()[0].content == "<p>local</p>"
        assert await rig.status_of(1) == "edited"


@pytest.mark.guarantee(3)
@played
async def test_an_edit_while_a_correction_is_under_way_is_lost_without_the_companion_and_kept_with_it(guarded: bool) -> None:
    """What class C can't promise, and class A does."""
    async with Ground() as rig:
        row = await posted(rig)
        server = rig.servers["county"]

        def edited(method: str, path: str, *rest: Any) -> Any:
            if method == "POST":
                server.handler = rig.wordpress.handle
                rig.person("POST", f"/posts/{row.id}", '{"content": "<p>local</p>"}')
            return rig.wordpress.handle(method, path, *rest)

        server.handler = edited
        rig.correct(1)
        await rig.after(1200)
        assert (rig.shown()[0].content == "<p>local</p>") is guarded
        assert await rig.status_of(1) == ("edited" if guarded else "visible")


@pytest.mark.guarantee(2)
@played
async def test_a_companion_that_is_removed_while_we_run_changes_the_class_and_nothing_else(guarded: bool) -> None:
    async with Ground() as rig:
        await posted(rig)
        adapter = rig.engine.deps.sites["county"].adapter
        assert adapter.capabilities.guarantee == ("A" if guarded else "C")
        rig.wordpress.companion = None
        rig.correct(1)
        rig.publish(2)
        await rig.after(1200)
        assert adapter.capabilities.guarantee == "C"
        assert [await rig.status_of(id) for id in (1, 2)] == ["visible", "visible"]
        assert "第2版" in rig.shown()[0].content
        assert len(rig.wordpress.posts()) == 2
        assert len(rig.log.events("companion_lost")) == (1 if guarded else 0)


@played
async def test_a_post_whose_address_an_editor_changed_is_corrected_there() -> None:
    async with Ground() as rig:
        row = await posted(rig)
        rig.person("POST", f"/posts/{row.id}", '{"slug": "bendi-dizhi"}')
        rig.correct(1)
        await rig.after(1200)
        (after,) = rig.shown()
        assert (after.id, after.slug) == (row.id, "bendi-dizhi")
        assert "第2版" in after.content
        assert await rig.status_of(1) == "visible"


@pytest.mark.guarantee(2)
@played
async def test_a_request_that_arrives_after_its_settling_time_is_never_public_and_is_swept_at_an_audit(
    guarded: bool
) -> None:
    """With the companion it makes nothing."""
    async with Ground() as rig:
        await rig.begin()
        rig.publish(1)
        held: list[tuple[Any, ...]] = []

        def swallowing(method: str, path: str, *rest: Any) -> Any:
            if method == "POST" and not held:
                held.append((method, path, *rest))
                raise LOST
            return rig.wordpress.handle(method, path, *rest)

        rig.servers["county"].handler = swallowing
        await rig.after(1200, step=20)
        assert await rig.status_of(1) == "visible"
        rig.wordpress.handle(*held[0][:4], rig.clock.true)
        assert sorted(row.status for row in rig.wordpress.posts()) == (["publish"] if guarded else ["draft", "publish"])
        await rig.after(2 * 3600, step=300)
        assert [row.status for row in rig.wordpress.posts()] == ["publish"]
        assert rig.counted("syncd_failures_total", stage="sweep", reason="late_twin") == (0 if guarded else 1)
        assert len(rig.log.events("late_twin")) == (0 if guarded else 1)


@played
async def test_a_sweep_that_fails_says_so_and_changes_nothing_of_the_repost() -> None:
    async with Ground() as rig:
        await posted(rig)
        rig.servers["county"].say(text_reply(500), on=lambda method, path: "status=" in path)
        await rig.after(2 * 3600, step=300)
        assert await rig.status_of(1) == "visible"
        assert rig.log.events("sweep_failed")
        assert rig.servers["county"].count("POST") == 2


@played
async def test_the_sweep_is_made_at_the_first_audits_and_then_no_more() -> None:
    async with Ground() as rig:
        await posted(rig)
        rig.servers["county"].asked.clear()
        await rig.after(9 * 86400, step=3600)
        assert rig.servers["county"].count("GET /wp-json/wp/v2/posts?slug") == 2
        await rig.after(60 * 86400, step=12 * 3600)
        assert rig.servers["county"].count("GET /wp-json") == 2


@played
async def test_a_draft_waits_for_the_editor_and_is_clocked_when_a_person_publishes_it() -> None:
    async with Ground('post_as = "draft"') as rig:
        await rig.begin()
        rig.publish(1)
        await rig.after(900)
        (row,) = rig.wordpress.posts()
        assert row.status == "draft"
        assert (await rig.one(1)).reason == "waiting_for_editor"
        rig.person("POST", f"/posts/{row.id}", '{"status": "publish"}')
        await rig.after(900)
        assert await rig.status_of(1) == "visible"


@pytest.mark.guarantee(5)
@played
async def test_a_refused_login_stops_the_site_keeps_the_queue_and_goes_on_when_mended() -> None:
    async with Ground() as rig:
        await rig.begin()
        rig.wordpress.passwords = False
        rig.publish(1)
        await rig.after(600)
        assert rig.wordpress.posts() == []
        assert (await rig.site_row())["state"] == "stopped"
        rig.wordpress.passwords = True
        await rig.after(3600)
        assert await rig.status_of(1) == "visible"

