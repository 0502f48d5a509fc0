"""A source for the plain-text list of an invented gazette: `day|section|title|address` in GB18030, and last a line 共n件."""

from __future__ import annotations

import re
from typing import ClassVar

from syncd.sources.plugin import Body, ListOptions, ListSource, Problem, RawEntry, RawList, RawPage, ReadFailed

_LAST = re.compile(r"共(\d{1,6})件")


class Options(ListOptions):
    """What an operator writes into options. section: only this 栏目 is taken; empty takes all."""

    section: str = ""


class GazetteSource(ListSource):
    """One list of the gazette, and its pages."""

    api_version: ClassVar[int] = 1
    kind: ClassVar[str] = "gazette"
    Options = Options

    @staticmethod
    def rows(body: Body, options: Options) -> RawList:
        """The count at the end proves that nothing is missing. Runs in the child."""
        decoded = body.decoded()
        *lines, last = decoded.text.strip().splitlines() or [""]
        count = _LAST.fullmatch(last.strip())
        if count is None:
            raise body.unlike(f"its last line is {last[:40]!r}, not 共n件: it is cut, or another page")
        if len(lines) != int(count[1]):
            told = f"it says {count[0]} and has {len(lines)} rows"
            raise ReadFailed("truncated", told, where=body.url, hint="it is read again at the next poll")
        problems = list(decoded.problems)
        found = [row for n, line in enumerate(lines) if (row := _row(line, n, options, problems))]
        return RawList(tuple(found), tuple(problems))

    @staticmethod
    def document(body: Body, options: Options) -> RawPage:
        """Title, time and files are found where most sites have them; only the place of the text is the gazette's own."""
        return body.page("#article")


def _row(line: str, n: int, options: Options, problems: list[Problem]) -> RawEntry | None:
    day, section, title, link = [*line.split("|"), "", "", ""][:4]
    if line.count("|") != 3:
        problems.append(Problem("bad_entry", f"not day|section|title|address: {line[:60]!r}; left out", f"line {n + 1}"))
    elif options.section in ("", section):
        return RawEntry(where=f"line {n + 1}", key=link, title=title, url=link, published=day, categories=(section,))
    return None
