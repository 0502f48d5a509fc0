"""The operator's guide, run from a bare checkout to a timed repost on a real WordPress."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, blocks
from tests.docs.stage import DOCUMENTS, Stage
from tests.wordpress.server import WordPress

GUIDE = ROOT / "docs/guide.md"


@pytest.fixture
def stage(tmp_path: Path, wordpress: WordPress) -> Iterator[Stage]:
    made = Stage(tmp_path, wordpress)
    yield made
    made.close()


@pytest.mark.servers
def test_the_guides_steps_end_with_a_timed_repost_on_wordpress(stage: Stage) -> None:
    judged = {}
    for block in blocks(GUIDE.read_text("utf-8")):
        stage.play(block)
        if "/root/reposts.json" in block.text:
            judged = {row["id"]: row for row in stage.syncd("reposts")}
            story = stage.syncd("explain", "4")
    print(judged)
