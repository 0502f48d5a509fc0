"""Lists and feeds of a static site, made again from the month that changed and the newest posts only."""

from __future__ import annotations

from typing import Any

from syncd.adapters.static.folder import Folder, Record
from syncd.adapters.static.pages import Pages

NEWEST = 20
"""Posts on a column's first page and in a feed; older ones are in the archive page of their month."""
_ON_INDEX = 10
_SHOWN = ("title", "path", "first", "time", "number", "column")

Row = tuple[str, dict[str, Any]]


class Lists:
    """Archive page of each month, first page of each column, the site's index, an Atom and a JSON feed of each."""

    def __init__(self, folder: Folder, pages: Pages, title: str) -> None:
        self._folder = folder
        self._pages = pages
        self._title = title

    def show(self, name: str, record: Record, public: bool) -> None:
        """Puts a post into its lists, or takes it out of them. Raises OSError."""
        slug, month, _ = record.path.split("/")
        rows = self._folder.month(slug, month)
        rows.pop(name, None)
        if public:
            rows[name] = {each: record.post[each] for each in _SHOWN}
        self._folder.keep_month(slug, month, rows)
        self._write_column(slug, month, record.column)
        self._write_site()

    def _write_column(self, slug: str, month: str, name: str) -> None:
        months = self._folder.months(slug)
        newest = self._newest(slug)
        rows = _by_time(self._folder.month(slug, month))
        self._write(f"{slug}/{month}/index.html", self._pages.month(name, month, [row for _, row in rows], months))
        self._write(f"{slug}/index.html", self._pages.column(name, [row for _, row in newest], months))
        self._write_feeds(f"{self._title} {name}", f"{slug}/", newest)

    def _write_site(self) -> None:
        columns = {slug: self._newest(slug) for slug in self._folder.columns()}
        shown = [
            {"slug": slug, "name": rows[0][1]["column"], "rows": [row for _, row in rows[:_ON_INDEX]]}
            for slug, rows in columns.items()
            if rows
        ]
        newest = _by_time({name: row for rows in columns.values() for name, row in rows})
        self._write("index.html", self._pages.index(shown))
        self._write_feeds(self._title, "", newest[:NEWEST])

    def _write_feeds(self, title: str, path: str, rows: list[Row]) -> None:
        records = (self._folder.record(name) for name, _ in rows)
        posts = [record.post for record in records if record is not None]
        self._write(f"{path}feed.xml", self._pages.atom(title, path, posts))
        self._write(f"{path}feed.json", self._pages.json_feed(title, path, posts))

    def _newest(self, slug: str) -> list[Row]:
        rows: list[Row] = []
        for month in self._folder.months(slug):
            rows += _by_time(self._folder.month(slug, month))
            if len(rows) >= NEWEST:
                break
        return rows[:NEWEST]

    def _write(self, path: str, data: bytes) -> None:
        self._folder.write(self._folder.root / path, data, durable=False)


def _by_time(rows: dict[str, Any]) -> list[Row]:
    return sorted(rows.items(), key=lambda row: (row[1]["first"], row[0]), reverse=True)
