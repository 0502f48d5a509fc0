"""Identity: the names (aliases) under which one document is found again in any source, and the key of its posts."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from urllib.parse import SplitResult, quote, urlsplit

from syncd.core.characters import BLANK_AND_INVISIBLE, PUNCTUATION
from syncd.model import Relation

_DEFAULT_PORTS = {"http": 80, "https": 443}
_BRACKETS = str.maketrans(
    {**dict.fromkeys("[({【〖﹝〈《", "〔"), **dict.fromkeys("])}】〗﹞〉》", "〕")},
)
_ORDINAL = re.compile(r"第+(?=\d)")
_LEADING_ZEROS = re.compile(r"(?<=[〕\D])0+(?=\d)")
_BARE_END = re.compile(r"〔\d{4}〕\d+$")
_ESCAPE = re.compile(r"%[0-9a-fA-F]{2}")
_TRACKING = re.compile(r"(?:utm_[^=]*|spm|fbclid|gclid)(?:=.*)?$", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_SAME_HOST = re.compile(r"(?:www|m|wap|mobile|3g)\.(?=[^.]+\.[^.]+)")
"""A site and its mobile face show the same documents at the same paths."""
_TRAILING = re.compile(r"[。，、；：．）】》」”’,;.]+$")
"""Marks of the sentence that an address was copied from."""
_HAN = re.compile(r"[\u3400-\u9fff]")
_BETWEEN_ISSUERS = re.compile(r"[、，,；;/·|\n]+")
_BETWEEN_HAN_ISSUERS = re.compile(r"[\s、，,；;/·|]+")
_FULL_NAMES = {
    "发展改革委": "国家发展和改革委员会",
    "国家发展改革委": "国家发展和改革委员会",
    "工信部": "工业和信息化部",
    "科技部": "科学技术部",
    "国家民委": "国家民族事务委员会",
    "人力资源社会保障部": "人力资源和社会保障部",
    "人社部": "人力资源和社会保障部",
    "住房城乡建设部": "住房和城乡建设部",
    "住建部": "住房和城乡建设部",
    "文旅部": "文化和旅游部",
    "国家卫生健康委": "国家卫生健康委员会",
    "卫生健康委": "国家卫生健康委员会",
    "人民银行": "中国人民银行",
    "国务院国资委": "国务院国有资产监督管理委员会",
    "国资委": "国务院国有资产监督管理委员会",
    "税务总局": "国家税务总局",
    "市场监管总局": "国家市场监督管理总局",
    "国家市场监管总局": "国家市场监督管理总局",
    "金融监管总局": "国家金融监督管理总局",
    "中国证监会": "中国证券监督管理委员会",
    "证监会": "中国证券监督管理委员会",
    "广电总局": "国家广播电视总局",
    "国家医保局": "国家医疗保障局",
    "国家网信办": "国家互联网信息办公室",
    "国办": "国务院办公厅",
}
"""Short forms as the heads of joint documents bear them, and the names of 国务院关于机构设置的通知 (国发〔2023〕5号)."""


def _tight(text: str) -> str:
    """Compatibility forms folded (full-width digits and brackets), every blank and invisible character dropped."""
    return unicodedata.normalize("NFKC", text).translate(BLANK_AND_INVISIBLE)


def normalise_number(number: str) -> str:
    """A 发文字号 in one spelling, such as 国办发〔2026〕28号; "" when there is none in it ("无", a dash, blanks).

    〔2026〕, [2026], (2026), （2026） and 【2026】 are one; 第28号, 28号 and 028号 are one;
    so is a 号 that was left out.
    """
    text = _ORDINAL.sub("", _tight(number).translate(_BRACKETS))
    if not _DIGIT.search(text):
        return ""
    text = _LEADING_ZEROS.sub("", text)
    return f"{text}号" if _BARE_END.search(text) else text


def normalise_index(index: str) -> str:
    """A 索引号 without blanks, in capitals, such as 000014349/2026-00074; "" when it holds no digit."""
    text = _tight(index).upper()
    return text if _DIGIT.search(text) else ""


def normalise_title(title: str) -> str:
    """A title reduced to its letters, digits and symbols, whatever its blanks, quotes, dashes and widths."""
    return _tight(title).casefold().translate(PUNCTUATION)


def normalise_issuer(issuer: str) -> str:
    """The issuers of a document in one order and under their full names, whatever stands between them."""
    folded = unicodedata.normalize("NFKC", issuer)
    between = _BETWEEN_HAN_ISSUERS if _HAN.search(folded) else _BETWEEN_ISSUERS
    names = {normalise_title(name).removeprefix("中华人民共和国") for name in between.split(folded)}
    return "、".join(sorted({_FULL_NAMES.get(name, name) for name in names if name}))


def canonical_url(url: str) -> str:
    """A URL as a name: host in lower case without www. or m., no scheme, default port, fragment, log-in, tracking words
    or marks of a sentence at its end.

    "" when it isn't a URL with a host. It is for comparing only, never for fetching.
    """
    try:
        parts = urlsplit(_TRAILING.sub("", url.strip()))
        host, port = _SAME_HOST.sub("", (parts.hostname or "").rstrip("."), count=1), parts.port
    except ValueError:
        return ""
    if not host:
        return ""
    shown = "" if port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f":{port}"
    return f"{host}{shown}{_canonical_tail(parts)}"


def _canonical_tail(parts: SplitResult) -> str:
    kept = [word for word in parts.query.split("&") if word and not _TRACKING.match(word)]
    path = "" if parts.path == "/" else parts.path
    tail = f"{path}?{'&'.join(kept)}" if kept else path
    return _ESCAPE.sub(lambda found: found.group().upper(), quote(tail, safe="%/?&=:;,@+!$'()*~", errors="replace"))


def _page_name(url: str) -> str:
    """A home page is no document's name: a feed whose links all lead there would become one document."""
    name = canonical_url(url)
    return name if "/" in name or "?" in name else ""


def aliases(
    source: str,
    key: str,
    *,
    url: str = "",
    title: str = "",
    issuer: str = "",
    number: str = "",
    index: str = "",
    written: str = "",
) -> tuple[str, ...]:
    """The aliases of an entry or a document, strongest first; what is unknown ("") gives none.

    source: the source's name; key: what that source calls the entry. written: 成文日期 as YYYY-MM-DD. A title is an
    alias only together with issuer and 成文日期: many notices share their title. A joint document has no number alias.
    """
    heading = (normalise_title(title), normalise_issuer(issuer), written.strip())
    named = (
        ("number", normalise_number(number)),
        ("index", normalise_index(index)),
        ("title", "|".join(heading) if all(heading) else ""),
        ("url", _page_name(url)),
        ("guid", f"{source}:{key}" if key else ""),
    )
    return tuple(f"{kind}:{value}" for kind, value in named if value)


def numbers(names: Iterable[str]) -> frozenset[str]:
    """The 发文字号 among aliases."""
    return frozenset(name for name in names if name.startswith("number:"))


def another_number(mine: Iterable[str], theirs: Iterable[str]) -> bool:
    """Whether two lists of aliases hold 发文字号 and none in common: two documents, whatever title or address they share."""
    one, other = numbers(mine), numbers(theirs)
    return bool(one and other) and not one & other


def identify(names: Sequence[str], named: Sequence[tuple[int, Sequence[str]]], *, given: int = 0) -> tuple[int, ...]:
    """Which documents are the one that has these names: the one that stays first, then those that turn out to be it.

    named: (id, aliases) of the documents that the names lead to, by the strongest name first. given: the document whose
    own entry or page was read (whose number may have been corrected), 0 if it isn't known. The oldest one stays.
    """
    known = dict(named)
    anchor = next((id for id, theirs in named if id == given or not another_number(names, theirs)), 0)
    anchor = given if given in known else anchor
    if not anchor:
        return ()
    mine = names if numbers(names) else known[anchor]
    return tuple(sorted(id for id, theirs in named if id == anchor or not another_number(mine, theirs)))


def title_name(title: str) -> str:
    """A title as a name by which other documents speak of this one; many documents may share it, so it is no alias."""
    return f"name:{normalise_title(title)}"


def targets(relation: Relation) -> tuple[str, ...]:
    """The names by which a relation finds the document that it speaks of. A title counts only where no number is told."""
    number, page = normalise_number(relation.number), _page_name(relation.url)
    title = "" if number else normalise_title(relation.title)
    named = (("number", number), ("url", page), ("name", title))
    return tuple(f"{kind}:{value}" for kind, value in named if value)


def alias_hash(alias: str) -> int:
    """64 bits of an alias, signed, as the store keeps it."""
    return int.from_bytes(blake2b(alias.encode("utf-8", "replace"), digest_size=8).digest(), "big", signed=True)


def entry_key(source: str, key: str) -> int:
    """64 bits under which the store knows a row of a list. key: what the source calls it."""
    return alias_hash(f"entry:{source}:{key}")


def mint_key(site: str, aliases: tuple[str, ...]) -> str:
    """The idempotency key of a document's post on a site: ASCII, 26 characters, from the strongest alias.

    It is minted once and stored, since a document may gain stronger aliases later. aliases: at least one.
    """
    digest = hashlib.sha256(f"{site}\0{aliases[0]}".encode(errors="replace")).hexdigest()
    return f"syncd-{digest[:20]}"
