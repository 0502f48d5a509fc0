"""Lists that are mapped in config keep the contract that every plug-in keeps."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from syncd.sources.html_list import HtmlSource
from syncd.sources.json_list import JsonSource
from syncd.testing.source_contract import ListSample, SourceContract
from tests.sources.test_contract import DAY, PAGE, TITLES

ROWS = [
    {"id": f"r{n}", "name": title, "link": f"/zc/{n}.htm", "day": f"2026-04-{15 - n}"} for n, title in enumerate(TITLES)
]


class TestJson(SourceContract):
    source = JsonSource
    document_page = PAGE
    options: ClassVar[dict[str, Any]] = {
        "list": "data.rows",
        "fields": {"title": "name", "url": "link", "published": "day", "key": "id"},
    }
    good_list = ListSample(
        json.dumps({"data": {"rows": ROWS}}, ensure_ascii=False).encode(),
        TITLES, link="/zc/0.htm", date="2026-04-15", content_type="application/json",
        keys=tuple(f"r{n}" for n in range(6)), first=DAY,
    )  # fmt: skip


def row(title: str, n: int) -> str:
    return f'<li><a href="/zc/{n}.htm">{title}</a> <span>2026-04-{15 - n}</span></li>'


class TestHtml(SourceContract):
    source = HtmlSource
    document_page = PAGE
    options: ClassVar[dict[str, Any]] = {
        "list": "ul.list li",
        "fields": {"title": "a", "url": "a@href", "published": "span"},
    }
    good_list = ListSample(
        (
            '<!DOCTYPE html><html><head><meta charset="utf-8"><title>公告</title></head><body><ul class="list">'
            f"{''.join(row(title, n) for n, title in enumerate(TITLES))}</ul></body></html>"
        ).encode(),
        TITLES, link="/zc/0.htm", date="2026-04-15", content_type="text/html; charset=utf-8",
        keys=tuple(f"https://list.example/zc/{n}.htm" for n in range(6)), first=DAY,
    )  # fmt: skip
