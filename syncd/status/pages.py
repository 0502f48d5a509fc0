"""The pages for people: overview, one repost's timeline, sources and sites, the monthly report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from syncd.core import amounts
from syncd.status import views
from syncd.status.api import Desk, Explanation, RepostRow, Status
from syncd.status.routes import Id, Month, finite, within
from syncd.status.words import CATALOGUE, language

LATEST = 40
"""Reposts on the overview page."""


class Pages:
    """Renders what the Desk tells; nothing in its answers is trusted to be text only, so everything is escaped."""

    def __init__(self, desk: Desk, *, now: Callable[[], datetime], zone: str, csv: bool) -> None:
        self._desk = desk
        self._now = now
        self._zone = ZoneInfo(zone)
        self._csv = csv
        self._templates = _environment()

    def routes(self) -> APIRouter:
        router = APIRouter(include_in_schema=False)
        pages: dict[str, Callable[..., Any]] = {
            "/": self.overview, "/sources": self.sources, "/reposts/{id}": self.timeline, "/report": self.report,
        }
        for path, page in pages.items():
            router.add_api_route(path, page, methods=["GET"], response_class=HTMLResponse)
        return router

    async def overview(self, request: Request) -> Response:
        status = Status.model_validate(finite(await within(self._desk.status())))
        rows = [RepostRow.model_validate(finite(row)) for row in await within(self._desk.reposts())]
        return self._page(
            request, "overview.html", status=status, rows=views.latest(rows, LATEST), all=len(rows), latest=LATEST,
            verdicts=views.stack(status.verdicts.model_dump(include=set(type(status.verdicts).model_fields))),
        )

    async def sources(self, request: Request) -> Response:
        status = Status.model_validate(finite(await within(self._desk.status())))
        return self._page(request, "sources.html", status=status)

    async def timeline(self, request: Request, id: Id) -> Response:
        told = Explanation.model_validate(finite(await within(self._desk.explain(id))))
        now = self._now()
        return self._page(
            request, "repost.html", told=told, row=told.repost, steps=views.steps(told, now, self._zone),
            bars=views.bars(told.lags), todo=views.todo(told.repost),
        )

    async def report(self, request: Request, month: Month | None = None) -> Response:
        if month is None:
            this = self._now().astimezone(self._zone).strftime("%Y-%m")
            return RedirectResponse(_address(request, "/report", month=this), 307)
        report = finite(await within(self._desk.report(month)))
        lags = {lag["name"]: lag["total"] for lag in report.get("lags", [])}
        return self._page(
            request, "report.html", report=report, month=month, bars=views.bars(lags), around=views.months(month),
            csv=self._csv,
        )

    def failure(self, request: Request, status: int, words: Mapping[str, str], headers: Mapping[str, str]) -> Response:
        """A page that says why there is no page; it asks nobody, so that it always comes."""
        known = "404" if status in (404, 422) else str(status)
        kind = known if f"fail.{known}" in CATALOGUE["en"] else "other"
        page = self._page(request, "failure.html", kind=kind, words=words)
        page.status_code = status
        page.headers.update(headers)
        return page

    def _page(self, request: Request, template: str, **values: Any) -> Response:
        lang = language(request.headers.get("accept-language", ""), request.query_params.get("lang", ""))
        tools = _Tools(request, lang, self._zone, self._now())
        html = self._templates.get_template(template).render(p=tools, t=tools.say, lang=lang, **values)
        headers = {"Content-Language": "zh-CN" if lang == "zh" else "en", "Vary": "Accept-Language"}
        return HTMLResponse(html, headers=headers)


def _environment() -> Environment:
    templates = FileSystemLoader(Path(__file__).parent / "templates")
    env = Environment(
        loader=templates, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    env.filters.update(percent=views.percent, size=amounts.size, safe_url=views.safe_url)
    env.globals.update(limit_of=views.limit_of, tones=views.TONES)
    return env


class _Tools:
    """What a template asks for: words, times and links, for one reader."""

    def __init__(self, request: Request, lang: str, zone: ZoneInfo, now: datetime) -> None:
        self._request = request
        self._words = CATALOGUE[lang]
        self.zone = zone
        self.now = now

    def say(self, key: str, /, **values: object) -> str:
        return self._words[key].format(**values) if values else self._words[key]

    def word(self, kind: str, name: str) -> str:
        """The word of a value such as a status; the value itself where a newer daemon knows more than the catalogue."""
        return self._words.get(f"{kind}.{name}", name)

    def reason(self, reason: str) -> str:
        if reason.startswith("http_") and reason[5:].isdigit():
            return self.say("reason.http", status=reason[5:])
        return self._words.get(f"reason.{reason}", reason.replace("_", " "))

    def knows(self, reason: str) -> bool:
        return f"reason.{reason}" in self._words

    def time(self, at: datetime | str | None) -> str:
        found = views.moment(at, self.zone) if isinstance(at, str) else at
        return found.astimezone(self.zone).strftime(views.FORMATS["second"]) if found else self.say("row.unknown")

    def value(self, text: str) -> str:
        """A detail of an event: a moment in local time, anything else as it is."""
        found = views.moment(text, self.zone) if "T" in text else None
        return self.time(found) if found else text

    def told(self, when: Any) -> str:
        return views.told_at(when, self.zone) or self.say("row.unknown")

    def precise(self, at: str | None, precision: str) -> str:
        found = views.moment(at or "", self.zone)
        form = views.FORMATS.get(precision, views.FORMATS["second"])
        return found.astimezone(self.zone).strftime(form) if found else self.say("row.unknown")

    def span(self, seconds: float) -> str:
        return " ".join(f"{count} {self.say(f'unit.{unit}')}" for count, unit in views.parts(seconds))

    def latency(self, span: Mapping[str, float | None] | None) -> str:
        if not span or span["least"] is None:
            return "–"
        least, most = self.span(span["least"]), span["most"]
        if most is None:
            return self.say("latency.at_least", least=least)
        return least if most - span["least"] < 1 else self.say("latency.between", least=least, most=self.span(most))

    def link(self, path: str, **query: str) -> str:
        """A link that keeps the language that was asked for."""
        return _address(self._request, path, **query)

    def other(self) -> str:
        """This page in the other language."""
        query = {**self._request.query_params, "lang": "en" if self._words is CATALOGUE["zh"] else "zh"}
        return f"{self._request.url.path}?{urlencode(query)}"


def _address(request: Request, path: str, **query: str) -> str:
    asked = request.query_params.get("lang", "")
    given = {**query, "lang": asked} if asked in CATALOGUE else query
    return f"{path}?{urlencode(given)}" if given else path
