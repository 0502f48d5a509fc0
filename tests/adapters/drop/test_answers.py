"""What an importer answers, and what options say of it: half a file, a strange word, somebody else's address."""

from __future__ import annotations

import json
from typing import Any

import pytest

from syncd.adapters.drop.acknowledgement import Answer, Unclear, file_name, understood
from syncd.adapters.drop.options import Acknowledgement, DirectoryOptions, Options, SftpOptions
from syncd.config import options_of

URL = "https://www.county.example"


def told(data: str | bytes, **named: Any) -> Answer | Unclear:
    options = Acknowledgement.model_validate(named)
    return understood(data if isinstance(data, bytes) else data.encode(), options, URL)


@pytest.mark.parametrize(
    ("format", "data"),
    [
        ("json", '{"result": "published", "id": 7, "url": "/a.html", "reason": "好"}'),
        ("xml", '<?xml version="1.0"?><ack><result>published</result><id>7</id><url>/a.html</url><reason>好</reason></ack>'),
        ("text", "# 回执\nresult = published\nid=7\nurl=/a.html\nreason=好\n"),
    ],
)
def test_each_form_tells_the_same(format: str, data: str) -> None:
    wanted = Answer("published", "7", f"{URL}/a.html", "好")
    assert told(data, format=format) == wanted
    assert told(b"\xef\xbb\xbf" + data.encode(), format=format) == wanted
    assert told(data.encode("gb18030"), format=format) == wanted


@pytest.mark.parametrize("format", ["json", "xml", "text"])
def test_no_beginning_of_an_answer_is_one(format: str) -> None:
    """Whatever an importer has written when we look."""
    data = {
        "json": '{"result": "published", "url": "/p/48213.html"}',
        "xml": "<ack><result>published</result><url>/p/48213.html</url></ack>",
        "text": "result=published\nurl=/p/48213.html\n",
    }[format]
    whole = told(data, format=format)
    assert isinstance(whole, Answer)
    for end in range(len(data)):
        part = told(data[:end], format=format)
        lines = format == "text" and data[:end].endswith("\n")
        assert isinstance(part, Unclear) or lines, data[:end]


def test_words_paths_and_namespaces_are_the_importers_own() -> None:
    words = {"published": ["1", "成功"], "accepted": ["0"], "refused": ["失败"]}
    assert told('{"data": {"code": 1}}', result="data.code", **words) == Answer("published")
    refused = '{"data": {"code": "失败", "msg": " 栏目\\n 不存在 "}}'
    assert told(refused, result="data.code", reason="data.msg", **words) == Answer("refused", reason="栏目 不存在")
    xml = '<r:ack xmlns:r="urn:x"><r:data><r:code>成功</r:code></r:data></r:ack>'
    assert told(xml, format="xml", result="data.code", **words) == Answer("published")
    assert told('{"result": true}', published=["TRUE"]) == Answer("published")


@pytest.mark.parametrize(
    ("data", "why"),
    [('{"result": "weiß nicht"}', "none of published"), ('{"other": 1}', "none of published"), ("[1]", "none of published"),
     ('{"result": {"a": 1}}', "none of published"), ("<html>", "no whole JSON")],
)
def test_what_is_no_answer_says_why(data: str, why: str) -> None:
    found = told(data)
    assert isinstance(found, Unclear)
    assert why in found.why


@pytest.mark.parametrize("format", ["json", "xml"])
def test_an_answer_nested_beyond_all_sense_is_not_understood(format: str) -> None:
    deep = {"json": "[" * 200_000 + "]" * 200_000, "xml": "<a>" * 50_000 + "</a>" * 50_000}[format]
    assert isinstance(told(deep, format=format), Unclear)


def test_a_document_type_is_not_read() -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "published">]><ack><result>&b;</result></ack>'
    assert isinstance(told(bomb, format="xml"), Unclear)


@pytest.mark.parametrize(
    ("url", "good"),
    [("/a.html", True), ("a.html", True), (f"{URL}/b.html", True), ("https://county.example/c.html", True),
     ("http://zwgk.county.example/d.html", True), ("https://evil.example/county.example", False),
     ("https://xcounty.example/", False), ("javascript:alert(1)", False), ("http://[", False), ("//evil.example/", False),
     ("http://10.0.0.1/a.html", False)],
)
def test_an_address_stands_on_the_site(url: str, good: bool) -> None:
    found = told(json.dumps({"result": "published", "url": url}))
    assert isinstance(found, Answer) == good


def test_a_file_is_called_by_its_package_or_key_and_number() -> None:
    options = Acknowledgement.model_validate({"name": "ACK_{key}_{sequence}*.xml"})
    assert file_name(options, "k-000007", "k", 7) == "ACK_k_000007*.xml"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "say how a document's public page is found"),
        ({"url": "/{id}.html"}, "only an acknowledgement can tell"),
        ({"url": "/news.html"}, "at one place"),
        ({"url": "/{nonsense}/{key}"}, "{nonsense}"),
        ({"url": "/{key"}, "url"),
        ({"ack": {"name": "ack.json"}}, "would answer for all"),
        ({"ack": {"name": "{sequence}.json"}}, "not unique"),
        ({"ack": {"name": "a/{package}"}}, "folder"),
        ({"ack": {"refused": ["published"]}}, "no word in common"),
        ({"ack": {"within": "-1"}}, "duration"),
        ({"ack": {}, "charset": "gb18030"}, "charset"),
        ({"ack": {}, "format": "atom", "names": {"title": "T"}}, "RFC 4287"),
        ({"ack": {}, "names": {"titel": "T"}}, "unknown field 'titel'"),
        ({"ack": {}, "names": {"title": "1T"}}, "can't be the name"),
        ({"ack": {}, "names": {"title": "html"}}, "two fields"),
        ({"ack": {}, "packages": "../other"}, "without .."),
        ({"ack": {}, "packages": "报送"}, "ASCII"),
        ({"ack": {}, "records": ""}, "records"),
        ({"ack": {}, "records": "packages"}, "records"),
        ({"ack": {}, "records": "Packages"}, "nor lie in each other"),
        ({"ack": {}, "packages": "out", "records": "out/ours"}, "nor lie in each other"),
        ({"ack": {}, "packages": "A/b/c", "records": "a/B"}, "nor lie in each other"),
        ({"ack": {}, "packages": ""}, "packages and records must each"),
        ({"ack": {"folder": "records/ack"}}, "ack.folder"),
        ({"ack": {}, "flag": "ok"}, "suffix"),
        ({"ack": {}, "no_such": 1}, "no_such"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
def test_options_that_can_not_work_are_told(given: dict[str, Any], said: str) -> None:
    _, problems = options_of(DirectoryOptions, {"directory": "/srv/drop"} | given, where="options")
    assert any(said in line for line in problems), problems


@pytest.mark.parametrize(
    ("given", "said"),
    [({"server": "ftp://x.example/"}, "sftp://host"), ({"server": "sftp://h:99999"}, "sftp://host:port"),
     ({"server": "sftp://h:x/"}, "sftp://host:port"), ({"server": "sftp://h:0/"}, "port 0"),
     ({"server": "sftp://u:p@x.example/"}, "the user stands in user"),
     ({"password": None}, "a password or a key"), ({"host_key": "ssh-ed25519 AAAA"}, "fingerprint"), ({"user": ""}, "user")],
    ids=str,
)
def test_what_can_not_be_reached_by_sftp_is_told(given: dict[str, Any], said: str) -> None:
    from pydantic import SecretStr

    good = {"server": "sftp://x.example:2222/in/zc/", "user": "u", "password": SecretStr("geheim"), "ack": {}}
    options, problems = options_of(SftpOptions, good, where="options")
    assert isinstance(options, SftpOptions)
    assert (problems, options.place) == ([], ("x.example", 2222, "/in/zc"))
    _, problems = options_of(SftpOptions, good | given, where="options")
    assert any(said in line for line in problems), problems
    assert "geheim" not in " ".join(problems)


def test_a_folder_may_be_deep_begin_alike_and_that_of_answers_be_the_root() -> None:
    assert Options.model_validate({"packages": "/a/b.c/", "ack": {}}).packages == "a/b.c"
    assert Options.model_validate({"packages": "out", "records": "out-ours", "ack": {}}).records == "out-ours"
    assert Options.model_validate({"ack": {"folder": ""}}).ack == Acknowledgement(folder="")
