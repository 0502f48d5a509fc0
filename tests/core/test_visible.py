"""A page shows a post only when its title and every paragraph are there, unaltered and in order."""

import pytest

from syncd.core import visible
from syncd.core.visible import compare, fingerprint, shows_withdrawn

TITLE = "国务院办公厅关于加快推进“高效办成一件事”的指导意见"
TEXT = "各省、自治区、直辖市人民政府：\n为深入推动政务服务提质增效，现提出以下意见。"
TEXT += "\n序号\n1\n2\n国务院办公厅\n2026年11月3日"
NAV = "首页\n政务公开\n登录\n当前位置：首页 > 国务院文件\n"
FOOT = "\n版权所有 某县人民政府\n404 热线"


def page(text: str = TEXT, title: str = TITLE) -> str:
    return f"{NAV}{title}\n来源：中国政府网\n{text}{FOOT}"


@pytest.mark.guarantee(4)
def test_a_post_between_navigation_and_credits_is_visible() -> None:
    look = compare(TITLE, TEXT, f"{TITLE} - 某县", page())
    assert (look.ok, look.reason, look.share, look.missing) == (True, "visible", 1.0, ())


def test_blanks_widths_quotes_and_entities_make_no_difference() -> None:
    shown = page(
        TEXT.replace("：", ":").replace("现提出", "现\n提 \u200b出"), TITLE.replace("“", "&#8220;").replace("”", '"')
    )
    assert compare(TITLE, TEXT, "", shown).ok
    assert fingerprint(TITLE, TEXT) == fingerprint(TITLE.replace("“", "&ldquo;"), TEXT.replace("\n", " \u3000\n\n"))
    assert fingerprint(TITLE, TEXT).startswith("1:")


def test_title_and_text_are_told_apart_in_a_fingerprint() -> None:
    assert fingerprint("甲", "乙") != fingerprint("甲乙", "")
    assert fingerprint(TITLE, TEXT) != fingerprint(TITLE, TEXT.replace("3日", "4日"))


@pytest.mark.guarantee(4)
@pytest.mark.parametrize(
    "change", [("提质增效", "提质"), ("\n2\n", "\n3\n"), ("2026年11月3日", "2026年11月4日"), ("1\n2", "2\n1")]
)
def test_a_changed_paragraph_or_cell_is_not_visible(change: tuple[str, str]) -> None:
    look = compare(TITLE, TEXT, TITLE, page(TEXT.replace(*change)))
    assert (look.ok, look.reason) == (False, "text_differs")
    assert look.missing
    assert 0 <= look.share < 1


@pytest.mark.guarantee(4)
def test_paragraphs_in_another_order_are_not_visible() -> None:
    first, second, *rest = TEXT.splitlines()
    assert compare(TITLE, TEXT, TITLE, page("\n".join([second, first, *rest]))).reason == "text_differs"


@pytest.mark.guarantee(4)
def test_a_list_with_the_title_is_not_the_post() -> None:
    assert compare(TITLE, TEXT, "国务院文件", f"{NAV}{TITLE}\n2026-11-03\n另一个通知").reason == "text_differs"


@pytest.mark.guarantee(4)
def test_a_list_whose_excerpt_holds_a_short_text_is_not_the_post() -> None:
    listed = f"{NAV}{TITLE}\n任命张三为副部长。"
    assert compare(TITLE, "任命张三为副部长。", "人事任免", listed).reason == "title_missing"
    assert compare(TITLE, "任命张三为副部长。", TITLE, listed).ok
    assert compare(TITLE, "", TITLE, listed).ok


@pytest.mark.guarantee(4)
@pytest.mark.parametrize(
    ("page_title", "text", "reason"),
    [
        ("", " \n\u3000", "empty_page"),
        ("统一身份认证", "用户名\n密码\n登录", "login_page"),
        ("404 Not Found", "nginx", "error_page"),
        ("某县", "您访问的页面不存在", "error_page"),
        ("某县", "首页\n另一篇文章", "title_missing"),
        ("某县", "登录 " + "另一篇文章。" * 500, "title_missing"),
    ],
)
def test_other_pages_are_named(page_title: str, text: str, reason: str) -> None:
    look = compare(TITLE, TEXT, page_title, text)
    assert (look.ok, look.reason) == (False, reason)


def test_at_most_five_missing_paragraphs_are_named_and_shortened() -> None:
    text = "\n".join(f"第{n}段：" + "内容" * 100 for n in range(9))
    look = compare(TITLE, text, TITLE, page("别的"))
    assert len(look.missing) == 5
    assert max(map(len, look.missing)) == 80


@pytest.mark.guarantee(4)
@pytest.mark.parametrize(
    ("page_title", "text", "expected"),
    [
        (TITLE, page(), (False, "still_visible")),
        (f"已撤回：{TITLE}", f"{TITLE}\n本文件已废止", (True, "withdrawn")),
        ("404", "找不到页面", (True, "gone")),
        ("502", "Bad Gateway", (False, "error_page")),
        ("登录", "用户名", (False, "login_page")),
        ("", "", (False, "empty_page")),
        ("首页", "欢迎" * 2000, (False, "no_notice")),
    ],
)
def test_a_withdrawal_is_believed_only_when_it_is_seen(page_title: str, text: str, expected: tuple[bool, str]) -> None:
    look = shows_withdrawn(TITLE, TEXT, page_title, text)
    assert (look.ok, look.reason) == expected


def test_a_single_short_paragraph_is_searched_as_it_is() -> None:
    assert visible.compare(TITLE, "全文见附件", TITLE, page("全文见附件")).ok


@pytest.mark.guarantee(4)
def test_a_short_last_paragraph_must_stand_right_after_the_one_before() -> None:
    text = "一段足够长的正文内容在这里结束。\n特此通知"
    assert compare(TITLE, text, TITLE, page(text)).ok
    assert not compare(TITLE, text, TITLE, page("特此通知\n一段足够长的正文内容在这里结束。")).ok
