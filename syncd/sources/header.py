"""The header of a published document: labels and values above its text, in tables, lists or lines of any layout."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, pairwise

from selectolax.lexbor import LexborNode

from syncd.sources.html import Html, squeeze

LABELS = {
    "标题": ("标题", "信息名称", "文件名称", "名称", "公文标题"),
    "发文机关": ("发文机关", "发布机构", "发文单位", "发布单位", "公开主体", "制发机关"),
    "发文字号": ("发文字号", "文号", "文件编号", "发文文号", "文件字号", "公文文号"),
    "索引号": ("索引号", "信息索引号", "索引编号"),
    "来源": ("来源", "信息来源", "文章来源", "稿件来源"),
    "主题分类": ("主题分类", "信息分类", "分类"),
    "公文种类": ("公文种类", "体裁分类", "文种", "文件种类"),
    "成文日期": ("成文日期", "成文时间", "生成日期", "印发日期", "发文日期"),
    "发布日期": ("发布日期", "发布时间", "公开日期", "公布日期", "发文时间"),
}
"""A field's name, and how sites call it (GB/T 42147-2022 and 政府信息公开目录 of provinces)."""
FEWEST = 3
"""Fewer labels beside each other are no header: a table of the text may have a column 名称."""
_NAMES = {spelling: name for name, spellings in LABELS.items() for spelling in spellings}
_BLOCKS = "table, ul, ol, dl, div"
_MOST_BLOCKS, _MOST_CELLS = 400, 200
_LONGEST = 300
_NONE = frozenset(("", "-", "—", "——", "/", "无", "暂无"))


def header_of(page: Html, body: LexborNode | None = None) -> dict[str, str]:
    """The header's fields by the names of LABELS; empty when the page has none. body: what is not looked into.

    The smallest block that has FEWEST labels counts: the blocks that hold it show the same and more.
    """
    best: dict[str, str] = {}
    inside = set() if body is None else {node.mem_id for node in body.css(_BLOCKS)} | {body.mem_id}
    for block in page.select(_BLOCKS)[:_MOST_BLOCKS]:
        if block.mem_id in inside:
            continue
        found = _fields(block)
        if len(found) >= max(FEWEST, len(best)):
            best = found
    return best


def _fields(block: LexborNode) -> dict[str, str]:
    found: dict[str, str] = {}
    for label, value in _cells(block) if block.tag == "table" else _lines(block):
        name = _NAMES.get("".join(label.split()).rstrip("：:"), "")
        if name and value not in _NONE and len(value) <= _LONGEST and not _is_label(value):
            found.setdefault(name, value)
    return found


def _cells(table: LexborNode) -> Iterator[tuple[str, str]]:
    """A label in a cell and its value in the next, or both in one."""
    cells = [squeeze(cell.text()) for cell in table.css("td, th")[:_MOST_CELLS]]
    for text, following in pairwise([*cells, ""]):
        label, value = _parted(text)
        yield label, value or following


def _lines(block: LexborNode) -> Iterator[tuple[str, str]]:
    """A label and its value in one text, or the value in the element beside; an empty element is an empty value."""
    texts = (node for node in block.traverse(include_text=True) if node.tag == "-text")
    for node in islice(texts, 2 * _MOST_CELLS):
        label, value = _parted(squeeze(node.text_content or ""))
        if _is_label(label):
            yield label, value or _beside(node)


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


def _is_label(text: str) -> bool:
    return "".join(text.split()).rstrip(":：") in _NAMES
