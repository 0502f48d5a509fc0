"""A document's header as such pages show it: labels and their texts, in tables, lists and lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice, pairwise

from selectolax.lexbor import LexborNode

from syncd.sources.html import Html, squeeze

LABELS = {
    "title": ("标题", "名称", "文件名称", "文件标题", "信息名称"),
    "issuer": ("发文机关", "发布机构", "发布机关", "发文单位", "制定机关", "制发机关", "发布单位", "发文部门"),
    "document_number": ("发文字号", "文号", "文件编号", "发文文号", "文件字号"),
    "index_number": ("索引号", "信息索引号", "索引号码"),
    "origin_name": ("来源", "信息来源", "文章来源", "稿源"),
    "written": ("成文日期", "成文时间", "发文日期", "印发日期", "签署日期"),
    "published": ("发布日期", "发布时间", "公开日期", "公布日期", "公开时间", "发表时间"),
    "validity": ("有效性", "时效性", "效力状态", "文件状态", "是否有效"),
    "categories": ("主题分类", "分类", "公文种类", "体裁分类", "信息分类"),
}
"""What government sites call each field of a page."""
_NAMES = {label: field for field, labels in LABELS.items() for label in labels}
_NONE = frozenset(("", "-", "—", "——", "无", "/"))
_IN_TABLES_ONLY = frozenset(("", "title", "categories"))
"""In a line of its own 名称： or 分类： may be of the text."""
_LINE = re.compile(r"\s*(?P<label>[一-鿿][一-鿿\s]{1,12}?)\s*[:：]\s*(?P<text>.{0,200}?)\s*", re.DOTALL)
_LONGEST = 300


def header(page: Html, cells: str = "") -> dict[str, tuple[str, ...]]:
    """Fields of LABELS and the texts that the page gives them, each label once. cells: selector of the cells of the header.

    A table is believed when two of its cells are labels; a line when it begins with a label and a colon.
    """
    if cells:
        return _gathered(_pairs([squeeze(cell.text()) for cell in page.select(cells)]))
    found = _tables(page)
    for field, texts in _lines(page).items():
        found.setdefault(field, texts)
    return found


def _tables(page: Html) -> dict[str, tuple[str, ...]]:
    """Labels and texts beside each other in a row of a table, an item of a list, a list of definitions."""
    tables: dict[int, list[tuple[str, str]]] = {}
    for row in page.select("tr, li, dl"):
        table = row if row.tag == "dl" or row.parent is None else row.parent
        tables.setdefault(table.mem_id, []).extend(_pairs([_short(cell) for cell in islice(row.iter(), _MOST)]))
    found: dict[str, tuple[str, ...]] = {}
    for told in tables.values():
        if len(told) >= _HEADER:
            for field, texts in _gathered(told).items():
                found.setdefault(field, texts)
    return found


_MOST = 40
"""Cells of a row that are looked at."""
_HEADER = 2
"""Labels that make a table a header."""


def _short(node: LexborNode) -> str:
    """The text of an element that holds little; "" of one that holds much. A page may be nested to do harm: no more of it
    is looked at than a label or its text needs."""
    texts, waiting, looked = [], [node], 0
    while waiting:
        each, looked = waiting.pop(), looked + 1
        if looked > _NODES:
            return ""
        if each.is_text_node:
            texts.append(each.text_content or "")
        else:
            waiting += list(islice(each.iter(include_text=True), _NODES))[::-1]
    text = squeeze("".join(texts))
    return text if len(text) <= _LONGEST else ""


_NODES = 24


def _pairs(cells: Sequence[str]) -> list[tuple[str, str]]:
    """Each label's field with the text that follows it; no text where the next cell is a label too."""
    told = [(_field(label), text) for label, text in pairwise([*cells, ""]) if _field(label)]
    return [(field, "" if _field(text) else text) for field, text in told]


def _lines(page: Html) -> dict[str, tuple[str, ...]]:
    """Lines such as 来源：新华社, each in an element of its own."""
    lines = [_LINE.fullmatch(text) for node in page.select("li, p, span, td, div, dd, em, i") if (text := _short(node))]
    told = [(_field(found["label"]), found["text"]) for found in lines if found]
    return _gathered((field, text) for field, text in told if field not in _IN_TABLES_ONLY)


def _gathered(told: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """One text a field, but as many categories as there are labels of them."""
    found: dict[str, tuple[str, ...]] = {}
    for field, text in told:
        if text in _NONE or (field in found and field != "categories"):
            continue
        found[field] = tuple(dict.fromkeys((*found.get(field, ()), text)))
    return found


def _field(label: str) -> str:
    """The field of a label: 标  题： and 标题 are one, with colons of both widths."""
    return _NAMES.get("".join(label.split()).rstrip(":："), "") if len(label) <= _LABEL else ""


_LABEL = 24
"""Characters that a label has at most, with its blanks."""
