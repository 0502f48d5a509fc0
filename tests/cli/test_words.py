"""What is counted reads well whatever the count."""

from __future__ import annotations

import pytest

from syncd.cli import show
from syncd.cli.words import counted


def test_one_is_one_and_none_are_many() -> None:
    assert [counted(n, "file") for n in (0, 1, 2)] == ["0 files", "1 file", "2 files"]
    assert [counted(n, "entry", "entries") for n in (0, 1, 2)] == ["0 entries", "1 entry", "2 entries"]


def test_a_list_of_nothing_and_a_lost_file_are_counted_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    show.listing({"source": "s", "ok": True, "problems": [], "entries": []})
    show.exported({"path": "p", "serial": 7, "documents": 1, "written": 1, "unchanged": 0, "missing": 1})
    told = capsys.readouterr().out
    assert "0 entries" in told
    assert "issue 7, 1 document, 1 file written, 0 there already; feed and status renewed" in " ".join(told.split())
    assert "1 file no longer kept" in told
