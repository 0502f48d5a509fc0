"""What a document says of others: which it repeals, amends or corrects, and which one an interpretation is about.

Only what is named clearly counts: a wrong mark on a document in force is worse than a missing one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from syncd.core.identity import normalise_number, normalise_title
from syncd.model import Bond, Relation

MOST = 50
"""Relations of one document, at most."""
_LONGEST = 400_000
NUMBER = r"[\u4e00-\u9fff]{1,14}[〔\[(（【]\d{4}[〕\])）】]\s?(?:第\s?)?\d{1,5}\s?号"
"""A 发文字号 within a text, such as 国办发〔2026〕28号."""
_TITLED = re.compile(r"《(?:[^《》]|《[^《》]{0,200}》){1,200}》")
_FOLLOWED = re.compile(rf"\s?[（(]\s?({NUMBER})")
_NUMBER = re.compile(NUMBER)
_ACTS = {"废止": Bond.REPEALS, "修改": Bond.AMENDS, "更正": Bond.CORRECTS}
_TITLE = re.compile(r"关于(废止|修改|更正)(?!和|、|或|与|及)(?P<what>.{1,300}?)的(?:决定|通知|公告|命令|令|通告|说明)$")
_ENDED = re.compile(
    r"(?:同时|一并|一律|即行|予以)(?:予以)?(?:废止|失效)|自[^，。；《》]{1,30}起(?:废止|失效|停止执行)|宣布失效|停止执行"
)
_NOT = re.compile(r"不(?:得|再|予)?(?:废止|失效|停止)|未(?:被)?(?:废止|失效)|尚未|除外|暂停执行|暂不")
_BETWEEN = re.compile(r"[、和及与以，,\s]{0,4}(?:[（(][^（）()]{0,120}[)）])?[、和及与以，,\s]{0,4}")
_TAIL = re.compile(r"(?:[（(][^（）()]{0,120}[)）])?[、，,\s]{0,3}(?:等?[^，。；《》]{0,12})?$")


def told_by_title(title: str) -> tuple[Relation, ...]:
    """What "…关于废止《…》的决定" and its kin say: only documents named in 《》 or by their 发文字号.

    Such words within 《》 are the name of another document, as in a report on it: they say nothing of this one.
    """
    found = _TITLE.search(title.strip())
    if not found or title.count("《", 0, found.start()) > title.count("》", 0, found.start()):
        return ()
    return tuple(_named(_ACTS[found[1]], found["what"]))[:MOST]


def told_by_text(text: str) -> tuple[Relation, ...]:
    """Documents that a text ends by name: "《…》（国办发〔2015〕12号）同时废止". One sentence is looked at at a time."""
    found: dict[Relation, None] = {}
    for sentence in re.split(r"[。；;\n]", text[:_LONGEST]):
        for relation in _ended_in(sentence):
            found.setdefault(relation)
    return tuple(found)[:MOST]


def told_by(title: str, text: str, *, number: str = "") -> tuple[Relation, ...]:
    """Both, without what names the document itself. number: its own 发文字号."""
    own, mine = normalise_title(title), normalise_number(number)
    every = dict.fromkeys((*told_by_title(title), *told_by_text(text)))
    return tuple(r for r in every if not _is_own(r, own, mine))[:MOST]


def interpreted(title: str, links: Iterable[tuple[str, str]]) -> tuple[Relation, ...]:
    """Which documents an interpretation (解读) is about: links are (text, address) of documents that it leads to.

    Without any, the one that its title names in 《》.
    """
    about = [_inner(found) for found in _TITLED.findall(title)]
    found = dict.fromkeys(
        Relation(Bond.INTERPRETS, _first_number(text), url, _name_in(text)) for text, url in links if url
    )
    return (*found,)[:MOST] or tuple(Relation(Bond.INTERPRETS, title=name) for name in about[:1])


def _ended_in(sentence: str) -> Iterator[Relation]:
    """The documents named right before the words that end them, without a gap and without a "not"."""
    act = _ENDED.search(sentence)
    if not act or _NOT.search(sentence):
        return
    named = list(_TITLED.finditer(sentence, 0, act.start()))
    if not named:
        yield from _bare_numbers(sentence[: act.start()])
        return
    chosen: list[re.Match[str]] = []
    end = act.start()
    for match in reversed(named):
        gap = sentence[match.end() : end]
        if not (_BETWEEN.fullmatch(gap) or (not chosen and _TAIL.fullmatch(gap))):
            break
        chosen.append(match)
        end = match.start()
    for match in reversed(chosen):
        yield Relation(Bond.REPEALS, _number_after(sentence, match.end()), title=_inner(match[0]))


def _bare_numbers(text: str) -> Iterator[Relation]:
    """A document named by its number alone, at the very end: "国办发〔2015〕12号文件同时废止"."""
    found = re.search(rf"({NUMBER})(?:文件|文|通知)?[，,\s]?$", text)
    if found:
        yield Relation(Bond.REPEALS, normalise_number(_trimmed(found[1])))


def _named(bond: Bond, what: str) -> Iterator[Relation]:
    titled = list(_TITLED.finditer(what))
    for match in titled:
        yield Relation(bond, _number_after(what, match.end()), title=_inner(match[0]))
    if not titled:
        yield from (Relation(bond, normalise_number(_trimmed(found))) for found in _NUMBER.findall(what))


def _number_after(text: str, at: int) -> str:
    found = _FOLLOWED.match(text, at)
    return normalise_number(found[1]) if found else ""


def _first_number(text: str) -> str:
    found = _NUMBER.search(text)
    return normalise_number(_trimmed(found[0])) if found else ""


def _trimmed(number: str) -> str:
    """Without the words before it that are no part of it: 原国办发… names 国办发…"""
    return re.sub(r"^.*?(?:关于|以及|废止|修改|更正|将|原|和|与|及|对)(?=[\u4e00-\u9fff]+[〔\[(（【])", "", number)


def _inner(titled: str) -> str:
    return titled[1:-1].strip()


def _name_in(text: str) -> str:
    """The name in 《》 that a link's text begins with; else the text."""
    found = _TITLED.match(text.strip())
    return _inner(found[0]) if found else text.strip()


def _is_own(relation: Relation, title: str, number: str) -> bool:
    same_number = bool(number) and relation.number == number
    return same_number or (bool(relation.title) and normalise_title(relation.title) == title)
