"""What `syncd source new` proposes for lists of many makes reads them: every row, with its title, address and date."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import Any

import pytest

from syncd.config import options_of
from syncd.sources import registry
from syncd.sources.api import Listing, SourceConfig
from syncd.sources.discover import Look, Proposal, look
from tests.sources.kit import answer, tools

URL = "https://www.city.example/zwgk/index.html"
TITLES = [f"云山市人民政府关于第{n}号专项工作方案的通知" for n in range(1, 13)]
DATES = [f"2026-04-{30 - n:02d}" for n in range(12)]
MENU = '<div class="nav"><ul>' + "".join(f'<li><a href="/m{n}/">栏目{n}</a></li>' for n in range(15)) + "</ul></div>"
FOOT = '<div class="foot"><a href="/a">网站地图</a><a href="/b">联系我们</a><span>2026-01-01 备案</span></div>'


def page(body: str, head: str = "") -> bytes:
    return f"<!doctype html><html><head><title>政策</title>{head}</head><body>{MENU}{body}{FOOT}</body></html>".encode()


def each(row: str) -> str:
    """The row for each document: {n}, {t} its title, {d} its date, {s} a title that is cut."""
    return "".join(
        row.replace("{n}", str(n)).replace("{t}", title).replace("{s}", f"{title[:12]}…").replace("{d}", date)
        for n, (title, date) in enumerate(zip(TITLES, DATES, strict=True), 1)
    )


def read(found: Proposal, body: bytes) -> Listing:
    plugin = registry.load(found.kind)
    options, problems = options_of(plugin.Options, found.options, where="options")
    assert problems == []
    source = plugin(SourceConfig("new", found.url, options), tools())
    return asyncio.run(source.parse(answer(body, url=found.url)))


def proposed(body: bytes, kind: str, url: str = URL) -> tuple[Look, Listing]:
    seen = look(body, "", url)
    found = next((each for each in seen.proposals if each.kind == kind), None)
    assert found, seen.missing
    return seen, read(found, body)


PAGES = {
    "TRS list": page(
        '<div class="list"><ul>'
        + each('<li><a href="./t2026_{n}.html" target="_blank">{t}</a><span>{d}</span></li>')
        + "</ul></div>"
    ),
    "date in brackets before a link that is cut": page(
        '<ul id="doc">' + each('<li><em>[{d}]</em><a href="/art/{n}.html" title="{t}">{s}</a></li>') + "</ul>"
    ),
    "bare date": page('<ul class="news_list">' + each('<li><a href="/art/{n}.html">{t}</a>　{d}</li>') + "</ul>"),
    "lists of five with lines between": page(
        '<div class="box">'
        + "".join(
            f'<ul class="l">{part}</ul><div class="line"></div>'
            for part in [each('<li><a href="/art/{n}.html">{t}</a><i>{d}</i></li>')]
        )
        + "</div>"
    ),
    "table rows": page(
        '<table class="t"><tr><th>序号</th><th>标题</th><th>发布日期</th></tr>'
        + each('<tr><td>{n}</td><td><a href="/art/{n}.html">{t}</a></td><td>{d}</td></tr>')
        + "</table>"
    ),
    "Drupal view": page(
        '<div class="view-content">'
        + each(
            '<div class="views-row views-row-{n}"><div class="views-field views-field-title"><span class="field-content">'
            '<a href="/node/{n}">{t}</a></span></div><div class="views-field views-field-created"><span class="field-content">'
            "{d}</span></div></div>"
        )
        + "</div>"
    ),
    "WordPress archive": page(
        '<main id="main">'
        + each(
            '<article id="post-{n}" class="post-{n} post"><h2 class="entry-title"><a href="/{n}/">{t}</a></h2>'
            '<time class="entry-date" datetime="{d}T09:00:00+08:00">{d}</time><p>摘要：各县区，现将方案印发给你们。'
            '<a href="/{n}/#more">继续阅读</a></p></article>'
        )
        + "</main>"
    ),
    "definition lists": page(
        '<div class="r">' + each('<dl><dt><a href="/d/{n}.html">{t}</a></dt><dd>{d}</dd></dl>') + "</div>"
    ),
    "the whole row is a link": page(
        '<div class="cards">'
        + each('<a class="card" href="/c/{n}.html" title="{t}"><h3>{t}</h3><span class="date">{d}</span></a>')
        + "</div>"
    ),
    "the whole row is a link without a title": page(
        '<div class="cards">'
        + each('<a class="card" href="/c/{n}.html"><span class="date">{d}</span><h3>{t}</h3></a>')
        + "</div>"
    ),
    "Chinese dates": page(
        '<ul class="zh">'
        + "".join(
            f'<li><a href="/z/{n}.html">{t}</a><span class="time">2026年4月{n + 1}日</span></li>'
            for n, t in enumerate(TITLES)
        )
        + "</ul>"
    ),
}


@pytest.mark.parametrize("name", list(PAGES))
def test_the_rows_of_a_page_are_found_with_their_titles_and_dates(name: str) -> None:
    _, found = proposed(PAGES[name], "html")
    assert found.problems == ()
    assert [entry.title for entry in found.entries] == TITLES
    assert all(entry.published and entry.url.startswith("https://www.city.example/") for entry in found.entries)


ROWS = [
    {"title": t, "url": f"/art/{n}.html", "pubDate": d, "id": n}
    for n, (t, d) in enumerate(zip(TITLES, DATES, strict=True))
]


def renamed(**names: str) -> list[dict[str, Any]]:
    return [{names.get(key, key): value for key, value in row.items()} for row in ROWS]


ANSWERS: dict[str, Any] = {
    "a bare list": ROWS,
    "data.list": {"code": 0, "msg": "ok", "data": {"total": 12, "list": ROWS, "tags": [{"id": 1, "n": "a"}]}},
    "result.records": {
        "success": True,
        "result": {"records": renamed(title="docTitle", url="docPubUrl", pubDate="docRelTime")},
    },
    "groups side by side": {
        "searchVO": {
            "totalCount": 0,
            "listVO": None,
            "catMap": {"gongwen": {"listVO": ROWS[:5]}, "bumen": {"listVO": ROWS[5:]}},
        }
    },
    "epochs and numbers": {
        "rows": [
            {
                "bt": t,
                "link": f"https://www.city.example/{n}.htm",
                "fbsj": 1776182400000 + n * 61_000,
                "pcode": f"云政发〔2026〕{n + 1}号",
            }
            for n, t in enumerate(TITLES)
        ]
    },
    "WordPress's own": [
        {
            "id": n,
            "date": f"{d}T09:00:00",
            "date_gmt": f"{d}T01:00:00",
            "link": f"https://www.city.example/{n}/",
            "title": {"rendered": t},
            "content": {"rendered": f"<p>{t}</p>"},
        }
        for n, (t, d) in enumerate(zip(TITLES, DATES, strict=True))
    ],
    "unknown names": {
        "payload": {
            "entries": [
                {"k1": n, "k2": t, "k3": f"https://www.city.example/{n}", "k4": d, "published": d}
                for n, (t, d) in enumerate(zip(TITLES, DATES, strict=True))
            ]
        }
    },
    "a key with a dash": {"policy-list": ROWS},
    "days before months": {
        "items": [{"title": t, "link": f"/a/{n}", "date": f"{n + 10:02d}/04/2026"} for n, t in enumerate(TITLES)]
    },
    "years of midnights": {
        "items": [
            {"title": t, "link": f"/a/{n}", "date": int(datetime.fromisoformat(f"{d}T00:00:00+08:00").timestamp())}
            for n, (t, d) in enumerate(zip(TITLES, DATES, strict=True))
        ]
    },
}


@pytest.mark.parametrize("name", list(ANSWERS))
def test_the_list_of_an_answer_is_found_with_its_titles_and_dates(name: str) -> None:
    body = json.dumps(ANSWERS[name], ensure_ascii=False).encode()
    _, found = proposed(body, "json", "https://www.city.example/api/list")
    assert found.problems == ()
    assert [entry.title for entry in found.entries] == TITLES
    assert all(entry.published and entry.url.startswith("https://www.city.example/") for entry in found.entries)


def test_a_number_that_is_a_documents_is_known_by_its_form() -> None:
    body = json.dumps(ANSWERS["epochs and numbers"], ensure_ascii=False).encode()
    _, found = proposed(body, "json", "https://www.city.example/api/list")
    assert found.entries[0].document_number == "云政发〔2026〕1号"
    assert found.entries[0].aliases[0].startswith("number:")


def test_midnights_are_days_and_the_order_of_day_and_month_is_told() -> None:
    for name, key, value in (
        ("years of midnights", "date_precision", "day"),
        ("days before months", "date_format", "%d/%m/%Y"),
    ):
        seen, _ = proposed(json.dumps(ANSWERS[name]).encode(), "json", "https://www.city.example/api/list")
        assert seen.proposals[0].options[key] == value


def test_an_order_of_day_and_month_that_nothing_tells_is_left_to_a_person() -> None:
    rows = [{"title": t, "link": f"/a/{n}", "date": f"0{n + 1}/04/2026"} for n, t in enumerate(TITLES[:9])]
    seen, _ = proposed(json.dumps(rows).encode(), "json", "https://www.city.example/api/list")
    assert "date_format" in " ".join(seen.proposals[0].notes)


def test_pages_behind_the_first_are_found() -> None:
    rows = '<ul class="a">' + each('<li><a href="/{n}.html">{t}</a><b>{d}</b></li>') + "</ul>"
    trs = rows + '<script>createPageHTML(25, 0, "index", "html");</script>'
    _, found = proposed(page(trs), "html")
    assert found.next == "https://www.city.example/zwgk/index_1.html"
    assert proposed(page(rows + '<a href="?page=2">下一页</a>'), "html")[1].next == f"{URL}?page=2"
    numbered = {"pages": 3, "rows": ROWS}
    url = "https://www.city.example/api?cat=1&pageNo=1"
    assert proposed(json.dumps(numbered).encode(), "json", url)[1].next == "https://www.city.example/api?cat=1&pageNo=2"


def test_a_feed_that_the_page_names_comes_first() -> None:
    head = '<link rel="alternate" type="application/rss+xml" title="政策" href="/feed.xml">'
    seen = look(page(PAGES["bare date"].decode(), head), "", URL)
    assert (seen.proposals[0].kind, seen.proposals[0].url) == ("feed", "https://www.city.example/feed.xml")
    assert seen.proposals[1].kind == "html"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (page('<div id="app"></div><script src="/x.js"></script>'), "scripts may make its list"),
        (b'{"code": 0}', "no list of objects in it: it is an object with the keys code"),
        (b'{"rows": [{"a": 1}, {"a": 2}]}', "no title among the keys a"),
    ],
)
def test_what_could_not_be_found_is_said(body: bytes, told: str) -> None:
    seen = look(body, "", URL)
    assert seen.proposals == ()
    assert told in " ".join(seen.missing)


def test_nothing_but_a_number_by_its_form_is_guessed_to_be_a_documents_number() -> None:
    """A number names the document everywhere: a time in its place makes one document of two that came in one second."""
    rows = [
        {"id": n, "date": f"{d}T09:00:00", "date_gmt": f"{d}T01:00:00", "link": f"/{n}/", "slug": f"a{n}", "title": t}
        for n, (t, d) in enumerate(zip(TITLES, DATES, strict=True))
    ]
    seen, found = proposed(json.dumps(rows).encode(), "json")
    assert "document_number" not in seen.proposals[0].options["fields"]
    assert not any(alias.startswith("number:") for entry in found.entries for alias in entry.aliases)
    named = [{**row, "k9": f"云政发〔2026〕{n}号"} for n, row in enumerate(rows)]
    assert proposed(json.dumps(named).encode(), "json")[0].proposals[0].options["fields"]["document_number"] == "k9"


def test_what_a_row_wraps_is_its_own_and_what_its_author_has_is_not() -> None:
    rows = [
        {"type": "node", "id": f"u{n}", "author": {"url": "https://evil.example/", "title": "某人某人"},
         "attributes": {"title": t, "created": f"{d}T02:00:00+00:00", "path": {"alias": f"/zc/{n}"}}}
        for n, (t, d) in enumerate(zip(TITLES, DATES, strict=True))
    ]  # fmt: skip
    answer = {"data": rows, "links": {"self": {"href": "/api"}, "next": {"href": "/api?page=2"}}}
    _, found = proposed(json.dumps(answer).encode(), "json")
    assert [entry.title for entry in found.entries] == TITLES
    assert found.entries[0].url == "https://www.city.example/zc/0"
    assert found.entries[0].published
    assert found.next == "https://www.city.example/api?page=2"


def test_the_head_of_a_table_says_which_column_holds_the_number() -> None:
    head = "<tr><th>序号</th><th>标题</th><th>文 号</th><th>成文日期</th><th>发布日期</th></tr>"
    row = '<tr><td>{n}</td><td><a href="/{n}.html">{t}</a></td><td>云政发〔2026〕{n}号</td><td>2026-03-01</td><td>{d}</td></tr>'
    _, found = proposed(page(f"<table>{head}{each(row)}</table>"), "html")
    assert [entry.title for entry in found.entries] == TITLES
    assert (found.entries[0].document_number, found.entries[0].written) == ("云政发〔2026〕1号", "2026-03-01")
    assert found.entries[0].published
    assert found.entries[0].published.raw == DATES[0], "发布日期 is when it was published, not 成文日期"
    merged = head.replace("<th>标题</th>", '<th colspan="2">标题</th>').replace("<th>序号</th>", "")
    seen, _ = proposed(page(f"<table>{merged}{each(row)}</table>"), "html")
    assert "document_number" not in seen.proposals[0].options["fields"]
