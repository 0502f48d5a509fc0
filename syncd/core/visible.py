"""Whether a page shows a post: its fingerprint, and the comparison of its title and text with what a look saw."""

from __future__ import annotations

import hashlib
import html
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from syncd.core.characters import Dropping

_VERSION = "1"
_ONE_SPELLING = Dropping(
    "ZC",
    {
        **dict.fromkeys("“”„‟«»″〝〞＂", '"'),
        **dict.fromkeys("‘’‚‛′´`＇", "'"),
        **dict.fromkeys("‐‑‒–—―−－", "-"),
        "⋯": "...",
        "・": "·",
        "•": "·",
    },
)
"""One table for both, since a translation costs more than all else that is done to a text here."""
_PIECE = 12
"""Characters below which a paragraph is looked for together with its neighbour: a cell "3" stands on any page."""
_SHORT = 24
"""A text shorter than this is no proof alone: a list's excerpt holds all of it, so the page's own title must tell."""
_SHOWN = 5
"""How many missing paragraphs a Look names."""
_LOGIN = ("登录", "登陆", "用户名", "密码", "验证码", "统一身份认证", "login", "signin", "username", "password")
_ERROR = (
    "404", "403", "502", "503", "notfound", "pagenotfound", "不存在", "找不到", "无法访问", "访问被拒绝", "拒绝访问",
    "拦截", "已删除", "服务器错误", "系统错误", "系统维护", "内部错误", "数据库错误", "forbidden", "accessdenied",
    "badgateway", "serviceunavailable", "internalservererror", "errorestablishing", "fatalerror", "errorpage", "出错了",
)
_GONE = ("404", "notfound", "不存在", "找不到", "已删除", "410", "gone")
_NOTICE = ("撤回", "撤下", "撤销", "废止", "失效", "停止执行", "withdrawn", "revoked", "repealed", "retracted")
_SMALL_PAGE = 2000
"""A log-in or error page is small: a full page with such a word in its navigation is not one."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at a page proved. share: part of the post's characters that the page shows, 0 to 1.

    reason: visible, title_missing, text_differs, empty_page, login_page or error_page; of `shows_withdrawn` also
    withdrawn, gone, still_visible and no_notice. missing: the first paragraphs that are not there, shortened.
    """

    ok: bool
    reason: str
    share: float = 0.0
    missing: tuple[str, ...] = ()


def normalise(text: str) -> str:
    """A text in one spelling: entities decoded, widths and quotes unified, blanks and invisible characters dropped."""
    return unicodedata.normalize("NFKC", html.unescape(text)).translate(_ONE_SPELLING)


def fingerprint(title: str, text: str) -> str:
    """A name for a title and a text that stays the same when a CMS reflows blanks or encodes quotes its own way."""
    digest = hashlib.sha256(f"{normalise(title)}\n{normalise(text)}".encode())
    return f"{_VERSION}:{digest.hexdigest()}"


def compare(title: str, text: str, page_title: str, page_text: str) -> Look:
    """Whether a page shows the post: its title, and every paragraph of its text in order, unaltered.

    text, page_text: visible text, one paragraph a line. page_title: what the page's <title> says. What stands around
    the post (navigation, credits) doesn't matter; what should be in it does.
    """
    page = normalise(page_text)
    heading = normalise(page_title)
    if not page:
        return Look(False, "empty_page")
    share, missing = _search(_pieces(text.splitlines()), page)
    if not _shows_title(normalise(title), text, heading, page):
        return Look(False, _other_page(heading, page) or "title_missing", share, missing)
    if missing:
        return Look(False, "text_differs", share, missing)
    return Look(True, "visible", 1.0)


def shows_withdrawn(title: str, text: str, page_title: str, page_text: str) -> Look:
    """Whether a page that answered 200 shows that the post was withdrawn: a notice with its title, or "no such page".

    A log-in page, a fault or an empty page proves nothing: withdrawal too is only believed when it is seen.
    """
    page, heading = normalise(page_text), normalise(page_title)
    if not page:
        return Look(False, "empty_page")
    if compare(title, text, page_title, page_text).ok:
        return Look(False, "still_visible", 1.0)
    said = (heading + page).casefold()
    if normalise(title) in heading + page and any(word in said for word in _NOTICE):
        return Look(True, "withdrawn")
    if len(page) <= _SMALL_PAGE and any(word in said for word in _GONE):
        return Look(True, "gone")
    return Look(False, _other_page(heading, page) or "no_notice")


def _shows_title(title: str, text: str, heading: str, page: str) -> bool:
    return title in heading or (title in page and len(normalise(text)) >= _SHORT)


def _pieces(lines: Sequence[str]) -> tuple[str, ...]:
    """The lines as they are searched for: normalised, short ones joined to their neighbours."""
    pieces: list[str] = []
    for line in filter(None, map(normalise, lines)):
        if pieces and len(pieces[-1]) < _PIECE:
            pieces[-1] += line
        else:
            pieces.append(line)
    if len(pieces) > 1 and len(pieces[-1]) < _PIECE:
        pieces[-2:] = ["".join(pieces[-2:])]
    return tuple(pieces)


def _search(pieces: Sequence[str], page: str) -> tuple[float, tuple[str, ...]]:
    """The share of characters found in order, and the first pieces that were not."""
    at, found, missing = 0, 0, []
    for piece in pieces:
        place = page.find(piece, at)
        if place < 0:
            missing.append(piece[:80])
            continue
        at, found = place + len(piece), found + len(piece)
    total = sum(map(len, pieces))
    return (found / total if total else 1.0), tuple(missing[:_SHOWN])


def _other_page(heading: str, page: str) -> str:
    """What a page without the post is instead, or ""."""
    if len(page) > _SMALL_PAGE:
        return ""
    said = (heading + page).casefold()
    if any(word in said for word in _ERROR):
        return "error_page"
    words = sum(word in said for word in _LOGIN)
    return "login_page" if words > 1 or any(word in heading.casefold() for word in _LOGIN) else ""
