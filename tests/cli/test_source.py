"""`syncd source new` prints a block only if it reads with no problem; `syncd read` tries mappings and prints pages."""

from __future__ import annotations

import http.server
import json
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncd.cli import main
from syncd.cli.source import block
from syncd.config import load
from tests.cli.test_read import _Clock
from tests.docs.markdown import ROOT, blocks

ROW = '<li><a href="./t{n}.html">云山市人民政府关于第{n}号方案的通知</a><span>2026-04-0{n}</span></li>'
LIST = (
    '<!doctype html><html><head><title>政策</title></head><body><ul class="list">'
    + "".join(ROW.format(n=n) for n in range(1, 6))
    + "</ul></body></html>"
)
PAGED = LIST.replace("</body>", '<script>createPageHTML(3, 0, "index", "html");</script></body>')
MAPPING = '{ list = "ul.list > li", fields = { title = "a", url = "a@href", published = "span" } }'
DOCUMENT = (
    "<!doctype html><html><head><title>通知_市政府</title></head><body>"
    "<table><tr><td>标题：</td><td>关于方案的通知</td><td>发文机关：</td>"
    "<td>云山市人民政府</td></tr><tr><td>发文字号：</td><td>云政发〔2026〕9号</td><td>成文日期：</td><td>2026年04月10日</td></tr></table>"
    '<div class="TRS_Editor"><p>各县区人民政府：请认真贯彻执行。</p></div></body></html>'
)
FEED = (
    '<rss version="2.0"><channel><title>t</title><item><title>通知一二三四</title><link>https://p.example/1</link>'
    "<guid>1</guid><pubDate>Tue, 01 Sep 2026 17:03:00 +0800</pubDate></item></channel></rss>"
)
ANSWER = {
    "data": {
        "rows": [
            {"title": f"关于第{n}号文件的通知", "url": f"/{n}.html", "pubDate": f"2026-04-0{n}"} for n in range(1, 6)
        ]
    }
}
PAGES = {
    "/list.html": LIST,
    "/t1.html": DOCUMENT,
    "/feed.xml": FEED,
    "/list.json": json.dumps(ANSWER),
    "/news.html": LIST.replace(
        "<title>", '<link rel="alternate" type="application/rss+xml" title="新闻" href="/feed.xml"><title>'
    ),
    "/broken.html": LIST.replace(
        "<title>", '<link rel="alternate" type="application/rss+xml" href="/nothing.xml"><title>'
    ),
    "/paged/index.html": PAGED,
    "/paged/index_1.html": LIST.replace("./t", "./u"),
    "/alone/index.html": PAGED,
    "/same/index.html": PAGED,
    "/same/index_1.html": PAGED,
    "/app.html": '<!doctype html><html><title>x</title><body><div id="app"></div><script src="/x.js"></script></body></html>',
}


@pytest.fixture
def served() -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = PAGES.get(self.path, "").encode()
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def run(args: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main(args, doors=_Clock())
    told = capsys.readouterr()
    return code, told.out, told.err


@pytest.mark.parametrize(
    ("path", "kind", "count"),
    [("/list.html", "html", 5), ("/list.json", "json", 5), ("/feed.xml", "feed", 1), ("/news.html", "feed", 1)],
)
def test_the_block_that_is_printed_loads_and_reads(
    served: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], path: str, kind: str, count: int
) -> None:
    code, out, _ = run(["source", "new", f"{served}{path}", "--name", "new", "--allow-private"], capsys)
    assert code == 0
    config = tmp_path / "config.toml"
    config.write_text(out, "utf-8")
    assert [(source.name, source.kind) for source in load(config, environ={}).sources] == [("new", kind)]
    assert (f"# {count} entries were read" if count > 1 else "# 1 entry was read") in out
    code, out, _ = run(["read", "new", "--config", str(config), "--json"], capsys)
    assert (code, len(json.loads(out)["entries"]), json.loads(out)["problems"]) == (0, count, [])


def test_a_linked_feed_that_does_not_answer_gives_way_to_the_list_itself(
    served: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(["source", "new", f"{served}/broken.html", "--allow-private", "--json"], capsys)
    told = json.loads(out)
    assert (code, told["source"]["kind"], len(told["entries"])) == (0, "html", 3)
    assert tomllib.loads(told["toml"])["sources"][0]["options"] == told["source"]["options"]


@pytest.mark.parametrize(("folder", "why"), [("alone", "the server answered 404"), ("same", "it shows nothing new")])
def test_paging_whose_second_page_cannot_be_used_is_left_out_and_said(
    served: str, capsys: pytest.CaptureFixture[str], folder: str, why: str
) -> None:
    code, out, _ = run(["source", "new", f"{served}/{folder}/index.html", "--allow-private"], capsys)
    assert (code, "paging" in tomllib.loads(out)["sources"][0]["options"]) == (0, False)
    note = next(line for line in out.splitlines() if line.startswith("# paging is left out"))
    assert f"{served}/{folder}/index_1.html" in note
    assert why in note


def test_paging_whose_second_page_was_read_is_proposed(
    served: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(["source", "new", f"{served}/paged/index.html", "--allow-private"], capsys)
    paging = tomllib.loads(out)["sources"][0]["options"]["paging"]
    assert (code, paging["url"], "paging is left out" in out) == (0, "index_{page}.html", False)
    path = tmp_path / "list.html"
    path.write_text(PAGED, "utf-8")
    _, out, _ = run(["source", "new", str(path), "--url", "https://www.city.example/zc/index.html"], capsys)
    assert tomllib.loads(out)["sources"][0]["options"]["paging"] == paging
    assert "# paging was not tried" in out
    assert "https://www.city.example/zc/index_1.html" in out


def test_what_could_not_be_found_is_said_and_nothing_is_printed(
    served: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(["source", "new", f"{served}/app.html", "--allow-private"], capsys)
    assert (code, out) == (1, "")
    assert "scripts may make its list" in err
    code, out, err = run(["source", "new", f"{served}/missing", "--allow-private", "--json"], capsys)
    assert (code, json.loads(out)["ok"]) == (1, False)
    assert run(["source", "new", str(tmp_path / "nothing")], capsys)[0] == 2


def test_a_name_that_no_source_may_have_is_refused_before_anything_is_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, err = run(["source", "new", "http://127.0.0.1:1/", "--name", "my list"], capsys)
    assert (code, out) == (2, "")
    assert "--name 'my list' is not a name" in err


def test_a_typed_address_that_is_private_is_refused_with_the_option_that_opens_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, _, err = run(["source", "new", "http://127.0.0.1:1/"], capsys)
    assert (code, err.strip().splitlines()[-1].strip()) == (
        1, "127.0.0.1 is not a public address: say --allow-private if it is meant so",
    )


def test_a_file_is_looked_at_as_if_it_came_from_its_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "list.html"
    path.write_text(LIST, "utf-8")
    _, out, _ = run(["source", "new", str(path), "--url", "https://www.city.example/zc/"], capsys)
    assert 'url = "https://www.city.example/zc/"' in out
    assert 'name = "city-example"' in out
    assert "write the address" in run(["source", "new", str(path)], capsys)[1]


def test_words_from_outside_can_break_neither_the_file_nor_the_terminal() -> None:
    options = {"list": 'a"b\\\u202e\n', "fields": {"ti tle": "\x1b[0m"}}
    made = block(
        {"name": "n", "kind": "html", "url": "https://a.example/", "options": options},
        ["标题\n[[sites]]\x1b[31m\u202e"],
    )
    assert "\x1b" not in made
    assert tomllib.loads(made)["sources"][0]["options"] == options
    assert list(tomllib.loads(made)) == ["sources"]


def test_a_mapping_is_tried_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "list.html"
    path.write_text(LIST, "utf-8")
    args = ["read", str(path), "--kind", "html", "--json", "--url", "https://www.city.example/zc/", "--options"]
    code, out, _ = run([*args, MAPPING], capsys)
    told = json.loads(out)
    assert (code, told["entries"][0]["url"], told["problems"]) == (0, "https://www.city.example/zc/t1.html", [])
    lines = 'list = "ul.list > li"\n[fields]\ntitle = "a"\nurl = "a@href"\n'
    assert run([*args, lines], capsys)[0] == 0
    code, out, _ = run([*args, MAPPING.replace("ul.list", "ul.gone")], capsys)
    assert code == 1
    assert "options.list 'ul.gone > li' finds no row on a page titled '政策'" in json.loads(out)["problems"][0]["hint"]
    code, _, err = run([*args, "{ list = "], capsys)
    assert (code, "--options: not TOML" in err) == (2, True)
    code, _, err = run([*args, '{ list = "li", fields = { title = "a" } }'], capsys)
    assert (code, "--options: fields.url is missing" in err) == (2, True)


def test_a_documents_page_is_printed_as_one_entry(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t1.html"
    path.write_text(DOCUMENT, "utf-8")
    code, out, _ = run(["read", str(path), "--json"], capsys)
    told = json.loads(out)
    assert (code, told["ok"], told["problems"], len(told["entries"])) == (0, True, [], 1)
    entry = told["entries"][0]
    assert (entry["title"], entry["issuer"], entry["document_number"]) == (
        "关于方案的通知",
        "云山市人民政府",
        "云政发〔2026〕9号",
    )
    assert entry["written"] == "2026-04-10"
    assert entry["aliases"][0] == "number:云政发〔2026〕9号"


def test_one_documents_page_is_read_as_a_source_reads_it(
    served: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.toml"
    options = MAPPING[:-2] + ', detail = { issuer = "table tr td:nth-child(2)" } }'
    config.write_text(
        f'[[sources]]\nname = "c"\nkind = "html"\nurl = "{served}/list.html"\nallow_private = true\noptions = {options}\n'
    )
    code, out, _ = run(["read", "c", "--page", f"{served}/t1.html", "--config", str(config), "--json"], capsys)
    entry = json.loads(out)["entries"][0]
    assert (code, entry["url"], entry["issuer"]) == (0, f"{served}/t1.html", "关于方案的通知 云政发〔2026〕9号")


SAMPLES = ROOT.parent / "shared" / "samples" / "govcn"


def test_the_real_document_page_is_printed_with_all_that_it_tells(capsys: pytest.CaptureFixture[str]) -> None:
    path = SAMPLES / "detail_7082302.excerpt.html"
    if not path.exists():
        pytest.skip(f"the sample {path.name} is not beside this project")
    code, out, _ = run(["read", str(path), "--json"], capsys)
    told = json.loads(out)
    entry = told["entries"][0]
    assert (code, told["problems"]) == (0, [])
    assert entry["title"] == "中国人民银行等八部门联合印发《关于金融支持服务业扩能提质的指导意见》"
    assert entry["issuer"].startswith("中国人民银行 金融监管总局 中国证监会")
    assert (entry["document_number"], entry["written"]) == ("", "2026-09-25")
    assert entry["published"]["value"] == "2026-09-28T21:50:00+08:00"
    assert entry["published"]["precision"] == "second"


GUIDE = [one for one in blocks((ROOT / "docs" / "sources.md").read_text("utf-8")) if one.text]


@pytest.mark.parametrize("text", [one.text for one in GUIDE if one.lang == "toml"])
def test_the_blocks_of_the_guide_load_and_their_options_are_valid(text: str, tmp_path: Path) -> None:
    from syncd import plugins
    from syncd.config import options_of

    config = tmp_path / "config.toml"
    config.write_text(text, "utf-8")
    for each in load(config, environ={}).sources:
        shape: Any = plugins.load("syncd.sources", each.kind)
        assert options_of(shape.Options, each.options, where="options")[1] == []


def test_the_commands_of_the_guide_read_what_they_say(
    served: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shlex

    config = tmp_path / "config.toml"
    config.write_text(
        f'[[sources]]\nname = "city"\nkind = "html"\nurl = "{served}/list.html"\nallow_private = true\noptions = {MAPPING}\n'
    )
    (tmp_path / "page.html").write_text(DOCUMENT, "utf-8")
    lines = [line for one in GUIDE if one.lang == "sh" for line in one.text.splitlines() if line.startswith("syncd ")]
    assert len(lines) == 3
    for line in lines:
        words = shlex.split(line, comments=True)[1:]
        words = [
            served + "/t1.html" if w.endswith("t1.html") else served + "/list.html" if w.startswith("https:") else w
            for w in words
        ]
        words = [str(tmp_path / "page.html") if w == "page.html" else w for w in words]
        code, out, _ = run([*words, "--allow-private", "--config", str(config), "--json"], capsys)
        assert (code, json.loads(out)["problems"]) == (0, []), line
