"""What a list says of a document itself becomes its strongest names."""

from __future__ import annotations

from syncd.model import Problem
from syncd.sources.raw import Naming, RawEntry, entries

BY = Naming("library", "list", "Asia/Shanghai", "default")
URL = "https://www.gov.example/a/1.htm"
ROW = RawEntry(
    "[0]", URL, "云山省关于乡村医疗的意见", URL, issuer="云山省人民政府",
    document_number="云政发〔2026〕9号", index_number="000014349/2026-00099", written="2026年4月10日",
)  # fmt: skip


def test_number_index_issuer_and_date_of_a_row_are_carried_and_make_strong_aliases() -> None:
    problems: list[Problem] = []
    (entry,) = entries([ROW], BY, problems)
    assert (entry.issuer, entry.document_number, entry.index_number) == (ROW.issuer, ROW.document_number, ROW.index_number)
    assert entry.written == "2026-04-10"
    assert [alias.partition(":")[0] for alias in entry.aliases] == ["number", "index", "title", "url", "guid"]
    assert entry.aliases[0] == "number:云政发〔2026〕9号"
    assert problems == []


def test_a_written_date_that_is_none_is_told_and_makes_no_name() -> None:
    problems: list[Problem] = []
    bad = RawEntry("[3]", URL, ROW.title, URL, issuer=ROW.issuer, written="近日")
    (entry,) = entries([bad], BY, problems)
    assert entry.written == ""
    assert [(problem.reason, problem.where) for problem in problems] == [("bad_date", "[3].written")]
    assert not any(alias.startswith("title:") for alias in entry.aliases)
