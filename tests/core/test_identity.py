"""Documents are found again under one name, however their number, title or address is spelt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.core import identity
from syncd.model import Bond, Relation


@pytest.mark.parametrize(
    "spelling",
    [
        "国办发〔2026〕28号",
        "国办发[2026]28号",
        "国办发(2026)28号",
        "国办发（2026）28号",
        "国办发【2026】28号",
        "国办发［2026］２８号",
        " 国办发 〔２０２６〕 第28号 ",
        "国办发\u3000〔2026〕\u00a028 号",
        "国办发〔2026〕028号",
        "国办发〔2026〕28",
        "国办发\u200b〔2026〕28号",
    ],
)
def test_a_document_number_has_one_spelling(spelling: str) -> None:
    assert identity.normalise_number(spelling) == "国办发〔2026〕28号"


def test_orders_of_the_state_council_keep_their_number() -> None:
    assert identity.normalise_number("国令 第847号") == identity.normalise_number("国令847号") == "国令847号"
    assert identity.normalise_number("国令第1008号") == "国令1008号"


@pytest.mark.parametrize("nothing", ["", "无", "——", " ", "/", "〔〕号"])
def test_a_placeholder_is_no_number(nothing: str) -> None:
    assert identity.normalise_number(nothing) == ""
    assert identity.normalise_index(nothing) == ""


def test_different_numbers_stay_different() -> None:
    spellings = [
        "国办发〔2026〕28号",
        "国办发〔2026〕2号",
        "国发〔2026〕28号",
        "国办发〔2025〕28号",
        "国办发〔2026〕280号",
    ]
    assert len({identity.normalise_number(one) for one in spellings}) == len(spellings)


@given(st.text(alphabet="国办发第号令関A b０1２〔〕[](（)）【】《》“”－—+　\u00a0\u200b/0"))
def test_normalising_twice_changes_nothing(text: str) -> None:
    for normalise in (identity.normalise_number, identity.normalise_index, identity.normalise_title):
        assert normalise(normalise(text)) == normalise(text)


def test_titles_differ_only_by_what_people_read() -> None:
    one = "关于印发《“互联网＋”行动方案（2026－2030年）》的通知"
    other = '关于印发 《"互联网+"行动方案(2026—2030年)》 的通知\n'
    assert identity.normalise_title(one) == identity.normalise_title(other)
    assert identity.normalise_title("关于开展甲工作的通知") != identity.normalise_title("关于开展乙工作的通知")


@pytest.mark.parametrize(
    "url",
    [
        "https://www.gov.cn/zhengce/content_1.htm",
        "http://www.gov.cn/zhengce/content_1.htm#top",
        "HTTPS://WWW.GOV.CN:443/zhengce/content_1.htm?utm_source=x&utm_medium=y&spm=1.2",
        "http://gov.cn:80/zhengce/content_1.htm",
        "https://user:secret@gov.cn./zhengce/content_1.htm",
        " https://gov.cn/zhengce/content_1.htm?spm ",
    ],
)
def test_one_page_has_one_name(url: str) -> None:
    assert identity.canonical_url(url) == "gov.cn/zhengce/content_1.htm"


def test_what_makes_another_page_stays_in_its_name() -> None:
    assert identity.canonical_url("https://a.cn:8443/x?id=2&utm_id=7&page=1") == "a.cn:8443/x?id=2&page=1"
    assert identity.canonical_url("http://a.cn:443/x") == "a.cn:443/x"
    assert identity.canonical_url("https://a.cn/政策?词=%e4%b8") == "a.cn/%E6%94%BF%E7%AD%96?%E8%AF%8D=%E4%B8"
    assert identity.canonical_url("https://a.cn/") == identity.canonical_url("https://a.cn") == "a.cn"
    assert identity.canonical_url("https://a.cn/x/") != identity.canonical_url("https://a.cn/x")


@pytest.mark.parametrize(
    "bad", ["", "urn:uuid:1", "https://[::1", "https://a.cn:99999/x", "/content_1.htm", "mailto:a@b.cn"]
)
def test_what_is_no_web_address_has_no_name(bad: str) -> None:
    assert identity.canonical_url(bad) == ""


def test_aliases_come_strongest_first() -> None:
    found = identity.aliases(
        "feed",
        "guid-1",
        url="https://www.gov.cn/a.htm",
        title="关于甲的通知",
        issuer="国务院办公厅",
        number="国办发[2026]28号",
        index="000014349/2026-00074",
        written="2026-09-25",
    )
    assert found == (
        "number:国办发〔2026〕28号",
        "index:000014349/2026-00074",
        "title:关于甲的通知|国务院办公厅|2026-09-25",
        "url:gov.cn/a.htm",
        "guid:feed:guid-1",
    )


def test_a_joint_document_without_number_is_known_by_its_title_issuer_and_date() -> None:
    found = identity.aliases("feed", "k", title="意见", issuer="中国人民银行 财政部", number="", written="2026-09-25")
    assert [alias.partition(":")[0] for alias in found] == ["title", "guid"]


@pytest.mark.parametrize("missing", ["title", "issuer", "written"])
def test_a_title_alone_is_no_alias(missing: str) -> None:
    known = {"title": "关于甲的通知", "issuer": "国务院", "written": "2026-09-25", missing: ""}
    assert identity.aliases("feed", "k", **known) == ("guid:feed:k",)


def test_a_home_page_names_no_document() -> None:
    assert identity.aliases("feed", "", url="https://www.gov.cn/") == ()
    assert identity.aliases("feed", "", url="https://www.gov.cn/?id=7") == ("url:gov.cn?id=7",)


def test_guids_of_two_sources_never_meet() -> None:
    assert identity.aliases("a", "1") != identity.aliases("b", "1")


def test_an_alias_hash_fits_a_signed_64_bit_column_and_never_changes() -> None:
    assert identity.alias_hash("number:国办发〔2026〕28号") == identity.alias_hash("number:国办发〔2026〕28号")
    hashes = [identity.alias_hash(f"guid:a:{n}") for n in range(1000)]
    assert len(set(hashes)) == 1000
    assert all(-(2**63) <= value < 2**63 for value in hashes)
    assert min(hashes) < 0 < max(hashes)


def test_a_key_is_the_same_for_the_same_document_and_site_only() -> None:
    strong, weak = "number:国办发〔2026〕28号", "guid:a:1"
    key = identity.mint_key("county", (strong, weak))
    assert key == identity.mint_key("county", (strong, "guid:b:2"))
    assert key != identity.mint_key("town", (strong, weak))
    assert key != identity.mint_key("county", (weak,))
    assert key.isascii()
    assert key.startswith("syncd-")
    assert len(key) == 26


def test_hashes_that_databases_hold_are_the_same_for_ever() -> None:
    named = ("", "guid:feed-1:1-2", "title:关于|国办|2026-04-15", "url:\ud800")
    known = [-1970711489451281740, 7835729954942564517, 367756287505570708, -2448354624217029137]
    assert [identity.alias_hash(alias) for alias in named] == known


def test_the_key_of_a_row_is_the_same_for_ever() -> None:
    url = "https://www.gov.example/1.htm"
    assert identity.entry_key("state", url) == identity.alias_hash(f"entry:state:{url}")
    assert identity.entry_key("a", "k") != identity.entry_key("b", "k")


@pytest.mark.parametrize(
    "spelling",
    [
        "国家发展改革委 财政部",
        "财政部、国家发展和改革委员会",
        "财政部；中华人民共和国国家发展和改革委员会",
        "国家发展改革委，财政部",
        "财政部/发展改革委 财政部",
    ],
)
def test_joint_issuers_are_the_same_in_any_order_and_by_short_or_full_names(spelling: str) -> None:
    assert identity.normalise_issuer(spelling) == "国家发展和改革委员会、财政部"


def test_issuers_that_are_others_stay_others() -> None:
    assert identity.normalise_issuer("国务院") != identity.normalise_issuer("国务院办公厅")
    assert identity.normalise_issuer("Department for Transport") == "departmentfortransport"
    assert identity.normalise_issuer("HM Treasury, Cabinet Office") == "cabinetoffice、hmtreasury"
    assert identity.normalise_issuer(" ") == ""


@pytest.mark.parametrize(
    "url",
    [
        "https://m.gov.cn/zhengce/content_1.htm",
        "http://wap.gov.cn/zhengce/content_1.htm",
        "https://www.gov.cn/zhengce/content_1.htm）。",
        "https://www.gov.cn/zhengce/content_1.htm，",
    ],
)
def test_the_mobile_face_and_marks_of_the_sentence_around_are_no_other_page(url: str) -> None:
    assert identity.canonical_url(url) == "gov.cn/zhengce/content_1.htm"


def test_a_host_that_is_only_called_so_keeps_its_name() -> None:
    assert identity.canonical_url("http://m.cn/x") == "m.cn/x"
    assert identity.canonical_url("http://www.m.cn/x") == "m.cn/x"


A, B, C = (1, ("number:1", "url:a")), (2, ("url:b",)), (3, ("number:3", "title:t"))


def test_the_oldest_document_stays_and_one_with_another_number_is_another() -> None:
    assert identity.identify(("number:1", "url:b"), [A, B]) == (1, 2)
    assert identity.identify(("url:b", "url:a"), [B, A]) == (1, 2)
    assert identity.identify(("number:9", "url:b", "title:t"), [B, C]) == (2,)
    assert identity.identify(("number:9", "title:t"), [C]) == ()
    assert identity.identify(("url:b", "title:t"), [B, C, A]) == (1, 2, 3)
    assert identity.identify(("title:t", "url:a"), [C, A]) == (3,)


def test_a_document_whose_own_page_tells_another_number_stays_itself() -> None:
    assert identity.identify(("number:9", "url:a"), [A], given=1) == (1,)
    assert identity.identify(("number:3", "url:a"), [A, C], given=1) == (1, 3)
    assert identity.identify(("url:x",), [], given=0) == ()


def test_a_relation_finds_its_document_by_number_or_address_and_by_title_only_without_a_number() -> None:
    both = Relation(Bond.REPEALS, number="国发[2020]9号", url="http://m.gov.cn/1.htm", title="《旧规》")
    assert identity.targets(both) == ("number:国发〔2020〕9号", "url:gov.cn/1.htm")
    assert identity.targets(Relation(Bond.REPEALS, title="《旧 规》")) == (identity.title_name("旧规"),)
    assert identity.targets(Relation(Bond.REPEALS)) == ()
