"""What a document says of others is taken only where it is named clearly."""

from __future__ import annotations

import pytest

from syncd.core.relations import MOST, interpreted, told_by, told_by_text, told_by_title
from syncd.model import Bond, Relation

REPEALS, AMENDS, CORRECTS, INTERPRETS = Bond.REPEALS, Bond.AMENDS, Bond.CORRECTS, Bond.INTERPRETS


@pytest.mark.parametrize(
    ("title", "told"),
    [
        ("国务院关于废止《云山水利条例》的决定", [Relation(REPEALS, title="云山水利条例")]),
        ("国务院关于修改《粮食储备办法》的决定", [Relation(AMENDS, title="粮食储备办法")]),
        (
            "国务院关于修改《甲条例》和《乙条例》的决定",
            [Relation(AMENDS, title="甲条例"), Relation(AMENDS, title="乙条例")],
        ),
        (
            "云山省人民政府关于废止《云山省渡口管理办法》（云政发〔2009〕3号）的通知",
            [Relation(REPEALS, "云政发〔2009〕3号", title="云山省渡口管理办法")],
        ),
        ("云山省人民政府办公厅关于废止云政办发[2015]012号文件的通知", [Relation(REPEALS, "云政办发〔2015〕12号")]),
        ("关于更正《2026年节假日安排》的说明", [Relation(CORRECTS, title="2026年节假日安排")]),
        ("国务院关于修改《关于〈甲〉的规定》的决定", [Relation(AMENDS, title="关于〈甲〉的规定")]),
        ("国务院关于废止部分行政法规的决定", []),
        ("国务院关于修改和废止部分行政法规的决定", []),
        ("国务院关于修改和废止《甲条例》的决定", []),
        ("国务院关于废止若干文件的决定", []),
        ("国务院关于废止城市收容办法的决定", []),
        ("李强签署国务院令 公布《国务院关于修改〈甲条例〉的决定》", []),
        ("专家解读《国务院关于废止《甲条例》的决定》", []),
        ("关于修改《甲》的情况说明会在京举行", []),
        ("关于进一步做好修改意见征集工作的通知", []),
        ("", []),
    ],
)
def test_a_title_tells_what_it_names_and_nothing_else(title: str, told: list[Relation]) -> None:
    assert list(told_by_title(title)) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("本办法自2026年1月1日起施行。《云山旧办法》同时废止。", [Relation(REPEALS, title="云山旧办法")]),
        (
            "本通知自印发之日起施行，《关于甲的通知》（国办发〔2015〕12号）同时废止。",
            [Relation(REPEALS, "国办发〔2015〕12号", title="关于甲的通知")],
        ),
        (
            "《甲》（国发〔2001〕5号）、《乙》（国发〔2002〕6号）和《丙》一并废止。",
            [
                Relation(REPEALS, "国发〔2001〕5号", title="甲"),
                Relation(REPEALS, "国发〔2002〕6号", title="乙"),
                Relation(REPEALS, title="丙"),
            ],
        ),
        ("2012年3月1日公布的《甲条例》自2026年5月1日起废止。", [Relation(REPEALS, title="甲条例")]),
        ("原国办发〔2015〕12号文件同时废止。", [Relation(REPEALS, "国办发〔2015〕12号")]),
        ("现决定对《甲办法》予以废止。", [Relation(REPEALS, title="甲办法")]),
        ("《甲办法》继续执行。依照《乙办法》作出的批准，同时废止。", []),
        ("《甲办法》在新规定出台前不得废止，同时停止执行加收。", []),
        ("根据《甲办法》和有关规定制定的各类地方性补充文件同时废止。", []),
        ("《甲办法》尚未废止，一律废止的说法不实。", []),
        ("此前规定与本通知不一致的，同时废止。", []),
        ("按照《甲办法》办理。", []),
        ("《甲办法》同时废止。\n《甲办法》同时废止。", [Relation(REPEALS, title="甲办法")]),
    ],
)
def test_a_text_tells_what_it_ends_by_name(text: str, told: list[Relation]) -> None:
    assert list(told_by_text(text)) == told


def test_a_document_bears_on_no_relation_to_itself() -> None:
    text = "《新办法》自发布之日起废止。国办发〔2026〕1号同时废止。《旧办法》同时废止。"
    assert told_by("新办法", text, number="国办发[2026]1号".replace("[", "〔").replace("]", "〕")) == (
        Relation(REPEALS, title="旧办法"),
    )
    assert told_by("国务院关于废止《甲》的决定", "现决定对《甲》予以废止。") == (Relation(REPEALS, title="甲"),)


def test_a_text_of_all_too_many_names_tells_no_more_than_is_kept() -> None:
    text = "。".join(f"《第{n}号办法》同时废止" for n in range(2 * MOST))
    assert len(told_by_text(text)) == MOST


def test_an_interpretation_is_about_the_documents_that_it_links_to() -> None:
    links = [
        ("《国务院办公厅关于甲的意见》（国办发〔2026〕28号）", "https://www.gov.example/zhengce/content/1.htm"),
        ("《国务院办公厅关于甲的意见》（国办发〔2026〕28号）", "https://www.gov.example/zhengce/content/1.htm"),
        ("国务院办公厅关于印发《乙》的通知", "https://www.gov.example/zhengce/content/2.htm"),
        ("没有地址", ""),
    ]
    assert interpreted("《关于甲的意见》解读", links) == (
        Relation(INTERPRETS, "国办发〔2026〕28号", links[0][1], "国务院办公厅关于甲的意见"),
        Relation(INTERPRETS, "", links[2][1], "国务院办公厅关于印发《乙》的通知"),
    )


def test_an_interpretation_without_a_link_is_about_what_its_title_names() -> None:
    assert interpreted("一图读懂《关于甲的意见》", []) == (Relation(INTERPRETS, title="关于甲的意见"),)
    assert interpreted("负责人答记者问", []) == ()
