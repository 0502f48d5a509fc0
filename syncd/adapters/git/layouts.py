"""How each generator wants a page: where its fields stand, what keeps it from being built, how it links to its own files.

Fields are written as JSON between lines of "---", which every YAML parser reads without a question of quoting; what YAML
does not take as JSON writes it (surrogate pairs, C1 controls, line separators) is written otherwise. Pelican reads none of
that in HTML and gets <meta> elements. All three get HTML, not Markdown: Hugo drops raw HTML from .md files silently.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from selectolax.lexbor import LexborHTMLParser

Fields = Mapping[str, Any]

_NOT_IN_YAML = re.compile("[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]")
"""YAML 1.1 (5.1, 5.4): not printable, or a line break; no JSON parser needs them escaped."""
_LONE = re.compile("[\ud800-\udfff]")
_FENCED = re.compile(r"\A\ufeff?(---|\+\+\+)[ \t]*\r?\n(.*?)\r?\n\1[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_TITLE = re.compile(r"""^["']?title["']?\s*[:=]\s*(["']?)(.*?)\1,?\s*$""", re.MULTILINE)
_HIDDEN = re.compile(r"""^["']?(?:draft["']?\s*[:=]\s*true|permalink["']?\s*[:=]\s*false)\b""", re.MULTILINE)
_BODY = re.compile(r"<body[^>]*>\s*(.*?)\s*</body>", re.DOTALL | re.IGNORECASE)
_OURS = re.compile(
    r"""(?:^|[,{])[ \t]*["']?syncd["']?[ \t]*[:=]\s*\{([^{}]*)"""
    r"""|^([ \t]*)["']?syncd["']?[ \t]*:[ \t]*\r?((?:\n(?:\2[ \t]+.*|[ \t\r]*$))+)"""
    r"""|^[ \t]*\[syncd\][ \t]*\r?((?:\n(?![ \t]*\[).*)+)"""
    r"""|^syncd\.(key[ \t]*=.*)""", re.MULTILINE,
)
"""Our own block: a table in braces, YAML's lines that are indented below its name, TOML's table, TOML's dotted name."""
_KEY = re.compile(r"""(?<![\w.-])key["']?\s*[:=]\s*["']?([A-Za-z0-9_.:-]+)""")


@dataclass(frozen=True, slots=True)
class Layout:
    """write: fields and body as a file's text; read: the reverse, of whatever an editor made of it.

    settings: files at the repository's root by which the generator is known. before_link: what stands before the name of a
    file that lies beside the page.
    """

    write: Callable[[Fields, str], str]
    read: Callable[[str], tuple[Fields, str]]
    settings: tuple[str, ...]
    before_link: str = ""


def _hugo(fields: Fields, body: str) -> str:
    return _fence({**_renamed(fields, {"modified": "lastmod"}), "draft": fields["hidden"]}, body)


def _eleventy(fields: Fields, body: str) -> str:
    """Without an engine of its own, .html files are Liquid templates. Eleventy knows no drafts: without an address a page
    is not written."""
    told = _renamed(fields, {"url": "permalink", "modified": "lastmod"})
    told |= {"templateEngineOverride": "html", "draft": fields["hidden"]}
    if fields["hidden"]:
        told |= {"permalink": False, "address": fields["url"], "eleventyExcludeFromCollections": True}
    return _fence(told, body)


def _fence(fields: Fields, body: str) -> str:
    told = {name: value for name, value in fields.items() if name != "hidden"}
    return f"---\n{yaml_json(told)}\n---\n{body}\n"


def _renamed(fields: Fields, names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in fields.items()}


def yaml_json(value: object) -> str:
    """JSON that is YAML too, one key a line."""
    text = _LONE.sub("\ufffd", json.dumps(value, ensure_ascii=False, indent=1))
    return _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _read_fenced(text: str) -> tuple[Fields, str]:
    found = _FENCED.match(text)
    if found is None:
        return {}, text
    return _fields(found[2]), text[found.end():].strip("\r\n")


def _fields(text: str) -> Fields:
    try:
        told = json.loads(text)
    except ValueError:
        return _guessed(text)
    if not isinstance(told, dict):
        return {}
    address = told.get("permalink") or told.get("address") or told.get("url")
    renamed = _renamed(told, {"lastmod": "modified"})
    return renamed | {"url": address, "hidden": told.get("draft") is True or told.get("permalink") is False}


def _guessed(text: str) -> Fields:
    """What an editor's tool has rewritten as YAML or TOML of its own: the little that must be known of it."""
    title, ours = _TITLE.search(text), _OURS.search(text)
    key = _KEY.search(ours[1] or ours[3] or ours[4] or ours[5] or "") if ours else None
    told: dict[str, Any] = {"title": title[2] if title else "", "hidden": _HIDDEN.search(text) is not None}
    return told | ({"syncd": {"key": key[1]}} if key else {})


def _pelican(fields: Fields, body: str) -> str:
    """Pelican publishes drafts at their address if they have one: what must not be shown is skipped."""
    told = {name: value for name, value in fields.items() if name not in ("title", "hidden", "syncd", "url")}
    address = str(fields["url"]).lstrip("/")
    told |= {"url": address, "save_as": f"{address}index.html", "slug": address.rstrip("/").rpartition("/")[2],
             "status": "skip" if fields["hidden"] else "published", "syncd": json.dumps(fields["syncd"], ensure_ascii=False)}
    rows = "".join(f'<meta name="{name}" content="{_attribute(value)}">\n' for name, value in told.items() if value != "")
    head = f'<meta charset="utf-8">\n<title>{_attribute(fields["title"])}</title>\n{rows}'
    return f"<!DOCTYPE html>\n<html>\n<head>\n{head}</head>\n<body>\n{body}\n</body>\n</html>\n"


def _attribute(value: object) -> str:
    text = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return html.escape(" ".join(_LONE.sub("\ufffd", text).split()))


def _read_pelican(text: str) -> tuple[Fields, str]:
    page = LexborHTMLParser(text)
    told: dict[str, Any] = {str(n.attributes.get("name")): n.attributes.get("content") or "" for n in page.css("meta[name]")}
    seal = _seal(str(told.get("syncd", "")))
    title = page.css_first("title")
    hidden = told.get("status") in ("skip", "draft")
    body = _BODY.search(text)
    fields = {**told, "title": title.text() if title else "", "hidden": hidden, "syncd": seal}
    return fields, body[1] if body else text


def _seal(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return {}


LAYOUTS: Mapping[str, Layout] = {
    "hugo": Layout(_hugo, _read_fenced, (
        "hugo.toml", "hugo.yaml", "hugo.json", "config.toml", "config.yaml", "config.json", "config")),
    "eleventy": Layout(_eleventy, _read_fenced, (
        "eleventy.config.js", "eleventy.config.mjs", "eleventy.config.cjs", ".eleventy.js")),
    "pelican": Layout(_pelican, _read_pelican, ("pelicanconf.py",), "{attach}"),
}
