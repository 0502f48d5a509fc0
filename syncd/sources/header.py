"""The header of a published document: labels and values above its text, in tables, lists or lines of any layout."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise

from selectolax.lexbor import LexborNode

from syncd.sources.html import Html, squeeze

LABELS = {
    "title": ("标题", "信息名称", "文件名称", "文件标题", "名称", "公文标题"),
    "issuer": (
        "发文机关",
        "发布机构",
        "发布机关",
        "发文单位",
        "发文部门",
        "发布单位",
        "公开主体",
        "制定机关",
        "制发机关",
    ),
    "document_number": ("发文字号", "文号", "文件编号", "发文文号", "文件字号", "公文文号"),
    "index_number": ("索引号", "信息索引号", "索引编号", "索引号码"),
    "origin_name": ("来源", "信息来源", "文章来源", "稿件来源", "稿源"),
    "written": ("成文日期", "成文时间", "生成日期", "印发日期", "发文日期", "签署日期"),
    "published": ("发布日期", "发布时间", "公开日期", "公开时间", "公布日期", "发文时间", "发表时间"),
    "validity": ("时效性", "有效性", "效力", "时效", "效力状态", "文件状态", "是否有效"),
    "categories": ("主题分类", "信息分类", "分类", "公文种类", "体裁分类", "文种", "文件种类"),
}
"""A field, and how sites call it (GB/T 42147-2022 and 政府信息公开目录 of provinces)."""
_FEWEST = 2
"""Fewer labels beside each other are no header, and none of them may be one that a table of the text has too, unless
there are more."""
_WEAK = frozenset(("title", "origin_name", "categories"))
_NAMES = {spelling: name for name, spellings in LABELS.items() for spelling in spellings}
_BLOCKS = "table, ul, ol, dl, div"
_LINES = "li, p, span, td, div, dd, em, i"
_LINE = re.compile(r"\s*(?P<label>[一-鿿][一-鿿\s]{1,12}?)\s*[:：]\s*(?P<text>.{0,200}?)\s*", re.DOTALL)
_MOST_BLOCKS, _MOST_CELLS, _MOST_LINES = 400, 200, 4_000
_LONGEST, _LONGEST_LABEL = 300, 24
_NODES = 24
_NONE = frozenset(("", "-", "—", "——", "/", "无", "暂无"))

Told = dict[str, tuple[str, ...]]
"""Fields of LABELS and the texts that a page gives them: one each, but as many categories as there are labels of them."""


def header_of(page: Html, body: LexborNode | None = None, cells: str = "") -> Told:
    """The header's fields; empty when the page has none. body: what is not looked into. cells: a selector of its cells.

    The smallest block that tells most counts: the blocks that hold it show the same and more. A line such as
    来源：新华社 that is all of its element tells a field that no block does.
    """
    if cells:
        return _gathered(_beside_each_other([squeeze(cell.text()) for cell in page.select(cells)[:_MOST_CELLS]]))
    inside = set() if body is None else {node.mem_id for node in body.css("*")} | {body.mem_id}
    found = _block(page, inside)
    for field, texts in _gathered(_lone_lines(page, inside)).items():
        if field not in _WEAK - {"origin_name"}:
            found.setdefault(field, texts)
    return found


def _block(page: Html, inside: set[int]) -> Told:
    best: Told = {}
    for block in page.select(_BLOCKS)[:_MOST_BLOCKS]:
        if block.mem_id not in inside:
            found = _gathered(_cells(block) if block.tag == "table" else _lines(block))
            enough = len(found.keys() - _WEAK) >= _FEWEST or len(found) > _FEWEST
            best = found if enough and len(found) >= len(best) else best
    return best


def _gathered(told: Iterable[tuple[str, str]]) -> Told:
    found: Told = {}
    for label, text in told:
        field = field_of(label)
        if not field or text in _NONE or len(text) > _LONGEST or field_of(text):
            continue
        if field not in found or field == "categories":
            found[field] = tuple(dict.fromkeys((*found.get(field, ()), text)))
    return found


def _cells(table: LexborNode) -> Iterator[tuple[str, str]]:
    return _beside_each_other([squeeze(cell.text()) for cell in table.css("td, th")[:_MOST_CELLS]])


def _beside_each_other(cells: list[str]) -> Iterator[tuple[str, str]]:
    """A label in a cell and its value in the next, or both in one."""
    for text, following in pairwise([*cells, ""]):
        label, value = _parted(text)
        yield label, value or following


def _lines(block: LexborNode) -> Iterator[tuple[str, str]]:
    """A label and its value in one text, or the value in the element beside; an empty element is an empty value."""
    texts = (node for node in block.traverse(include_text=True) if node.tag == "-text")
    for node in islice(texts, 2 * _MOST_CELLS):
        label, value = _parted(squeeze(node.text_content or ""))
        if field_of(label):
            yield label, value or _beside(node)


def _lone_lines(page: Html, inside: set[int]) -> Iterator[tuple[str, str]]:
    for node in page.select(_LINES)[:_MOST_LINES]:
        found = None if node.mem_id in inside else _LINE.fullmatch(_short(node))
        if found:
            yield found["label"], found["text"]


def _short(node: LexborNode) -> str:
    """The text of an element that holds little; "" of one that holds much. A page may be nested to do harm: no more of it
    is looked at than a label and its text need."""
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


def _parted(text: str) -> tuple[str, str]:
    label, _, value = text.replace(":", "：", 1).partition("：")
    return label, value.strip()


def _beside(node: LexborNode) -> str:
    """The text of what follows a label's element."""
    after = node.next or (node.parent.next if node.parent is not None else None)
    while after is not None and after.tag == "-text" and not squeeze(after.text_content or ""):
        after = after.next
    if after is None:
        return ""
    return squeeze((after.text_content if after.tag == "-text" else after.text()) or "")


def field_of(label: str) -> str:
    """The field of LABELS that a label means, or "": 标  题： and 标题 are one, with colons of both widths."""
    return _NAMES.get("".join(label.split()).rstrip(":："), "") if len(label) <= _LONGEST_LABEL else ""
