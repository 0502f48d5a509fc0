"""What an importer answers to a package: pure, from the bytes of its file; half a file is no answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit
from xml.etree import ElementTree

from syncd.adapters.drop.options import Acknowledgement
from syncd.adapters.markup import decode

Result = Literal["published", "accepted", "refused"]
_MOST = 500
"""Characters of an importer's own words that are kept."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An importer's answer. id, url, reason: as it told them, "" where it did not."""

    result: Result
    id: str = ""
    url: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Unclear:
    """A file that is there, and no answer: cut off, of another form, or with a word that the config doesn't know."""

    why: str


def file_name(options: Acknowledgement, package: str, key: str, sequence: int) -> str:
    """The name of the file that answers a package; it may hold "*"."""
    return options.name.format(package=package, key=key, sequence=f"{sequence:06d}")


def understood(data: bytes, options: Acknowledgement, public_url: str) -> Answer | Unclear:
    """The answer in a file. public_url: what an address without a host is below, and whose host it must have."""
    fields = _fields(data, options)
    if isinstance(fields, Unclear):
        return fields
    word = fields.get(options.result, "").strip()
    result = _result(word, options)
    if result is None:
        return Unclear(f"{options.result} is {word[:40]!r}, which none of published, accepted and refused names")
    url = _address(fields.get(options.url, "").strip(), public_url)
    if isinstance(url, Unclear):
        return url
    reason = " ".join(fields.get(options.reason, "").split())[:_MOST]
    return Answer(result, fields.get(options.id, "").strip()[:_MOST], url, reason)


def _result(word: str, options: Acknowledgement) -> Result | None:
    known: tuple[tuple[Result, tuple[str, ...]], ...] = (
        ("published", options.published), ("accepted", options.accepted), ("refused", options.refused),
    )
    return next((result for result, words in known if word.lower() in {each.lower() for each in words}), None)


def _address(url: str, public_url: str) -> str | Unclear:
    """An address on the public site: another host's would be looked at, and believed, as if it were the site's."""
    if not url:
        return ""
    try:
        whole = urlsplit(urljoin(f"{public_url}/", url))
    except ValueError:
        return Unclear(f"its address {url[:80]!r} is none")
    own, told = _host(public_url), (whole.hostname or "").removeprefix("www.")
    if whole.scheme not in ("http", "https") or not (told == own or told.endswith(f".{own}")):
        return Unclear(f"its address {url[:80]!r} is not below {public_url}")
    return whole.geturl()


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").removeprefix("www.")


def _fields(data: bytes, options: Acknowledgement) -> Mapping[str, str] | Unclear:
    text = decode(data)
    wanted = (options.result, options.id, options.url, options.reason)
    if options.format == "json":
        return _json(text, wanted)
    return _xml(data, wanted) if options.format == "xml" else _lines(text)


def _json(text: str, wanted: tuple[str, ...]) -> Mapping[str, str] | Unclear:
    try:
        told = json.loads(text)
    except ValueError:
        return Unclear("it is no whole JSON")
    except RecursionError:
        return Unclear("it is nested too deeply")
    return {path: _at(told, path) for path in wanted}


def _at(told: Any, path: str) -> str:
    for step in path.split("."):
        told = told.get(step) if isinstance(told, dict) else None
    if isinstance(told, bool):
        return str(told).lower()
    return str(told) if isinstance(told, (str, int)) else ""


def _xml(data: bytes, wanted: tuple[str, ...]) -> Mapping[str, str] | Unclear:
    """Namespaces are not looked at; a document type could define entities, so there must be none."""
    text = decode(data).lstrip("\ufeff")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        return Unclear("it has a document type")
    body = text.partition("?>")[2] if text.startswith("<?xml") else text
    try:
        root = ElementTree.fromstring(body)  # noqa: S314  no document type, so no entities
    except (ElementTree.ParseError, ValueError):
        return Unclear("it is no whole XML")
    return {path: _below(root, path) for path in wanted}


def _below(root: ElementTree.Element, path: str) -> str:
    found: ElementTree.Element | None = root
    for step in path.split("."):
        inner = list(found) if found is not None else []
        found = next((each for each in inner if str(each.tag).rpartition("}")[2] == step), None)
    return "".join(found.itertext()) if found is not None else ""


def _lines(text: str) -> Mapping[str, str] | Unclear:
    """key=value lines; the last one must be ended, else its value may be cut off."""
    if not text.endswith("\n"):
        return Unclear("its last line is not ended: it may be cut off")
    pairs = (line.partition("=") for line in text.splitlines() if not line.lstrip().startswith("#"))
    return {name.strip(): value.strip() for name, sep, value in pairs if sep}
