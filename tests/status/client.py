"""Asks the status application without a network."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from fastapi import FastAPI

from syncd.report import from_json, to_csv
from syncd.status import create_app
from tests.status.desk import NOW, FakeDesk

HOST = "localhost:8377"
BROWSER = {"accept": "text/html,application/xhtml+xml;q=0.9"}


@functools.cache
def _made(token: str | None, allowed: tuple[str, ...], zone: str) -> tuple[FakeDesk, FastAPI]:
    """An application takes a tenth of a second to build; its Desk is new for each client."""
    desk = FakeDesk()
    app = create_app(
        desk,
        metrics=lambda: b"syncd_up 1\n",
        token=token,
        allowed_hosts=allowed,
        now=lambda: NOW,
        zone=zone,
        report_csv=lambda told: to_csv(from_json(told)),
    )
    return desk, app


class Client:
    """One application over one FakeDesk; `ask` is synchronous."""

    def __init__(
        self,
        *,
        token: str | None = "s3cret",
        allowed: Sequence[str] = ("localhost", "127.0.0.1", "[::1]"),
        zone: str = "Asia/Shanghai",
    ) -> None:
        self.desk, self.app = _made(token, tuple(allowed), zone)
        vars(self.desk).clear()
        self.desk.__init__()  # type: ignore[misc]

    def ask(
        self,
        path: str,
        method: str = "GET",
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        content: bytes | None = None,
        host: str = HOST,
    ) -> httpx.Response:
        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
                given = {"host": host, **(headers or {})}
                return await client.request(method, path, headers=given, json=json, content=content)

        return asyncio.run(once())

    def page(self, path: str, lang: str = "zh") -> str:
        answer = self.ask(path, headers={**BROWSER, "accept-language": lang})
        assert answer.status_code == 200, answer.text
        return answer.text

    def act(self, path: str, json: Any, token: str = "s3cret", **headers: str) -> httpx.Response:
        return self.ask(path, "POST", json=json, headers={"authorization": f"Bearer {token}", **headers})
