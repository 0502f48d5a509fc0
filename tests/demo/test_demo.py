"""The demo does what the README says, and its count does not believe its daemon."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest

from syncd.demo.count import count_posts
from syncd.demo.policies import BEDS, HEAT, OLD, RECALLED
from syncd.demo.publisher import Publisher
from syncd.demo.run import run
from syncd.demo.table import render
from syncd.errors import SyncdError
from syncd.report.forms import width

ROOT = Path(__file__).parent.parent.parent


def test_a_folder_that_no_demo_made_is_never_emptied(tmp_path: Path) -> None:
    for name in ("config.toml", "letter.txt"):
        (tmp_path / name).write_text("mine")
    with pytest.raises(SyncdError, match="no demo made it"):
        run(["--once", "--dir", str(tmp_path)])
    assert (tmp_path / "letter.txt").read_text() == "mine"


@pytest.mark.servers
@pytest.mark.guarantee(2)
def test_the_demo_ends_well_and_its_table_agrees_with_the_sites_pages(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "syncd", "demo", "--once", "--dir", str(tmp_path / "demo")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    posts = count_posts(tmp_path / "demo" / "site")
    rows = re.findall(r"^(\S.*?)  +(visible|edited|withdrawn) .* (\d+)$", done.stdout, re.MULTILINE)
    assert len(rows) == len(posts) == 7
    assert {count for _, _, count in rows} == {"1"}
    assert set(posts.values()) == {1}
    assert (
        f"Posts counted from the site's own pages: {len(posts)} for {len(posts)} documents; kill -9: 1" in done.stdout
    )
    assert "breached  source" in done.stdout
    assert all(word in done.stdout for word in ("syncd init", "syncd check", "syncd read"))


def test_the_count_finds_a_post_that_stands_twice_and_no_list_or_hidden_page(tmp_path: Path) -> None:
    page = '<html><head><meta name="syncd-key" content="k"></head><body><h1>通知 &amp; 附件</h1></body></html>'
    for place in ("a/1.html", "b/2.html", ".syncd/drafts/3.html"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(page, encoding="utf-8")
    (tmp_path / "index.html").write_text("<h1>通知 &amp; 附件</h1>", encoding="utf-8")
    assert count_posts(tmp_path) == {"通知 & 附件": 2}


def test_the_publisher_shows_changes_and_answers_a_conditional_get_with_304() -> None:
    publisher = Publisher()
    try:
        publisher.govcn.publish(BEDS, datetime(2026, 4, 15, 9, tzinfo=UTC))
        url = f"{publisher.url}/zhengce/zuixin/ZUIXINZHENGCE.json"
        with urllib.request.urlopen(url) as answer:
            tag, rows = answer.headers["ETag"], json.loads(answer.read().decode("utf-8-sig"))
        assert [row["TITLE"] for row in rows] == [BEDS.title]
        with pytest.raises(urllib.error.HTTPError, match="304"):
            urllib.request.urlopen(urllib.request.Request(url, headers={"If-None-Match": tag}))
        publisher.govcn.publish(OLD[0], datetime(2026, 4, 15, 10, tzinfo=UTC))
        with urllib.request.urlopen(urllib.request.Request(url, headers={"If-None-Match": tag})) as answer:
            assert answer.status == 200
    finally:
        publisher.close()


def test_the_publisher_loses_one_answer_when_told_to() -> None:
    publisher = Publisher()
    try:
        publisher.govcn.publish(BEDS, datetime(2026, 4, 15, 9, tzinfo=UTC))
        page = f"/zhengce/content/{BEDS.slug}.htm"
        publisher.govcn.drop.add(page)
        with pytest.raises(OSError, match="closed"):
            urllib.request.urlopen(publisher.url + page)
        with urllib.request.urlopen(publisher.url + page) as answer:
            assert BEDS.number in answer.read().decode()
        assert publisher.govcn.lost == 1
    finally:
        publisher.close()


def test_every_invented_policy_says_that_it_is_invented() -> None:
    publisher = Publisher()
    try:
        for shelf, policy in ((publisher.govcn, BEDS), (publisher.rss, HEAT), (publisher.rss, RECALLED)):
            shelf.publish(policy, datetime(2026, 4, 15, 9, tzinfo=UTC))
            found = publisher.answer(f"/x/{policy.slug}.htm")
            assert found is not None
            assert policy.says_so in found[0].decode()
    finally:
        publisher.close()


def test_the_table_aligns_chinese_by_its_width() -> None:
    lines = render(("document", "mark"), [("通知", "visible"), ("x" * 60, "sent")], width).splitlines()
    assert {width(line[: line.rindex(" ") + 1]) for line in lines[2:]} == {46}
