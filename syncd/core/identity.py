"""Identity: the names (aliases) under which one document is found again in any source, and the key of its posts."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from hashlib import blake2b
from urllib.parse import SplitResult, quote, urlsplit

from syncd.core.characters import BLANK_AND_INVISIBLE, PUNCTUATION

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


def canonical_url(url: str) -> str:
    """A URL as a name: host in lower case without www., no scheme, default port, fragment, log-in or tracking words.

    "" when it isn't a URL with a host. It is for comparing only, never for fetching.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = (parts.hostname or "").removeprefix("www.").rstrip("."), parts.port
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
    heading = (normalise_title(title), normalise_title(issuer), written.strip())
    named = (
        ("number", normalise_number(number)),
        ("index", normalise_index(index)),
        ("title", "|".join(heading) if all(heading) else ""),
        ("url", _page_name(url)),
        ("guid", f"{source}:{key}" if key else ""),
    )
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
