"""Mapping: a revision's content as the post that a site gets, and the hashes that tell whether anything changed."""

from __future__ import annotations

import hashlib
import html
import json
import re
from datetime import datetime

from syncd.core import visible
from syncd.model import Bond, Content, Form, Media, Post, Relation, Route

_VERSION = "1"
_BLANKS = re.compile(r"\s+")
_BETWEEN_TAGS = re.compile(r"\s*(<[^<>]*>)\s*")
_HAN = re.compile(r"[\u3400-\u9fff]")
_LABELS = {
    "zh": ("发布机构", "发文字号", "原文链接", "："),
    "en": ("Issued by", "Number", "Read the original", ": "),
}
_NOTICES = {
    "zh": {
        Bond.REPEALS: "本文件已被{other}废止。",
        Bond.AMENDS: "本文件已被{other}修改。",
        Bond.CORRECTS: "本文件已由{other}更正。",
        Bond.REPLACES: "本文件已被{other}替代。",
    },
    "en": {
        Bond.REPEALS: "This document was repealed by {other}.",
        Bond.AMENDS: "This document was amended by {other}.",
        Bond.CORRECTS: "This document was corrected by {other}.",
        Bond.REPLACES: "This document was replaced by {other}.",
    },
}
"""An interpretation changes nothing of a document's force: it is told on the interpretation's own post only."""
_VALIDITY = {"zh": "文件效力：{told}。", "en": "Status of this document: {told}."}
_INTERPRETED = {"zh": "解读的文件：", "en": "Document explained here: "}


def to_post(
    content: Content, revision: int, *, route: Route, key: str, site_name: str = "", site_id: str = "", now: datetime,
) -> Post:
    """The post of a revision on a route's site. now: the visible time of the repost.

    The full form carries the body as it is; the link form has issuer, number and a link as its body and no media.
    Above either stands what a reader must know first: `notices`, as paragraphs.
    """
    linked = route.form is Form.LINK
    lang = language(content)
    return Post(
        key=key,
        title=content.title,
        html=notices(content, lang) + (_link_body(content, lang) if linked else content.html),
        column=route.column,
        revision=revision,
        form=route.form,
        summary=content.summary,
        issuer=content.issuer,
        document_number=content.document_number,
        index_number=content.index_number,
        written=content.written,
        origin_name=content.origin_name,
        source_url=content.url,
        published=content.published,
        sent=now,
        categories=content.categories,
        media=() if linked else content.media,
        lang=lang,
        site_name=site_name,
        site_id=site_id,
    )


def language(content: Content) -> str:
    """ "zh" if there is any Chinese character in the title or the beginning of the text, else "en"."""
    return "zh" if _HAN.search(f"{content.title}{content.text[:200]}") else "en"


def revision_hash(content: Content) -> str:
    """A hash of what a reader would call the document; the same hash is no change.

    In it: title, header fields, 成文日期, the page's own date of publication, body and attachments. Not in it: times of
    regeneration, blanks, summary and categories (a list rewrites them at will). Empty fields are left out, so that a
    new field never re-posts an archive. A picture counts by its name, which holds the hash of
    what was received, since its bytes are re-encoded and change with the library that does it. What other documents say
    of it (`Content.notices`) is no part of its text: the store makes a revision of it by itself.
    """
    told = {
        "title": visible.normalise(content.title),
        "issuer": visible.normalise(content.issuer),
        "number": visible.normalise(content.document_number),
        "index": visible.normalise(content.index_number),
        "origin": visible.normalise(content.origin_name),
        "written": content.written.strip(),
        "published": _publication(content),
        "body": _body(content),
        "media": [_media(media) for media in content.media],
        "validity": visible.normalise(content.validity),
        "relations": [_relation(relation) for relation in content.relations],
    }
    kept = {name: value for name, value in told.items() if value}
    packed = json.dumps(kept, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"{_VERSION}:{hashlib.sha256(packed.encode()).hexdigest()}"


def print_of(post: Post, text: str) -> str:
    """The fingerprint of a post as it is announced in an intent. text: the visible text of post.html."""
    return visible.fingerprint(post.title, text)


def notices(content: Content, lang: str) -> str:
    """What must be told above a document: that it lost its force and by what, and which document it explains."""
    words = _NOTICES[lang]
    told = [words[n.bond].format(other=_other(n.title, n.number, n.url, lang, n.date)) for n in content.notices]
    told += [_VALIDITY[lang].format(told=html.escape(content.validity))] if content.validity else []
    told += [
        _INTERPRETED[lang] + _other(r.title, r.number, r.url, lang)
        for r in content.relations
        if r.bond is Bond.INTERPRETS
    ]
    return "".join(f"<p>{line}</p>" for line in told)


def _other(title: str, number: str, url: str, lang: str, date: str = "") -> str:
    """Another document by its title as a link, with number and date behind it; by what there is, where it has no title."""
    name = _quoted(title, lang) if title else number or url
    shown = html.escape(name)
    if url.startswith(("http://", "https://")):
        shown = f'<a href="{html.escape(url)}">{shown}</a>'
    behind = [html.escape(each) for each in (number if title else "", _day(date, lang)) if each]
    if not behind:
        return shown
    return f"{shown}（{'，'.join(behind)}）" if lang == "zh" else f"{shown} ({', '.join(behind)})"


def _quoted(title: str, lang: str) -> str:
    """A title within a sentence; inside 《》 other titles stand in 〈〉 (GB/T 15834—2011)."""
    return f"《{title.replace('《', '〈').replace('》', '〉')}》" if lang == "zh" else f"“{title}”"


def _day(date: str, lang: str) -> str:
    """A date as people write it: 2026年9月25日; in English as it is."""
    parts = date.split("-")
    if lang != "zh" or len(parts) != 3 or not all(part.isdecimal() for part in parts):
        return date
    return "{}年{}月{}日".format(*map(int, parts))


def _relation(relation: Relation) -> list[str]:
    return [relation.bond.value, *map(visible.normalise, (relation.number, relation.url, relation.title))]


def _publication(content: Content) -> str:
    """Only what the document's own page says counts: a list may show the same document under several days."""
    told = content.published
    return told.at.isoformat() if told is not None and told.origin == "page" else ""


def _body(content: Content) -> str:
    """The HTML without its layout and with fetched files named by their content."""
    body = content.html
    for media in sorted(content.media, key=lambda media: -len(media.url)):
        body = body.replace(f'"{html.escape(media.url)}"', f'"{_media(media)}"')
    return _BLANKS.sub(" ", _BETWEEN_TAGS.sub(r"\1", body)).strip()


def _media(media: Media) -> str:
    return f"{media.type}:{media.name}" if media.type.startswith("image/") else media.sha256


def _link_body(content: Content, lang: str) -> str:
    issued, number, read, colon = _LABELS[lang]
    told = ((issued, content.issuer or content.origin_name), (number, content.document_number))
    lines = [f"<p>{label}{colon}{html.escape(value)}</p>" for label, value in told if value]
    return "".join([*lines, f"<p>{read}{colon}{_link(content)}</p>"])


def _link(content: Content) -> str:
    shown = html.escape(content.title)
    if not content.url.startswith(("http://", "https://")):
        return shown
    return f'<a href="{html.escape(content.url)}">{shown}</a>'
