"""A page of a static site: what it says, sealed so that a later look knows our own work, and the same page read back."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from syncd.adapters.credit import WORDS, Times, anchor, credit, files
from syncd.adapters.git.layouts import Fields, Layout
from syncd.adapters.markup import localise
from syncd.model import Post, RemoteState

_BEGIN, _END = "<!--syncd:text-->", "<!--/syncd:text-->"
_MINUTE = timedelta(minutes=1)
_SUMMARY = 120
_IN_ADDRESSES = {ord("{"): "%7B", ord("}"): "%7D", ord("|"): "%7C"}
_BLOCK = re.compile(r"(</(?:p|h[1-6]|li|tr|table|ul|ol|div|blockquote)>)(?=<)")
_OWN = "syncd-own:"
_CHANGED = re.compile(
    r' "(?:lastmod|modified)": "[^"]*",\n|<meta name="modified" content="[^"]*">\n| "frame": "[0-9a-f]{16}",?\n'
    r"|<span>(?:更新时间：|Updated: )[0-9 :-]{16}</span>\s?|(?<=&quot;frame&quot;: &quot;)[0-9a-f]{16}"
)
_ADDRESS = re.compile(r"/?[^\s{}<>\"'|\\]{1,300}/")


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it stands in the repository. html: the text alone as long as nobody changed what stands around it, else
    all of it. address: below the site's own, such as "zwgk/2026/k/", or "". first: when it was first published, or None.
    """

    key: str
    revision: int
    title: str
    html: str
    state: RemoteState
    notice: bool
    address: str
    first: datetime | None
    files: tuple[str, ...]
    lang: str
    fields: Fields


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page lies. address: as in Page."""

    path: str
    address: str

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]


def compose(
    post: Post, place: Place, times: Times, layout: Layout, *, with_credit: bool, extra: Mapping[str, Any], hidden: bool,
) -> str:
    """The file of a post. hidden: a draft, which the generator must not build."""
    addresses = {media.url: media.name for media in post.media}
    offered = [media for media in post.media if not media.type.startswith("image/")]
    text = _lines(localise(post.html, addresses, hotlink=post.hotlink))
    above = credit(post, times) if with_credit else ""
    below = files(post, text, addresses, offered)
    own = frozenset(addresses.values())
    parts = [harmless(part, own, layout.before_link) for part in (above, text, below)]
    first = times.first or times.now
    fields = _fields(post, place, first) | _modified(first, times.now) | dict(extra)
    names = [media.name for media in post.media]
    seal = {"key": post.key, "revision": post.revision, "lang": post.lang, "files": names}
    return _written(fields, parts, seal, layout, hidden=hidden)


def compose_notice(page: Page, place: Place, times: Times, layout: Layout) -> str:
    """The file of a withdrawn post: a notice in the document's place, under the same fields but for its summary."""
    words = WORDS[page.lang]
    text = (
        f"<p><strong>{words['withdrawn']}</strong></p><p>{words['notice']}</p>"
        f"<p>{words['since']}{words['colon']}{times.shown(times.now)}</p>"
    )
    source = str(page.fields.get("source_url") or "")
    below = f"<p>{anchor(source, words['original'])}</p>" if source.startswith(("http://", "https://")) else ""
    fields = _kept(page, place) | {"modified": _stamp(times.now.astimezone(times.zone))}
    seal = {"key": page.key, "revision": page.revision, "lang": page.lang, "files": [], "notice": True}
    return _written(fields, [harmless(part) for part in ("", text, below)], seal, layout, hidden=False)


def compose_hidden(page: Page, place: Place, body: str, layout: Layout) -> str:
    """The file of an unpublished post: all of it is there, and the generator does not build it."""
    told = page.fields.get("syncd")
    seal = {**(told if isinstance(told, dict) else {}), "key": page.key, "withdrawn": True}
    return layout.write({**_kept(page, place), "hidden": True, "syncd": seal}, body)


def open_page(data: bytes, layout: Layout) -> Page:
    """Read a page, whoever wrote it."""
    fields, body = layout.read(data.decode("utf-8", "replace"))
    told = fields.get("syncd")
    seal: Mapping[str, Any] = told if isinstance(told, dict) else {}
    above, begin, rest = body.partition(_BEGIN)
    text, end, below = rest.partition(_END)
    framed = bool(begin and end) and seal.get("frame") == _frame(above, below)
    return Page(
        key=str(seal.get("key") or ""), revision=_number(seal.get("revision")), title=str(fields.get("title") or ""),
        html=text if framed else body, state=_state(fields, seal), notice=bool(seal.get("notice")),
        address=_address(fields.get("url")), first=_moment(fields.get("date")), files=_names(seal.get("files")),
        lang="en" if seal.get("lang") == "en" else "zh", fields=fields,
    )


def body_of(data: bytes, layout: Layout) -> str:
    return layout.read(data.decode("utf-8", "replace"))[1]


def settled(text: str) -> str:
    """A file's text without the minute of its last change, to be compared with a newer one."""
    return _CHANGED.sub("", text)


def harmless(markup: str, own: frozenset[str] = frozenset(), before_link: str = "") -> str:
    """HTML in which no generator finds a template, shortcode or link of its own; a browser shows the same.

    Hugo looks for {{< and {{%, Liquid for {{ and {%, Pelican for {filename} and |filename| in addresses. own: names of
    the page's own files, whose links get `before_link`.
    """
    if not (own and before_link) and "{" not in markup and "|" not in markup:
        return markup
    root = LexborHTMLParser(markup).body
    if root is None:
        return ""
    for name in ("href", "src"):
        for node in root.css(f"[{name}]"):
            value = node.attributes[name] or ""
            node.attrs[name] = f"{_OWN}{value}" if value in own else value.translate(_IN_ADDRESSES)
    return (root.inner_html or "").replace("{", "&#123;").replace(f'="{_OWN}', f'="{before_link}')


def _written(fields: Mapping[str, Any], parts: list[str], seal: Mapping[str, Any], layout: Layout, *, hidden: bool) -> str:
    above, text, below = parts
    sealed = {**seal, "frame": _frame(above, below)}
    body = f"{above}\n{_BEGIN}{text}{_END}\n{below}".strip("\n")
    return layout.write({**fields, "hidden": hidden, "syncd": sealed}, body)


def _frame(above: str, below: str) -> str:
    return hashlib.sha256(f"{above.strip()}\0{below.strip()}".encode("utf-8", "replace")).hexdigest()[:16]


def _fields(post: Post, place: Place, first: datetime) -> dict[str, Any]:
    """What themes show and sort by; empty ones are left out. For Hugo, `published` would be the day before which it hides a
    page."""
    published = _stamp(post.published.at.astimezone(first.tzinfo)) if post.published else ""
    summary = " ".join((post.summary or _text(post.html)).split())[:_SUMMARY]
    told = {
        "title": post.title, "date": _stamp(first), "url": f"/{place.address}", "summary": summary,
        "description": summary, "category": post.column, "tags": list(post.categories),
        "issuer": post.issuer, "document_number": post.document_number, "index_number": post.index_number,
        "written": post.written, "source_date": published, "source": post.origin_name or post.issuer,
        "source_url": post.source_url,
    }
    return {name: value for name, value in told.items() if value or name == "title"}


def _modified(first: datetime, now: datetime) -> dict[str, str]:
    return {"modified": _stamp(now.astimezone(first.tzinfo))} if now - first >= _MINUTE else {}


def _kept(page: Page, place: Place) -> dict[str, Any]:
    """Every field that stands there, an editor's own too."""
    told = {name: value for name, value in page.fields.items() if name not in ("summary", "description", "permalink", "draft")}
    return told | {"title": page.title, "url": f"/{page.address or place.address}"}


def _stamp(moment: datetime) -> str:
    """To the minute: a generator whose clock is a little behind leaves out what is dated later than now."""
    return moment.replace(second=0, microsecond=0).isoformat(timespec="seconds")


def _lines(markup: str) -> str:
    """A block a line, so that people can read what changed between two commits."""
    return markup if "<pre" in markup or "<textarea" in markup else _BLOCK.sub(r"\1\n", markup)


def _text(markup: str) -> str:
    root = LexborHTMLParser(markup).body
    return root.text(separator=" ") if root is not None else ""


def _state(fields: Fields, seal: Mapping[str, Any]) -> RemoteState:
    if seal.get("notice") or (fields.get("hidden") and seal.get("withdrawn")):
        return RemoteState.WITHDRAWN
    return RemoteState.DRAFT if fields.get("hidden") else RemoteState.PUBLIC


def _address(told: object) -> str:
    text = str(told or "")
    return text.lstrip("/") if _ADDRESS.fullmatch(text) else ""


def _moment(told: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(told))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _names(told: object) -> tuple[str, ...]:
    """Names of files beside the page; nothing that leads elsewhere."""
    names = told if isinstance(told, list) else []
    return tuple(str(name) for name in names if str(name) not in ("", ".", "..") and "/" not in str(name))


def _number(told: object) -> int:
    return told if isinstance(told, int) else 0
