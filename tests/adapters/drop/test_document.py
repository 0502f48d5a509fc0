"""What a package says, in each form: whole for any text, by its published schemas, the same bytes for the same post."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from lxml import etree

from syncd.adapters.drop.document import FIELDS, digest_of
from syncd.adapters.drop.options import Options
from syncd.adapters.drop.package import Heading, Written, attached, document_of, headed, package_name, written, zipped
from syncd.model import Instant, Post, Precision
from tests.adapters.drop.importer import document_of as read_back
from tests.adapters.drop.importer import parsed
from tests.adapters.drop.kit import NOW, POST

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "docs" / "adapters" / "drop.schema.json").read_text("utf-8"))
XSD = etree.XMLSchema(etree.parse(ROOT / "docs" / "adapters" / "drop.xsd"))
FORMS = [{"format": "json"}, {"format": "xml"}, {"format": "xml", "charset": "gb18030"}, {"format": "atom"}]
ZONE = ZoneInfo("Asia/Shanghai")
MADE = datetime(2026, 12, 1, 0, 30, tzinfo=ZONE)
FULL = replace(POST, summary="摘要", index_number="000014349/2026-00001")


def options(**named: Any) -> Options:
    return Options.model_validate({"ack": {}} | named)


def made(post: Post = FULL, action: str = "create", **named: Any) -> tuple[Written, Written]:
    """Document and manifest."""
    given = options(**named)
    heading = Heading(7, action, {"create": "public", "update": "", "withdraw": "withdrawn"}[action], MADE,
                      how="notice" if action == "withdraw" else "")
    tree = headed(document_of(post, given, ZONE), heading)
    document, manifest = written(tree, attached(post.media), given, heading, "www.county.example")
    return document, manifest


def check(value: Any, shape: dict[str, Any], place: str = "$") -> None:
    """What of JSON Schema the published one uses; anything unknown in it fails."""
    known = {"$schema", "$defs", "title", "description", "type", "required", "properties", "enum", "items", "minItems",
             "minimum", "pattern", "format", "allOf"}
    assert set(shape) <= known, set(shape) - known
    kinds = {"object": dict, "array": list, "string": str, "integer": int}
    assert "type" not in shape or isinstance(value, kinds[shape["type"]]), place
    assert "enum" not in shape or value in shape["enum"], place
    assert "pattern" not in shape or re.search(shape["pattern"], value), place
    assert "minimum" not in shape or value >= shape["minimum"], place
    if isinstance(value, list):
        assert len(value) >= shape.get("minItems", 0), place
        for each in value:
            check(each, resolved(shape["items"]), f"{place}[]")
    if isinstance(value, dict):
        properties = everything(shape)
        assert set(value) <= set(properties), f"{place}: {set(value) - set(properties)} is not in the schema"
        assert set(required(shape)) <= set(value), f"{place}: {set(required(shape)) - set(value)} is missing"
        for name, each in value.items():
            check(each, resolved(properties[name]), f"{place}.{name}")


def resolved(shape: dict[str, Any]) -> dict[str, Any]:
    name = shape.get("$ref", "").removeprefix("#/$defs/")
    return SCHEMA["$defs"][name] if name else shape


def everything(shape: dict[str, Any]) -> dict[str, Any]:
    inner = [everything(resolved(each)) for each in shape.get("allOf", [])]
    return {name: told for part in (*inner, shape["properties"]) for name, told in part.items()}


def required(shape: dict[str, Any]) -> list[str]:
    return [name for each in shape.get("allOf", []) for name in required(resolved(each))] + shape.get("required", [])


@pytest.mark.parametrize("action", ["create", "update", "withdraw"])
def test_json_keeps_its_published_schema(action: str) -> None:
    document, manifest = made(action=action)
    check(json.loads(document.data), SCHEMA["$defs"]["document"])
    check(json.loads(manifest.data), SCHEMA["$defs"]["manifest"])


@pytest.mark.parametrize("charset", ["utf-8", "gb18030"])
@pytest.mark.parametrize("action", ["create", "update", "withdraw"])
def test_xml_keeps_its_published_schema(action: str, charset: str) -> None:
    for file in made(action=action, format="xml", charset=charset):
        XSD.assertValid(etree.fromstring(file.data))


def test_the_schema_knows_every_field_that_can_be_renamed_and_no_other() -> None:
    named = {name for shape in SCHEMA["$defs"].values() for name in shape["properties"]}
    assert named | {"manifest", "category", "attachment"} == set(FIELDS) - {"file"}


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize(
    "text",
    ["“甲”<乙>&丙 ]]> <![CDATA[x]]>", "𠮷𰻝🌊👨‍👩‍👧", "مرحبا שלום \u202eabc", "a\r\nb\rc", "\x00\x08x\x1f\x7f\ufffe\ud800y",
     "&amp;amp; %20 {{x}}"],
    ids=range(6),
)
def test_any_text_arrives_as_it_was_but_for_what_no_document_can_hold(form: dict[str, str], text: str) -> None:
    document, _ = made(replace(FULL, title=text, html="<p>正文</p>", media=()), **form)
    told = read_back(document.data, document.name)["title"]
    visible = re.sub("[\x00-\x08\x1f\ufffe\ud800]", "", text).replace("\r\n", "\n").replace("\r", "\n")
    if form["format"] == "json":
        told = re.sub("[\x00-\x08\x1f\ufffe?]", "", told).replace("\r\n", "\n").replace("\r", "\n")
    assert told == visible


def test_elements_are_called_as_the_importer_knows_them() -> None:
    names = {"document": "METADATA", "title": "DOCTITLE", "html": "正文", "attachments": "APPENDIX", "attachment": "ITEM"}
    root = parsed(made(format="xml", names=names)[0].data)
    assert (root.tag, root.findtext("DOCTITLE")) == ("METADATA", FULL.title)
    assert [item.findtext("name") for item in root.findall("APPENDIX/ITEM")] == [media.name for media in FULL.media]
    assert "各省" in (root.findtext("正文") or "")
    told = json.loads(made(names=names)[0].data)
    assert (told["DOCTITLE"], "title" in told) == (FULL.title, False)


def test_an_atom_entry_has_what_rfc_4287_asks_for() -> None:
    root = ElementTree.fromstring(made(format="atom")[0].data)
    atom = "{http://www.w3.org/2005/Atom}"
    assert root.tag == f"{atom}entry"
    for name in ("id", "title", "updated", "author/{http://www.w3.org/2005/Atom}name", "content"):
        assert root.findtext(atom + name), name
    links = {(link.get("rel"), link.get("href")) for link in root.findall(f"{atom}link")}
    assert ("enclosure", "fujian-1-aaaaaaaa.pdf") in links
    assert ("via", FULL.source_url) in links
    gone = ElementTree.fromstring(made(format="atom", action="withdraw")[0].data)
    assert gone.tag == "{http://purl.org/atompub/tombstones/1.0}deleted-entry"
    assert gone.get("ref") == root.findtext(f"{atom}id")


def test_a_day_stays_a_day_and_a_moment_has_its_zone() -> None:
    day = Instant(datetime(2026, 11, 30, 16, tzinfo=UTC), Precision.DAY)
    assert json.loads(made(replace(FULL, published=day))[0].data)["published"] == "2026-12-01"
    assert json.loads(made()[0].data)["published"] == "2026-12-01T00:30:00+08:00"


def test_links_and_pictures_lead_to_the_packages_files_and_others_stay() -> None:
    html = f'{FULL.html}<img src="https://www.gov.cn/other.png" alt="远"><a href="https://x.example/">x</a>'
    told = json.loads(made(replace(FULL, html=html))[0].data)["html"]
    assert 'href="fujian-1-aaaaaaaa.pdf"' in told
    assert 'src="tupian-2-bbbbbbbb.png"' in told
    assert '<a href="https://www.gov.cn/other.png">[远]</a>' in told
    assert 'href="https://x.example/"' in told


def test_the_digest_tells_what_is_said_and_not_when() -> None:
    given = options()
    same = digest_of(document_of(FULL, given, ZONE))
    assert digest_of(document_of(replace(FULL, revision=9, sent=NOW), given, ZONE)) == same
    for other in ({"title": "x"}, {"column": "x"}, {"media": FULL.media[:1]}, {"written": ""}):
        assert digest_of(document_of(replace(FULL, **other), given, ZONE)) != same  # type: ignore[arg-type]


def test_a_zip_has_the_manifest_last_and_always_the_same_bytes() -> None:
    files = [("document.json", b"{}"), ("a.pdf", b"x"), ("manifest.json", b"{}")]
    assert zipped(files) == zipped(files)


@pytest.mark.parametrize(
    ("key", "plain"),
    [("syncd-0a", True), ("A", False), ("nul", False), ("lpt1", False), ("com10", True), ("a/b", False), ("", False)],
)
def test_names_are_plain_and_never_of_a_device(key: str, plain: bool) -> None:
    name = package_name(key)
    assert (name == key) == plain
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]*", name)
