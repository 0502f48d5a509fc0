"""The real engine with declared sites: every lost answer, death and local edit ends in one right public post."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from syncd.errors import Unknown
from syncd.testing.fakecms import Switches
from syncd.testing.faults import Crash
from tests.adapters.http.halo import Halo
from tests.adapters.http.kit import EXAMPLES, SECRET
from tests.adapters.http.platform import Article, Platform
from tests.engine.rig import Rig, played, route, source, text_reply

LOST = Unknown("timeout", "no answer came")


def declared(name: str) -> str:
    """A shipped example for a county whose CMS and pages are on one host."""
    text = (EXAMPLES / f"{name}.toml").read_text("utf-8")
    text = re.sub(r"https://(?:cms|www)\.county\.example", "http://county.example", text)
    return text.replace('adapter = "http"', 'adapter = "http"\nsettle = "600s"').replace('"国务院文件" =', '"要闻国务院文件" =')


class Ground(Rig):
    """A county whose CMS is declared."""

    def __init__(self, name: str = "platform", *, more: str = "", change: Callable[[str], str] = lambda text: text) -> None:
        text = change(declared(name))
        if name == "halo":
            text = text.replace('"要闻国务院文件" =', '"要闻" =')
        super().__init__(source() + text + route(more=more), switches=Switches())
        self.fake: Any = Halo(SECRET) if name == "halo" else Platform(lifetime=3600)
        for file in re.findall(r'\{ file = "([^"]+)" \}', text):
            secret = Path(self._folder.name) / file
            secret.write_text(SECRET)
            secret.chmod(0o600)

    def _serve(self, name: str, handler: Callable[..., Any]) -> None:
        super()._serve(name, self.fake.handle if name == "county" else handler)

    def only(self) -> Article:
        (found,) = self.fake.live()
        return found  # type: ignore[no-any-return]

    def dies_at(self, n: int, *, after: bool) -> None:
        """kill -9 at the n-th write, before or after the CMS has done it."""
        server, seen = self.servers["county"], [0]

        def dying(method: str, path: str, *rest: Any) -> Any:
            if not is_write(method, path):
                return self.fake.handle(method, path, *rest)
            seen[0] += 1
            if seen[0] == n and not after:
                raise Crash("kill -9")
            reply = self.fake.handle(method, path, *rest)
            if seen[0] == n:
                raise Crash("kill -9")
            return reply

        server.handler = dying


def is_write(method: str, path: str) -> bool:
    return method != "GET" and "login" not in path


def nth_write(n: int) -> Callable[[str, str], bool]:
    seen = [0]

    def is_it(method: str, path: str) -> bool:
        seen[0] += is_write(method, path)
        return is_write(method, path) and seen[0] == n

    return is_it


async def posted(rig: Ground, id: int = 1) -> Article:
    await rig.begin()
    rig.publish(id)
    await rig.after(60)
    assert await rig.status_of(id) == "visible"
    return rig.only()


@pytest.mark.guarantee(1)
@played
async def test_a_policy_is_posted_seen_corrected_and_withdrawn() -> None:
    async with Ground() as rig:
        article = await posted(rig)
        assert (article.state, article.channel) == ("public", "yw")
        rig.correct(1)
        await rig.after(600)
        assert await rig.status_of(1) == "visible"
        assert "第2版" in rig.only().content
        rig.lists["central"].withdraw(1, rig.clock.true)
        await rig.after(30 * 3600, step=900)
        assert await rig.status_of(1) == "withdrawn"
        assert rig.only().state == "withdrawn"
        assert rig.fake.logins > 1, "the session ended meanwhile"


@pytest.mark.guarantee(2)
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("n", [1, 2])
@played
async def test_a_lost_answer_at_any_write_of_a_create_leaves_one_public_post(n: int, after: bool) -> None:
    async with Ground() as rig:
        await rig.begin()
        rig.servers["county"].say(LOST, on=nth_write(n), after=after, times=1)
        rig.publish(1)
        await rig.after(2400, step=60)
        assert await rig.status_of(1) == "visible"
        assert rig.only().state == "public"


@pytest.mark.guarantee(3)
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("n", [1, 2])
@played
async def test_a_lost_answer_at_any_write_of_an_update_ends_in_the_new_text_on_the_page(n: int, after: bool) -> None:
    async with Ground() as rig:
        await posted(rig)
        rig.servers["county"].say(LOST, on=nth_write(n), after=after, times=1)
        rig.correct(1)
        await rig.after(7200, step=60)
        assert await rig.status_of(1) == "visible"
        shown = rig.only().shown
        assert shown
        assert "第2版" in shown[1]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("n", [1, 2, 3, 4])
@played
async def test_a_process_that_dies_at_any_write_goes_on_where_it_was(n: int, after: bool) -> None:
    async with Ground() as rig:
        await rig.begin()
        rig.dies_at(n, after=after)
        rig.publish(1)
        try:
            await rig.after(60)
            rig.correct(1)
            await rig.after(600)
        except Crash:
            await rig.restart()
            rig.servers["county"].handler = rig.fake.handle
            await rig.after(2400, step=60)
            rig.correct(1)
            await rig.after(2400, step=60)
        assert await rig.status_of(1) == "visible"
        article = rig.only()
        assert article.shown
        assert "第2版" in article.shown[1]


@pytest.mark.guarantee(3)
@played
async def test_a_local_edit_stops_a_correction_and_stands() -> None:
    async with Ground() as rig:
        article = await posted(rig)
        rig.fake.edit(article.id, "<p>本县编辑补充。</p>")
        rig.correct(1)
        await rig.after(7200, step=300)
        assert await rig.status_of(1) == "edited"
        assert rig.only().content == "<p>本县编辑补充。</p>"


@played
async def test_what_an_editor_deleted_is_not_made_again() -> None:
    async with Ground() as rig:
        article = await posted(rig)
        rig.fake.remove(article.id)
        rig.correct(1)
        await rig.after(7200, step=300)
        assert rig.fake.live() == []


@played
async def test_a_firewalls_page_in_the_place_of_every_answer_posts_nothing_twice() -> None:
    async with Ground() as rig:
        await rig.begin()
        wall = text_reply(200, "<html><title>拦截</title><body>您的请求已被拦截</body></html>".encode())
        rig.servers["county"].say(wall, on=is_write, after=True, times=1)
        rig.publish(1)
        await rig.after(2400, step=60)
        assert await rig.status_of(1) == "visible"
        assert len(rig.fake.live()) == 1


@pytest.mark.guarantee(2)
@played
async def test_where_nothing_can_be_looked_up_a_doubt_waits_for_a_person() -> None:
    def without_find(text: str) -> str:
        start, end = text.index("[sites.options.find]"), text.index("[sites.options.read]")
        listed = text[start:end].replace("[sites.options.find]", "[sites.options.listed]")
        listed = re.sub(r"fields = \{.*\}\n", 'fields = { id = "td.id", title = "a" }\n', listed)
        return text[:start] + listed + text[end:]

    async with Ground(change=without_find) as rig:
        await posted(rig)
        rig.servers["county"].say(LOST, on=nth_write(1), after=True, times=1)
        rig.publish(2)
        await rig.after(7200, step=300)
        assert await rig.status_of(2) == "parked"
        assert len(rig.fake.live()) == 2, "nothing is posted twice"


@played
async def test_halo_whose_version_moves_by_itself_is_corrected_without_a_person() -> None:
    async with Ground("halo") as rig:
        await rig.begin()
        rig.publish(1)
        await rig.after(60)
        assert await rig.status_of(1) == "visible"
        (name,) = rig.fake.posts
        rig.fake._touch(name)
        rig.correct(1)
        await rig.after(3600, step=60)
        assert await rig.status_of(1) == "visible"
        assert "第2版" in rig.fake.texts[name]["released"]
        rig.lists["central"].withdraw(1, rig.clock.true)
        await rig.after(30 * 3600, step=900)
        assert await rig.status_of(1) == "withdrawn"
        assert rig.fake.posts[name]["spec"]["publish"] is False
