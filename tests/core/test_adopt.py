"""A repost made by hand is known by its 发文字号 or a title long enough to be a name."""

import pytest

from syncd.core.adopt import Candidate, match
from syncd.model import RemoteDoc, RemoteRef

TITLE = "国务院办公厅关于加快推进服务消费的指导意见"
NUMBER = "国办发〔2026〕28号"


def candidate(name: str, title: str, text: str = "") -> Candidate:
    return Candidate(RemoteDoc(RemoteRef(name), "", title, ""), text)


def found(*candidates: Candidate, title: str = TITLE, number: str = NUMBER) -> tuple[str, str] | None:
    hit = match(title, number, candidates)
    return (hit.doc.ref.id, hit.by) if hit else None


def test_number_and_title_win_over_either() -> None:
    by_title = candidate("t", f"{TITLE} - 某县")
    by_number = candidate("n", "转发通知", f"{NUMBER}\n正文")
    both = candidate("b", f"转发《{TITLE}》", "发文字号：国办发[2026]28号\n正文")
    assert found(by_title, by_number, both) == ("b", "number_and_title")
    assert found(by_title, by_number) == ("n", "number")
    assert found(by_title) == ("t", "title")
    assert found() is None


@pytest.mark.parametrize(
    "text", ["文号：国办发〔2026〕28号 来源：中国政府网", "文 号\n国办发（2026）第28号", "国办发〔2026〕28号"]
)
def test_a_number_stated_in_a_line_of_its_own_counts(text: str) -> None:
    assert found(candidate("x", "通知", text)) == ("x", "number")


@pytest.mark.parametrize(
    "text",
    [
        "根据《意见》（国办发〔2026〕28号）要求",
        "按照国办发〔2026〕28号",
        "详见 国办发〔2026〕28号 文件",
        "国办发〔2026〕128号",
    ],
)
def test_a_number_that_is_cited_does_not_count(text: str) -> None:
    assert found(candidate("x", "县里的实施方案", text)) is None


def test_a_page_that_states_another_number_is_another_document() -> None:
    assert found(candidate("x", TITLE, "发文字号\n国办发〔2025〕9号\n正文")) is None
    assert found(candidate("x", TITLE, "发文字号\n\n正文")) == ("x", "title")


def test_a_title_cut_by_the_list_is_known_by_its_beginning() -> None:
    assert found(candidate("x", "国务院办公厅关于加快推进服务…"), number="") == ("x", "title")
    assert found(candidate("x", "国务院办公厅"), number="") is None


def test_a_common_title_is_no_name() -> None:
    assert found(candidate("x", "政府工作报告"), title="政府工作报告", number="") is None
    assert found(candidate("x", ""), number="") is None
    assert found(candidate("x", TITLE), title="", number="") is None
