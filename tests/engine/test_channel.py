"""A channel with few characters, whose pages a script draws: what was really posted is what is looked for."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import Any

import pytest

from syncd.adapters.api import Capabilities
from syncd.testing import fakecms
from tests.engine.rig import Rig, pages, played, text_of, title_of

MOST = 50


@pytest.fixture(autouse=True)
def _few_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    def declared(options: Any, before: Any = fakecms._capabilities) -> Capabilities:
        return replace(before(options), max_shown=MOST, scripted=True)

    monkeypatch.setattr(fakecms, "_capabilities", declared)


def drawn(title: str, text: str) -> tuple[int, dict[str, str], bytes]:
    """A page of which the browser makes something only by a script."""
    page = f'<title>某县: "{escape(title)}"</title><meta name="description" content="{escape(text)}"><div id="app"></div>'
    return 200, {"content-type": "text/html; charset=utf-8"}, page.encode()


async def posted(rig: Rig) -> Any:
    await rig.begin()
    rig.publish(1)
    await rig.after(60, step=5)
    (post,) = rig.posts()
    return post


@pytest.mark.guarantee(4)
@played
async def test_the_beginning_of_a_document_is_posted_and_seen_where_a_script_draws_it() -> None:
    async with Rig() as rig:
        rig.servers["county"].say((404, {}, b""), on=pages)
        post = await posted(rig)
        shown = post.html.removeprefix("<p>").removesuffix("</p>").replace("</p><p>", "\n")
        assert post.html != text_of(1)
        assert len(post.title) + len(shown) <= MOST
        assert shown.endswith("…")
        rig.servers["county"].say(drawn(title_of(1), f"{title_of(1)}\n\n{shown}\n\n来源：中国政府网"), on=pages)
        await rig.after(600, step=10)
        assert await rig.status_of(1) == "visible"
        assert rig.creates() == 1


@pytest.mark.guarantee(4)
@pytest.mark.parametrize("told", ["", "别的简讯，与本件无关，也不是同一份文件的开头部分。"])
@played
async def test_a_page_that_tells_another_text_or_none_does_not_show_it(told: str) -> None:
    async with Rig() as rig:
        rig.servers["county"].say(drawn(title_of(1), told), on=pages)
        await posted(rig)
        await rig.after(600, step=10)
        assert await rig.status_of(1) == "sent"
