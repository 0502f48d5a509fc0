"""What a package says of a document, as JSON, XML or Atom: pure, the same post gives the same bytes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

from syncd.model import Instant, Post, Precision

FIELDS = (
    "document", "manifest", "key", "sequence", "revision", "action", "state", "how", "id", "url", "column", "title", "html",
    "form", "summary", "issuer", "document_number", "index_number", "written", "origin_name", "source_url", "published",
    "made", "categories", "category", "lang", "site_name", "site_id", "attachments", "attachment", "files", "file", "name",
    "type", "size", "sha256",
)
"""Every element of a package; each may have another name."""
ATOM = "http://www.w3.org/2005/Atom"
TOMBSTONE = "http://purl.org/atompub/tombstones/1.0"
OWN = "urn:syncd:drop:1"
_MEMBERS = {"attachments": "attachment", "categories": "category", "files": "file"}
_ILLEGAL = re.compile("[^\\t\\n\\x20-\\uD7FF\\uE000-\\uFFFD\\U00010000-\\U0010FFFF]")
"""What XML 1.0 can't hold (2.2 Char), and what no charset can: nothing of it is visible."""
Tree = Mapping[str, Any]
"""Fields in their order: text, a number, a list of texts, or a list of trees."""
for _prefix, _space in (("", ATOM), ("at", TOMBSTONE), ("syncd", OWN)):
    ElementTree.register_namespace(_prefix, _space)


def described(post: Post, html: str, names: Mapping[str, str], zone: ZoneInfo, column: str) -> Tree:
    """The document's own fields. html: with local names of its files. names: URL to file. column: as the CMS calls it."""
    told: dict[str, Any] = {
        "key": post.key, "revision": post.revision, "column": column, "title": post.title, "html": html,
        "form": post.form.value, "summary": post.summary, "issuer": post.issuer, "document_number": post.document_number,
        "index_number": post.index_number, "written": post.written, "origin_name": post.origin_name,
        "source_url": post.source_url, "published": _told(post.published, zone), "categories": list(post.categories),
        "lang": post.lang, "site_name": post.site_name, "site_id": post.site_id,
        "attachments": [
            {"name": names[m.url], "title": m.title, "type": m.type, "size": m.size, "sha256": m.sha256, "url": m.url}
            for m in post.media
        ],
    }
    return told


def digest_of(tree: Tree) -> str:
    """What a document says, in 64 hex digits: the same for each package that says the same."""
    told = {name: value for name, value in tree.items() if name != "revision"}
    return hashlib.sha256(json.dumps(told, ensure_ascii=True, sort_keys=True).encode()).hexdigest()


def as_json(tree: Tree, names: Mapping[str, str]) -> bytes:
    return json.dumps(_renamed(tree, names), ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n"


def as_xml(root: str, tree: Tree, names: Mapping[str, str], charset: str) -> bytes:
    """One element a field, in its own charset and with the declaration of it; empty fields are left out."""
    element = ElementTree.Element(names.get(root, root))
    _fill(element, tree, names)
    return _written(element, charset)


def as_atom(tree: Tree, authority: str, made: datetime) -> bytes:
    """An entry document (RFC 4287 2), for a withdrawal a deleted-entry (RFC 6721 3). authority: the site's host name."""
    iri = f"tag:{authority},2026:{tree['key']}"
    if tree["action"] == "withdraw":
        gone = ElementTree.Element(f"{{{TOMBSTONE}}}deleted-entry", {"ref": iri, "when": made.isoformat()})
        _own(gone, tree)
        return _written(gone, "utf-8")
    entry = ElementTree.Element(f"{{{ATOM}}}entry")
    _text(entry, f"{{{ATOM}}}id", iri)
    _text(entry, f"{{{ATOM}}}title", tree["title"])
    _text(entry, f"{{{ATOM}}}updated", made.isoformat())
    _rest_of_entry(entry, tree)
    _own(entry, tree)
    return _written(entry, "utf-8")


def _rest_of_entry(entry: ElementTree.Element, tree: Tree) -> None:
    author = ElementTree.SubElement(entry, f"{{{ATOM}}}author")
    _text(author, f"{{{ATOM}}}name", tree["issuer"] or tree["origin_name"] or tree["site_name"] or "syncd")
    if "T" in tree["published"]:
        _text(entry, f"{{{ATOM}}}published", tree["published"])
    if tree["summary"]:
        _text(entry, f"{{{ATOM}}}summary", tree["summary"])
    for term in (tree["column"], *tree["categories"]):
        ElementTree.SubElement(entry, f"{{{ATOM}}}category", {"term": _clean(term)})
    if tree["source_url"]:
        ElementTree.SubElement(entry, f"{{{ATOM}}}link", {"rel": "via", "href": _clean(tree["source_url"])})
    for file in tree["attachments"]:
        told = {"rel": "enclosure", "href": file["name"], "type": file["type"], "length": str(file["size"])}
        ElementTree.SubElement(entry, f"{{{ATOM}}}link", told | ({"title": _clean(file["title"])} if file["title"] else {}))
    _text(entry, f"{{{ATOM}}}content", tree["html"]).set("type", "html")


def _own(element: ElementTree.Element, tree: Tree) -> None:
    """What Atom has no element for."""
    told = ("key", "sequence", "revision", "action", "state", "how", "id", "url", "form", "document_number", "index_number",
            "written", "published", "made", "site_id")
    for name in told:
        if tree.get(name):
            _text(element, f"{{{OWN}}}{name}", str(tree[name]))


def _fill(element: ElementTree.Element, tree: Tree, names: Mapping[str, str]) -> None:
    for field, value in tree.items():
        if value in ("", [], None):
            continue
        inner = ElementTree.SubElement(element, names.get(field, field))
        if not isinstance(value, list):
            inner.text = _clean(str(value))
            continue
        for each in value:
            member = ElementTree.SubElement(inner, names.get(_MEMBERS[field], _MEMBERS[field]))
            if isinstance(each, Mapping):
                _fill(member, each, names)
            else:
                member.text = _clean(each)


def _renamed(tree: Tree, names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(field, field): _inner(value, names) for field, value in tree.items() if value not in ("", [], None)}


def _inner(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_inner(each, names) for each in value]
    return _renamed(value, names) if isinstance(value, Mapping) else value


def _text(parent: ElementTree.Element, tag: str, text: str) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, tag)
    element.text = _clean(text)
    return element


def _written(element: ElementTree.Element, charset: str) -> bytes:
    body = ElementTree.tostring(element, encoding="unicode")
    return f'<?xml version="1.0" encoding="{charset.upper()}"?>\n{body}\n'.encode(charset, "replace")


def _clean(text: str) -> str:
    """Text as every XML parser returns it: no carriage returns, nothing that a document can't hold."""
    return _ILLEGAL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _told(instant: Instant | None, zone: ZoneInfo) -> str:
    """A day where only that is known, else the moment with its zone's offset."""
    if instant is None:
        return ""
    local = instant.at.astimezone(zone)
    return f"{local:%Y-%m-%d}" if instant.precision is Precision.DAY else local.isoformat(timespec="seconds")


def ordered(tree: Tree, first: Sequence[tuple[str, Any]]) -> Tree:
    """A tree with what the package itself says before what the document says."""
    return {**dict(first), **{name: value for name, value in tree.items() if name not in dict(first)}}
