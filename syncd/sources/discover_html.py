"""A list on a web page that nobody described: the feeds that it links to, the blocks that repeat with a link and a date."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from selectolax.lexbor import LexborNode, SelectolaxError

from syncd.sources.header import field_of
from syncd.sources.html import Html, join, squeeze
from syncd.sources.html_rows import DATE

FEED_TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml")
_FEWEST_ROWS = 3
_MOST_LINKS = 2_000
_TITLE = 6
"""Characters that a document's title has at least; links of menus have fewer."""
_SURE = 0.8
_IDENT = re.compile(r"-?[A-Za-z_][\w-]*")
_STATES = re.compile(
    r"(?:first|last|odd|even|active|on|cur|current|hover|selected|views-row-\w+|post-\d+|item-?\d+|.*\d{3,}.*)"
)
_PLACED = ("td", "span", "div", "p")
"""Elements that are told apart by their place."""
_NEXT = ("下一页", "下页", "后一页", "Next", "next", "Older", "older", "›", "»")
_TRS = re.compile(r"createPageHTML\(\s*(\d+)\s*,\s*\d+\s*,\s*[\"'](\w+)[\"']\s*,\s*[\"'](\w+)[\"']")
_CLIMB = 5


def linked_feeds(page: Html) -> list[tuple[str, str]]:
    """Feeds that the page names by <link rel=alternate>, or links to by a name that only feeds have: address and title."""
    found: dict[str, str] = {}
    for node in page.select("link[rel~=alternate][href]"):
        if (node.attributes.get("type") or "").partition(";")[0].strip().lower() in FEED_TYPES:
            found.setdefault(join(page.base, node.attributes.get("href") or ""), node.attributes.get("title") or "feed")
    for node in page.select("a[href]")[:_MOST_LINKS]:
        url = join(page.base, node.attributes.get("href") or "")
        if re.search(r"(?:/feed/?|/rss/?|\.rss|\.atom|/atom\.xml|/rss\.xml|/feed\.xml|/index\.xml|/feed\.json)$", url):
            found.setdefault(url, squeeze(node.text()) or "feed")
    return [(url, title) for url, title in found.items() if url][:5]


@dataclass(frozen=True, slots=True)
class Block:
    """Elements beside each other that repeat, and how many of them hold a link with a title, and a date."""

    rows: tuple[LexborNode, ...]
    titled: int
    dated: int
    length: float

    @property
    def likeness(self) -> float:
        """Rows that look like documents: dates count most, then long titles; a menu has neither."""
        share = self.dated / len(self.rows)
        return self.titled * min(self.length, 40.0) * (1 + 4 * share) if self.titled >= _SURE * len(self.rows) else 0.0


def find_rows(page: Html) -> tuple[dict[str, Any], list[str], list[str]]:
    """Options of an `html` source for a page, notes for a person, and what could not be found."""
    block = max(_blocks(page), key=lambda each: each.likeness, default=None)
    if block is None or block.likeness == 0 or block.length < _TITLE:
        return {}, [], ["no blocks on it repeat with a link and a title: scripts may make its list"]
    selector = _selector(page, block)
    if not selector:
        return {}, [], ["its rows repeat, but no selector tells them from the rest of the page"]
    rows = page.select(selector)
    fields, notes = _fields([row for row in rows if _main_link(row) is not None])
    if "title" not in fields:
        return {}, [], [f"{selector!r} finds {len(rows)} rows, but no selector finds the title in each"]
    fields |= _columns(rows)
    paging = _paging(page)
    return {"list": selector, "fields": fields} | ({"paging": paging} if paging else {}), notes, []


def _blocks(page: Html) -> Iterator[Block]:
    """For each link the element around it, on each level, with those beside it that are made alike."""
    seen: set[tuple[int, str]] = set()
    for link in page.select("a[href]")[:_MOST_LINKS]:
        node = link
        for _ in range(_CLIMB):
            parent = node.parent
            if parent is None or parent.tag in ("html", "-undef"):
                break
            tag = node.tag or ""
            if (parent.mem_id, tag) not in seen:
                seen.add((parent.mem_id, tag))
                yield from _block(parent, tag)
            node = parent


def _block(parent: LexborNode, tag: str) -> Iterator[Block]:
    rows = [child for child in parent.iter() if child.tag == tag]
    links = [_main_link(row) for row in rows]
    if sum(link is not None for link in links) < _FEWEST_ROWS:
        return
    kept = [(row, link) for row, link in zip(rows, links, strict=True) if link is not None]
    lengths = [len(title_text(link)) for _, link in kept]
    titled = sum(length >= _TITLE for length in lengths)
    dated = sum(bool(DATE.search(_outside(row, link))) for row, link in kept)
    yield Block(tuple(row for row, _ in kept), titled, dated, sum(lengths) / len(lengths))


def _main_link(row: LexborNode) -> LexborNode | None:
    """The link with the longest title."""
    links = [row] if row.tag == "a" and row.attributes.get("href") else row.css("a[href]")[:20]
    real = [a for a in links if not (a.attributes.get("href") or "").lower().startswith(("javascript:", "mailto:", "#"))]
    return max(real, key=lambda a: len(title_text(a)), default=None)


def title_text(link: LexborNode) -> str:
    return max((squeeze(link.attributes.get("title") or ""), squeeze(link.text())), key=len)


def _outside(row: LexborNode, link: LexborNode) -> str:
    """The text of a row that is not its title: a title may tell a date of its own."""
    return row.text() if row.mem_id == link.mem_id else row.text().replace(link.text(), " ", 1)


def _selector(page: Html, block: Block) -> str:
    """The shortest selector that finds the rows, and hardly anything that is none; rows in several lists are one list."""
    row = block.rows[0]
    steps = [_step(row, block.rows)]
    node = row.parent
    while node is not None and node.tag not in ("html", "-undef"):
        steps.insert(0, _step(node, [node]))
        selector = " > ".join(steps)
        if len(steps) > 1 and _fits(page, selector, block):
            return selector
        node = node.parent
    return ""


def _fits(page: Html, selector: str, block: Block) -> bool:
    found = page.select(selector)
    kept = {node.mem_id for node in found}
    if not all(row.mem_id in kept for row in block.rows):
        return False
    good = [row for row in found if (link := _main_link(row)) is not None and len(title_text(link)) >= _TITLE
            and (not _is_dated(block) or DATE.search(_outside(row, link)))]
    return len(good) >= _SURE * len([row for row in found if row.css_first("a[href]") is not None])


def _is_dated(block: Block) -> bool:
    return block.dated >= _SURE * len(block.rows)


def _step(node: LexborNode, alike: Sequence[LexborNode]) -> str:
    """An element as CSS: its id, or the classes that all of `alike` share and that tell no state or number."""
    name = node.attributes.get("id") or ""
    if len(alike) == 1 and _IDENT.fullmatch(name) and not re.search(r"\d{3,}", name):
        return f"{node.tag}#{name}"
    shared = Counter(word for each in alike for word in set((each.attributes.get("class") or "").split()))
    own = (node.attributes.get("class") or "").split()
    words = [w for w in dict.fromkeys(own) if shared[w] == len(alike) and _IDENT.fullmatch(w) and not _STATES.fullmatch(w)]
    return f"{node.tag}{''.join(f'.{word}' for word in words[:2])}"


def _fields(rows: Sequence[LexborNode]) -> tuple[dict[str, str], list[str]]:
    notes: list[str] = []
    links = [(row, link) for row in rows if (link := _main_link(row)) is not None]
    whole = all(row.mem_id == link.mem_id for row, link in links)
    fields = _of_links_that_are_rows(rows) if whole else _of_links(links, rows)
    dates = [(row, node) for row, link in links if (node := _date_node(row, link)) is not None]
    where = _common([_within(row, node) for row, node in dates], [row for row, _ in dates],
                    lambda row, node: bool(DATE.search(node.text())))
    if where and len(dates) >= _SURE * len(links):
        fields["published"] = where
    else:
        notes.append("no date was found in the rows: the documents' own pages are asked for it")
    return fields, notes


_COLUMNS = ("issuer", "document_number", "index_number", "written", "published")
"""What a column says that no link and no first date of a row does."""


def _columns(rows: Sequence[LexborNode]) -> dict[str, str]:
    """Fields by the head of the table that rows are of, if it has a cell for each of theirs; dates only where they are."""
    row = rows[-1]
    table = row.parent
    while table is not None and table.tag != "table":
        table = table.parent
    first = table.css_first("tr") if table is not None and row.tag == "tr" else None
    heads = [field_of(squeeze(cell.text())) for cell in _cells(first)] if first is not None else []
    if len(heads) != len(_cells(row)):
        return {}
    found = {field: f"td:nth-child({heads.index(field) + 1})" for field in _COLUMNS if field in heads}
    dateless = [field for field in ("written", "published") if field in found and not _are_dated(rows, found[field])]
    return {field: selector for field, selector in found.items() if field not in dateless}


def _are_dated(rows: Sequence[LexborNode], selector: str) -> bool:
    """Whether what a selector finds is dated in most of the rows that hold a link."""
    shown = [row for row in rows if row.css_first("a[href]") is not None]
    return sum(_leads(row, selector, lambda _, node: bool(DATE.search(node.text()))) for row in shown) >= _SURE * len(shown)


def _cells(row: LexborNode) -> list[LexborNode]:
    return [cell for cell in row.iter() if cell.tag in ("td", "th")]


def _of_links(links: Sequence[tuple[LexborNode, LexborNode]], rows: Sequence[LexborNode]) -> dict[str, str]:
    found = _common([_within(row, link) for row, link in links], rows, lambda row, node: node == _main_link(row))
    if not found:
        return {}
    full = all(len(link.attributes.get("title") or "") >= _TITLE for _, link in links)
    return {"title": f"{found}@title" if full and _tells_more(links) else found, "url": f"{found}@href"}


def _of_links_that_are_rows(rows: Sequence[LexborNode]) -> dict[str, str]:
    """The title of a row that is a link is told by it, or stands in a heading or the longest element within."""
    if all(len(row.attributes.get("title") or "") >= _TITLE for row in rows):
        return {"title": "@title", "url": "@href"}
    inner = [max(row.iter(), key=lambda node: len(squeeze(node.text())), default=row) for row in rows]
    found = _common([_within(row, node) for row, node in zip(rows, inner, strict=True)], rows,
                    lambda row, node: len(squeeze(node.text())) >= _TITLE)
    return {"title": found, "url": "@href"} if found else {}


def _tells_more(links: Sequence[tuple[LexborNode, LexborNode]]) -> bool:
    """Whether a link's title says more than its text, which is cut or holds other things."""
    return any(squeeze(a.attributes.get("title") or "") != squeeze(a.text()) for _, a in links)


def _date_node(row: LexborNode, link: LexborNode) -> LexborNode | None:
    """The innermost element of a row outside of its title that shows a date; the row itself where it stands bare."""
    if DATE.search(row.text(deep=False)):
        return row
    inside = {node.mem_id for node in link.css("*")} if link.mem_id != row.mem_id else set()
    outside = [node for node in row.css("*") if node.mem_id not in {row.mem_id, link.mem_id, *inside}]
    dated = [node for node in outside if DATE.search(node.text())]
    return next((node for node in dated if not any(DATE.search(child.text()) for child in node.iter())), None)


def _within(row: LexborNode, node: LexborNode) -> list[str]:
    """Selectors of an element within its row, the shortest first; "" is the row itself, "." its bare text."""
    if node.mem_id == row.mem_id:
        return ["" if row.tag == "a" and not DATE.search(row.text(deep=False)) else "."]
    steps = [_step(node, [node])]
    found = [str(node.tag), steps[0], *([f"{node.tag}:nth-child({_position(node)})"] if node.tag in _PLACED else [])]
    parent = node.parent
    while parent is not None and parent.mem_id != row.mem_id:
        place = f"{parent.tag}:nth-child({_position(parent)})" if parent.tag in _PLACED else parent.tag
        found += [f"{_step(parent, [parent])} {steps[0]}", f"{place} {node.tag}"]
        parent = parent.parent
    return list(dict.fromkeys(found))


def _position(node: LexborNode) -> int:
    before, place = node.prev, 1
    while before is not None:
        place, before = place + (not before.is_text_node and not before.is_comment_node), before.prev
    return place


def _common(
    choices: Sequence[Sequence[str]], rows: Sequence[LexborNode], right: Callable[[LexborNode, LexborNode], bool]
) -> str:
    """The selector that leads to the right element in most rows."""
    votes = Counter(selector for each in choices for selector in each)
    order = {selector: n for each in choices for n, selector in enumerate(each)}
    for selector, _ in sorted(votes.items(), key=lambda vote: (-vote[1] // max(1, len(rows) // 10), order[vote[0]])):
        if sum(_leads(row, selector, right) for row in rows) >= _SURE * len(rows):
            return selector
    return ""


def _leads(row: LexborNode, selector: str, right: Callable[[LexborNode, LexborNode], bool]) -> bool:
    if selector in ("", "."):
        return True
    try:
        found = row.css(selector)
    except (SelectolaxError, ValueError):
        return False
    return bool(found) and right(row, found[0])


def _paging(page: Html) -> dict[str, Any]:
    scripts = " ".join(node.text() for node in page.select("script"))
    if trs := _TRS.search(scripts):
        count = {"at": "script", "take": r"createPageHTML\(\s*(\d+)"}
        return {"url": f"{trs[2]}_{{page}}.{trs[3]}", "first": 0, "count": count} if int(trs[1]) > 1 else {}
    for selector in ("a[rel~=next]", "link[rel~=next]"):
        if page.select(f"{selector}[href]"):
            return {"next": f"{selector}@href"}
    for word in _NEXT:
        found = [a for a in page.select(f'a[href]:lexbor-contains("{word}")') if squeeze(a.text()).startswith(word)]
        if found and join(page.base, found[0].attributes.get("href") or "") not in ("", page.base):
            return {"next": f'a:lexbor-contains("{word}")@href'}
    return {}
