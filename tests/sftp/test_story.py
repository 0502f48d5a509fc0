"""A county over SFTP with connections cut at random and fifty deaths: every document once, with its right text."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from syncd.testing.fakecms import Switches
from tests.adapters.drop.importer import Importer
from tests.adapters.drop.kit import Box, played, sftp_server
from tests.engine.rig import Rig, route, source, text_of, title_of

pytestmark = [pytest.mark.servers, pytest.mark.guarantee(2)]
SITE = """
[[sites]]
name = "county"
site_name = "某县人民政府"
adapter = "sftp"
public_url = "http://county.example"
settle = "600s"
options = {{ server = "sftp://127.0.0.1:{port}/", user = "drop", host_key = "{host_key}", {more} }}
"""
MORE = 'password = { file = "password" }, ack = { within = "2d" }'
KILLS = 50


class Ground(Rig):
    """A county whose CMS takes packages by SFTP."""

    def __init__(self, box: Box) -> None:
        super().__init__(source() + SITE.format(port=box.port, host_key=box.host_key, more=MORE) + route(), switches=Switches())
        self.importer = Importer(box.root)
        password = Path(self._folder.name) / "password"
        password.write_text(box.password)
        password.chmod(0o600)

    def _serve(self, name: str, handler: Any) -> None:
        super()._serve(name, self.importer.handle if name == "county" else handler)


@pytest.mark.parametrize("seed", [1, 2])
@played
async def test_fifty_deaths_and_cut_connections_lose_and_double_nothing(seed: int, tmp_path: Path) -> None:
    dice = Random(seed)
    async with sftp_server(tmp_path) as box, Ground(box) as rig:
        await rig.begin()
        for n in range(KILLS):
            happens(rig, dice, n)
            box.strikes = lambda call, number: dice.choice(("before", "after")) if dice.random() < 0.02 else ""
            await rig.stage("poll", "read", "route", "approve", "work")
            await rig.restart()
            box.cut()
            rig.importer.look()
            await rig.after(dice.choice((60, 900)), step=60)
            rig.importer.run()
        box.strikes = lambda call, number: ""
        for _ in range(12):
            await rig.after(900, step=300)
            rig.importer.run()
        await proved(rig)
        for site in rig.engine.deps.sites.values():
            await site.adapter.aclose()


def happens(rig: Ground, dice: Random, n: int) -> None:
    """Every third time a document appears, else one is corrected: of those that were least, since five a day are too many."""
    if n % 3 == 0:
        rig.publish(n + 1)
        return
    policies = [policy for policy in rig.lists["central"].policies.values() if policy.id <= n]
    least = min(policy.version for policy in policies)
    chosen = dice.choice([policy for policy in policies if policy.version == least])
    rig.correct(chosen.id, n + 2)


async def proved(rig: Ground) -> None:
    """Every document is visible once with its newest text, and no package was taken that an older one had gone before."""
    texts = {policy.title: policy.text for policy in rig.lists["central"].policies.values()}
    for id in range(1, KILLS + 1, 3):
        assert await rig.status_of(id) == "visible", await rig.row(id)
    pages = {page.title: page for page in rig.importer.pages.values()}
    assert set(pages) == {title_of(id) for id in range(1, KILLS + 1, 3)}
    assert len(pages) == len(rig.importer.pages)
    for title, page in pages.items():
        assert page.html == texts[title]
    taken = [(key, sequence) for key, sequence, _ in rig.importer.taken]
    assert len(set(taken)) == len(taken)
    assert [action for _, _, action in rig.importer.taken].count("create") == len(pages)
    assert text_of(1) != pages[title_of(1)].html, "nothing was corrected"
