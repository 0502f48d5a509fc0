"""Answers in the form in which a real Plone 6.2.2 with plone.restapi 10.0.4 gave them, and a client that gives them again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from syncd.web.api import Answer, Limits

ROOT = "https://plone.example/county"
NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
Given = Answer | Callable[["Recorded"], Answer]


def answer(status: int, body: object, *, type: str = "application/json", location: str = "") -> Answer:
    """body: JSON, None for an empty one."""
    headers = [(b"content-type", type.encode())] + ([(b"location", location.encode())] if location else [])
    data = b"" if body is None else json.dumps(body).encode()
    return Answer(status, ROOT, tuple(headers), data, NOW, NOW, date=NOW)


def item(path: str, *, text: str = "<p>正文</p>", **changes: Any) -> dict[str, Any]:
    """A news item, public unless said otherwise."""
    return {
        "@id": f"{ROOT}{path}", "@type": "News Item", "id": path.rpartition("/")[2], "title": "关于春耕的通知",
        "description": "", "review_state": "published",
        "created": "2026-11-26T07:00:00+00:00", "effective": "2026-11-26T07:00:00+00:00",
        "modified": "2026-11-26T07:00:00+00:00", "creators": ["syncd"], "subjects": [],
        "lock": {"locked": False, "stealable": True},
        "text": {"content-type": "text/html", "data": text, "encoding": "utf8"}, **changes,
    }


class Recorded:
    """web.api.Client that gives the answer of a "METHOD /path" below the site. asked, bodies: what it was sent, but for the
    log-in unless that is given."""

    def __init__(self, answers: Mapping[str, Given]) -> None:
        self._answers = {"GET /@types": answer(200, []), **answers}
        self.asked: list[str] = []
        self.bodies: list[Any] = []

    async def get(self, url: str, **more: Any) -> Answer:
        raise AssertionError(f"{url}: an adapter asks its CMS by call()")

    async def call(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"",
        limits: Limits | None = None,
    ) -> Answer:
        asked = f"{method} {url.removeprefix(ROOT)}"
        self.asked.append(asked)
        if body:
            self.bodies.append(json.loads(body))
        given = self._answers[asked]
        told = given if isinstance(given, Answer) else given(self)
        return Answer(told.status, url, told.headers, told.body, told.started, told.ended, date=told.date)
