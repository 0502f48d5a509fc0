"""A report as JSON, as CSV for Excel and as text for a terminal; all of them show the same figures."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from syncd.report.figures import Counts, Item, Lag, Outcome, Report, Share, Span, Watch
from syncd.report.words import CATALOGUE

BOM = b"\xef\xbb\xbf"
_FORMULA = "=+-@\t\r\n＝＋－＠"
_COUNTS = tuple(f.name for f in fields(Counts))
_SHARES = ("timeliness", "coverage", "fidelity", "watch")
_LATENCIES = ("median", "p90", "longest")
_TIMES = ("published", "detected", "seen", "due")
Row = Sequence[str | int | float]


def to_json(report: Report) -> dict[str, Any]:
    """Plain JSON-able values: ISO 8601 times in UTC, seconds, shares from 0 to 1 (null: nothing to count)."""
    data: dict[str, Any] = _plain(asdict(report))
    for name in (*_SHARES, "timeliness_most", "night"):
        data[name]["share"] = getattr(report, name).share
    data["sites"] = [{"site": site, **asdict(counts)} for site, counts in report.sites]
    for row, watch in zip(data["sources"], report.sources, strict=True):
        row["share"] = watch.share
    return data


def from_json(data: Mapping[str, Any]) -> Report:
    """The report that `to_json` was given, for a command that had it as JSON. Raises KeyError, TypeError."""
    given = {
        **data,
        **{name: datetime.fromisoformat(data[name]) for name in ("since", "until", "generated")},
        **{name: Share(data[name]["count"], data[name]["of"]) for name in (*_SHARES, "timeliness_most", "night")},
        **{name: _span(data[name]) for name in _LATENCIES},
        "counts": Counts(**data["counts"]),
        "lags": tuple(Lag(**lag) for lag in data["lags"]),
        "sites": tuple((row["site"], Counts(**_only(Counts, row))) for row in data["sites"]),
        "sources": tuple(_watch(row) for row in data["sources"]),
        "items": tuple(_item(row) for row in data["items"]),
    }
    return Report(**_only(Report, given))


def to_csv(report: Report, *, lang: str = "zh") -> bytes:
    """UTF-8 with BOM, as Excel wants it. A cell of text that a spreadsheet would run as a formula is quoted by '."""
    page = _Page(report, lang)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows([line] for line in page.head())
    for heading, rows in page.tables():
        writer.writerows([_guard(cell) for cell in row] for row in ([], [heading], *rows))
    return BOM + out.getvalue().encode("utf-8", "replace")


def to_text(report: Report, *, lang: str = "zh") -> str:
    """For a terminal: columns are aligned although Chinese characters are two cells wide."""
    page = _Page(report, lang)
    blocks = ["\n".join(page.head())]
    for heading, rows in page.tables(short=True):
        blocks.append("\n".join([heading, *_align([[_flat(str(cell)) for cell in row] for row in rows])]))
    return "\n\n".join(blocks) + "\n"


def width(text: str) -> int:
    """Terminal cells that the text takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


class _Page:
    """A report in the words of one language: tables of cells that CSV and text share."""

    def __init__(self, report: Report, lang: str) -> None:
        self.report = report
        self.words = CATALOGUE[lang]
        self.zone = ZoneInfo(report.zone)

    def say(self, key: str, **values: object) -> str:
        return self.words[key].format(**values)

    def head(self) -> list[str]:
        r = self.report
        lines = [
            self.say("title", month=r.month),
            self.say("asof", since=self.time(r.since), until=self.time(r.until), zone=r.zone,
                     generated=self.time(r.generated)),
        ]
        lines += [] if r.complete else [self.say("partial")]
        return [*lines, *([] if r.counts.obliged else [self.say("empty")]), self.proof()]

    def proof(self) -> str:
        """That it was watched, which is what makes an empty month worth anything."""
        r = self.report
        if not any(w.reads for w in r.sources):
            return self.say("unwatched")
        return self.say(
            "watched", sources=len(r.sources), reads=sum(w.reads for w in r.sources),
            failed=sum(w.failed for w in r.sources), share=percent(r.watch.share),
        )

    def tables(self, *, short: bool = False) -> list[tuple[str, list[Row]]]:
        """(heading, rows with their own heading row); short leaves out columns that a terminal has no room for."""
        made = {
            "summary": self.summary(), "sites": self.sites(), "lags": self.lags(), "sources": self.sources(),
            "items": self.short() if short else self.items(),
        }
        return [(self.say(heading), rows) for heading, rows in made.items() if len(rows) > 1]

    def summary(self) -> list[Row]:
        r = self.report
        top: list[Row] = [(self.say("figure"), self.say("value"))]
        counts: list[Row] = [(self.say(name), getattr(r.counts, name)) for name in _COUNTS]
        shares: list[Row] = [(self.say(name), self.share(name)) for name in _SHARES]
        times: list[Row] = [(self.say(name), self.span(getattr(r, name))) for name in _LATENCIES]
        last: list[Row] = [(self.say("night"), self.part(r.night)), (self.say("unblamed"), r.unblamed)]
        return [*top, *counts, *shares, *times, *last]

    def share(self, name: str) -> str:
        r = self.report
        text = self.part(getattr(r, name)) if name != "watch" else percent(r.watch.share)
        if name == "timeliness" and r.timeliness != r.timeliness_most:
            return self.say("up_to", least=text, most=percent(r.timeliness_most.share))
        return text

    def sites(self) -> list[Row]:
        heads: Row = (self.say("site"), *(self.say(name) for name in _COUNTS))
        return [heads, *((site, *(getattr(counts, name) for name in _COUNTS)) for site, counts in self.report.sites)]

    def lags(self) -> list[Row]:
        heads: Row = tuple(self.say(k) for k in ("lag", "lag_total", "lag_longest", "lag_known", "blamed"))
        known = [lag for lag in self.report.lags if lag.known or lag.blamed]
        return [heads, *(
            (self.lag(lag.name), self.clock(lag.total), self.clock(lag.longest), lag.known, lag.blamed) for lag in known
        )]

    def sources(self) -> list[Row]:
        heads: Row = tuple(self.say(k) for k in ("source", "reads", "failed", "watch", "blind", "blind_from"))
        return [heads, *(
            (w.source, w.reads, w.failed, percent(w.share), self.clock(w.blind), self.time(w.blind_from))
            for w in self.report.sources
        )]

    def short(self) -> list[Row]:
        heads: Row = tuple(self.say(k) for k in ("id", "published", "latency", "outcome", "blame", "name"))
        return [heads, *(
            (i.repost, self.published(i), self.span(i.latency), self.say(i.outcome), self.lag(i.blame), i.title)
            for i in self.report.items
        )]

    def items(self) -> list[Row]:
        keys = ("id", "document", "name", "source", "site", "column", *_TIMES, "latency", "latency_s", "outcome",
                "blame", "reason", "status", "faithful", "url", "published_by")
        return [tuple(self.say(key) for key in keys), *(self.item(item) for item in self.report.items)]

    def item(self, i: Item) -> Row:
        return (
            i.repost, i.document, i.title, i.source, i.site, i.column, self.published(i), self.time(i.detected),
            self.time(i.seen), self.time(i.due), self.span(i.latency), round(i.latency.least) if i.latency else "",
            self.say(i.outcome), self.lag(i.blame), i.verdict_reason, i.status, self.say("yes" if i.faithful else "no"),
            i.url, i.published_by,
        )

    def published(self, item: Item) -> str:
        return item.day or self.time(item.published)[: {"day": 10, "minute": 16}.get(item.precision, 19)]

    def time(self, at: datetime | None) -> str:
        return at.astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S") if at else ""

    def part(self, share: Share) -> str:
        if not share.of:
            return self.say("nothing")
        return f"{percent(share.share)} ({self.say('of', count=f'{share.count:g}', of=f'{share.of:g}')})"

    def lag(self, name: str) -> str:
        return self.words.get(f"lag_{name}", name) if name else ""

    def clock(self, seconds: float) -> str:
        days, rest = divmod(round(seconds), 86400)
        text = f"{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
        return self.say("days", n=days, rest=text) if days else text

    def span(self, span: Span | None) -> str:
        if span is None:
            return ""
        least = self.clock(span.least)
        if span.most is None:
            return self.say("at_least", least=least)
        most = self.clock(span.most)
        return least if least == most else self.say("between", least=least, most=most)


def percent(share: float | None) -> str:
    """One decimal, never rounded up to a hundred that was not reached; "-" when there is nothing to count."""
    return "-" if share is None else f"{min(round(share * 1000), 1000 if share >= 1 else 999) / 10:.1f} %"


def _guard(cell: str | int | float) -> str | int | float:
    if isinstance(cell, str) and cell.lstrip(" \u3000\xa0")[:1] in tuple(_FORMULA):
        return "'" + cell
    return cell


def _align(rows: Sequence[Sequence[str]]) -> list[str]:
    sizes = [max(width(row[n]) for row in rows) for n in range(len(rows[0]))]
    return ["  " + "  ".join(_pad(cell, size) for cell, size in zip(row, sizes, strict=True)).rstrip() for row in rows]


def _pad(text: str, size: int) -> str:
    return text + " " * (size - width(text))


def _flat(text: str) -> str:
    """Without what could move a terminal's cursor or turn the direction of its text."""
    return "".join(c if unicodedata.category(c) not in ("Cc", "Cf", "Zl", "Zp") else " " for c in text)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value) if isinstance(value, str) else value


def _only(kind: type[Any], row: Mapping[str, Any]) -> dict[str, Any]:
    return {f.name: row[f.name] for f in fields(kind)}


def _span(row: Mapping[str, Any] | None) -> Span | None:
    return Span(row["least"], row["most"]) if row else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _watch(row: Mapping[str, Any]) -> Watch:
    return Watch(**{**_only(Watch, row), "blind_from": _moment(row["blind_from"])})


def _item(row: Mapping[str, Any]) -> Item:
    given = _only(Item, {"published_by": ""} | dict(row)) | {name: _moment(row[name]) for name in _TIMES}
    return Item(**given | {"latency": _span(row["latency"]), "outcome": Outcome(row["outcome"])})
