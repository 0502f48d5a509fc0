"""`syncd read` prints a list as design section 10 says, whatever it is, and writes nothing."""

from __future__ import annotations

import http.server
import json
import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from syncd.cli import main, read
from syncd.model import Entry, Instant, Precision
from syncd.sources.api import Listing
from tests.cli.desk import FakeDoors

SAMPLE = Path(__file__).parents[3] / "shared" / "samples" / "govcn" / "zuixin_feed_head25.json"
ENTRY = [
    "key", "title", "url", "published", "updated", "summary", "content_html", "author", "categories", "issuer",
    "document_number", "index_number", "written", "aliases", "attachments",
]
FEED = """<?xml version="1.0" encoding="gb18030"?><rss version="2.0"><channel><title>t</title><item>
<title>关于公布第一批名单的通知</title><link>https://p.example/1.html</link><guid>https://p.example/1.html</guid>
<pubDate>Tue, 01 Sep 2026 17:03:00 +0800</pubDate>
<description><![CDATA[<p onclick="x()">正文</p><script>alert(1)</script>]]></description>
</item></channel></rss>""".encode("gb18030")


class _Clock(FakeDoors):
    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now(UTC)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/rss.xml"
            self.send_response(302 if self.path == "/away" else 200 if found else 404)
            self.send_header("Location", "http://127.0.0.2:9/metadata")
            self.send_header("Content-Type", "application/rss+xml")
            self.send_header("Content-Length", str(len(FEED) if found else 0))
            self.end_headers()
            self.wfile.write(FEED if found else b"")

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def _read(args: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    code = main(["read", *args, "--json"], doors=_Clock())
    return code, json.loads(capsys.readouterr().out)


def test_a_file_in_gb18030_is_read_without_a_config_and_its_html_is_clean(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rss.xml"
    path.write_bytes(FEED)
    before = sorted(os.listdir(tmp_path))
    code, told = _read([str(path)], capsys)
    assert (code, told["ok"], told["source"]) == (0, True, "rss.xml")
    entry = told["entries"][0]
    assert list(entry)[: len(ENTRY)] == ENTRY
    assert entry["title"] == "关于公布第一批名单的通知"
    assert entry["published"]["value"].startswith("2026-09-01T17:03")
    assert "script" not in entry["content_html"] + entry["summary"]
    assert "onclick" not in entry["content_html"]
    assert sorted(os.listdir(tmp_path)) == before


def test_gov_cns_list_gives_25_entries_of_day_precision_and_no_problem(capsys: pytest.CaptureFixture[str]) -> None:
    if not SAMPLE.exists():
        pytest.skip(f"the sample {SAMPLE.name} is not beside this project")
    code, told = _read([str(SAMPLE), "--kind", "govcn"], capsys)
    assert (code, len(told["entries"]), told["problems"]) == (0, 25, [])
    assert {entry["published"]["precision"] for entry in told["entries"]} == {"day"}
    assert all(len(entry["published"]["value"]) == 10 for entry in told["entries"])


@pytest.mark.guarantee(4)
def test_a_page_where_a_feed_should_be_is_a_failed_read_with_a_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "page.html"
    path.write_text("<!doctype html><html><body>维护中</body></html>", "utf-8")
    code, told = _read([str(path)], capsys)
    assert (code, told["ok"], told["entries"]) == (1, False, [])
    assert told["problems"][0]["reason"] == "not_a_feed"
    assert told["problems"][0]["hint"]


def test_a_folder_is_told_how_a_relays_folder_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(tmp_path), "--kind", "relay"], doors=_Clock()) == 2
    told = capsys.readouterr().err
    assert "this is a folder" in told
    assert "options.public_key" in told


def test_an_address_is_read_only_where_it_may_be_reached(served: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = _read([f"{served}/rss.xml"], capsys)
    assert (code, told["problems"][0]["reason"]) == (1, "blocked_address")
    assert told["problems"][0]["hint"] == "127.0.0.1 is not a public address; say --allow-private if it is meant so"
    code, told = _read([f"{served}/rss.xml", "--allow-private"], capsys)
    assert (code, len(told["entries"])) == (0, 1)
    code, told = _read([f"{served}/gone.xml", "--allow-private"], capsys)
    assert (code, told["problems"][0]["reason"]) == (1, "not_found")


def test_only_the_host_and_port_of_the_address_itself_may_be_private(
    served: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f'[[sources]]\nname = "p"\nkind = "feed"\nurl = "{served}/away"\nallow_private = true\n')
    for args in ([f"{served}/away", "--allow-private"], ["p", "--config", str(path)]):
        code, told = _read(args, capsys)
        assert (code, told["problems"][0]["reason"]) == (1, "blocked_address")
        assert not told["problems"][0]["hint"].endswith("say --allow-private if it is meant so"), "that would not help"


def test_a_configured_source_is_read_with_its_own_settings(
    served: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.toml"
    text = f'[[sources]]\nname = "p"\nkind = "feed"\nurl = "{served}/rss.xml"\nallow_private = true\n'
    path.write_text(text + 'options = { full_text = "never" }\n')
    code, told = _read(["p", "--config", str(path)], capsys)
    assert (code, told["source"], len(told["entries"])) == (0, "p", 1)
    path.write_text(text + 'options = { full_txt = "never" }\n')
    assert main(["read", "p", "--config", str(path)], doors=_Clock()) == 2
    assert 'options.full_txt: unknown key; did you mean "full_text"?' in capsys.readouterr().err


def test_a_name_that_is_nothing_is_a_usage_error_that_lists_the_sources(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.toml"
    assert main(["read", "nothing", "--config", str(path)], doors=_Clock()) == 2
    path.write_text('[[sources]]\nname = "p"\nkind = "feed"\nurl = "https://p.example/"\n')
    assert main(["read", "nothing", "--config", str(path)], doors=_Clock()) == 2
    assert f"the sources in {path} are: p" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("precision", "value"),
    [(Precision.DAY, "2026-09-01"), (Precision.MINUTE, "2026-09-01T00:00+08:00"),
     (Precision.SECOND, "2026-09-01T00:00:00+08:00")],
)
@pytest.mark.parametrize("zone", ["+08:00", "Asia/Shanghai"])
def test_a_time_is_printed_no_more_exactly_than_it_is_known(precision: Precision, value: str, zone: str) -> None:
    at = datetime(2026, 9, 1, tzinfo=UTC) - timedelta(hours=8)
    assert read.instant(Instant(at, precision, "raw", zone)) == {
        "value": value, "precision": precision.value, "raw": "raw", "zone": zone,
    }


def test_content_too_hostile_to_clean_is_left_out_and_told() -> None:
    entry = Entry("k", "t", "https://p.example/", content_html="<div>" * 5000)
    told = read.facts("p", Listing((entry,)))
    assert told["ok"] is True
    assert told["entries"][0]["content_html"] == ""
    assert told["problems"][0]["where"] == "[0].content_html"
    assert told["problems"][0]["reason"] == "body_too_deep"


def test_a_document_page_is_printed_with_all_that_it_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(__file__).parents[1] / "sources" / "pages" / "library.html"
    assert main(["read", str(path)], doors=_Clock()) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert "title: 粮食部 财政部 商务部关于粮食的通知" in lines
    assert "issuer: 粮食部 财政部 商务部" in lines
    assert "number: -" in lines
    assert "written: 2026-04-14 (day)" in lines
    assert "published: 2026-04-15 22:12:07 +08:00 (second)" in lines
    assert "repeals: 云粮发〔2001〕3号 粮食储备旧办法" in lines
