"""What is wrong with a declaration is told when the config is read: which option, which line, and what is known there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr, ValidationError

from syncd.adapters.http import options as tables
from syncd.adapters.http import values
from syncd.adapters.http.plan import NAMES, SIGNED, Options
from syncd.adapters.http.templates import FILTERS
from syncd.config import load, options_of
from tests.adapters.http.desk import desk
from tests.adapters.http.kit import EXAMPLES, SECRET, example

ROOT = Path(__file__).parents[3]
CREATE: dict[str, Any] = {"url": "/x", "json": {"key": "{{ key }}"}, "fields": {"id": "id"}}


def told(**changes: Any) -> str:
    """What is said of the plain interface's options with some changed."""
    found = options_of(Options, desk(**changes), where="options")[1]
    return "\n".join(found)


def test_the_plain_interface_has_no_faults() -> None:
    assert told() == ""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"create": CREATE | {"json": {"a": "{{ titel }}"}}}, r"create\.json\.a: 'titel' is not known here; known are .*title"),
        ({"create": CREATE | {"json": {"a": ["{{ title"]}}}, r"create\.json\.a\[0\]: "),
        ({"create": CREATE | {"json": {"a": "{{ title | nonsense }}"}}}, r"create\.json\.a: .*nonsense"),
        ({"create": CREATE | {"json": {"a": "{{ title.nothing }}"}}}, r"create\.json\.a: .*nothing"),
        ({"create": CREATE | {"json": {"a": "{{ auth.password }}"}}},
         r"create\.json\.a: auth\.password is not known; known are auth\.token"),
        ({"create": {"url": "/x", "xml": "<a>\n<b>{{ title }}</b>\n{{ nobody }}</a>", "fields": {"id": "id"}}},
         r"create\.xml: line 3: 'nobody' is not known here"),
        ({"create": {"url": "/x", "xml": "<a>\n{% if %}</a>", "fields": {"id": "id"}}}, r"create\.xml: line 2: "),
        ({"create": {"url": "/x/{{ id }}", "fields": {"id": "id"}}}, r"create\.url: 'id' is not known here"),
        ({"read": {"url": "/x/{{ title }}"}}, r"read\.url: 'title' is not known here; known are .*id"),
        ({"find": {"url": "/x", "rows": "a[", "fields": {"id": "id", "key": "key"}}}, r"find\.rows: 'a\[' is no JMESPath"),
        ({"find": {"url": "/x", "answer": "html", "shows": "p", "rows": "li >> a", "fields": {"id": "a", "key": "b"}}},
         r"find\.rows: 'li >> a' is no CSS selector"),
        ({"find": {"url": "/x", "answer": "html", "rows": "li", "fields": {"id": "a", "key": "b"}}}, r"find\.shows: say what"),
        ({"find": {"url": "/x", "answer": "xml", "rows": ".//a[", "fields": {"id": "a", "key": "b"}}},
         r"find\.rows: .*no path"),
        ({"find": {"url": "/x", "rows": "a", "fields": {"id": {"at": "id", "take": "("}, "key": "key"}}},
         r"find\.fields\.id: take '\(' is no regular expression"),
        ({"find": {"url": "/x", "rows": "a", "fields": {"id": "id"}}, "read": None},
         r"find\.fields\.key: say where our key stands"),
        ({"find": {"url": "/x", "rows": "a", "fields": {"key": "key"}}}, r"find\.fields\.id: say where the id stands"),
        ({"create": {"url": "/x", "fields": {}}, "find": None}, r"create\.fields\.id: say where the answer tells the id"),
        ({"read": {"url": "/x", "fields": {"title": "t"}}}, r"read\.fields: say where title and html stand"),
        ({"upload": {"url": "/x", "fields": {}}}, r"upload\.fields\.url: "),
        ({"address": ""}, r"address: say a post's public address"),
        ({"account": ()}, r"account: say our own name"),
        ({"update": {"url": "/x"}}, r'update: conditional = "server" needs a request that names \{\{ version \}\}'),
        ({"update": {"url": "/{{ version }}", "looks": True}}, r"update: looks is said of all its requests"),
        ({"upload": {"url": "/x", "fields": {"url": "u"}, "looks": True}}, r"upload: looks is said of all its requests"),
        ({"charset": "klingon"}, r"charset: 'klingon' is no charset"),
        ({"charset": "utf-16"}, r"charset: 'utf-16' is no charset that forms"),
        ({"answers": [{"means": "done", "when": "a["}]}, r"answers\[0\]\.when: 'a\[' is no JMESPath"),
        ({"answers": [{"means": "done"}]}, r"answers\[0\]: say by what it is known"),
        ({"answers": [{"means": "nonsense", "status": 1}]}, r"answers\[0\]\.means: .*not one of"),
        ({"message": {"at": "a["}}, r"message: 'a\[' is no JMESPath"),
        ({"create": CREATE | {"form": {"a": "b"}}}, r"create\[0\]: say one of json, form, multipart, xml and text"),
        ({"create": CREATE | {"fields": {"id": {"at": "a", "made": "b"}}}},
         r"create\[0\]\.fields\.id: say one of at, header and made"),
        ({"api_url": "cms.county.example"}, r"api_url: write the CMS's address"),
        ({"api_url": "https://a:b@cms.county.example"}, r"api_url: write no log-in into the address"),
        ({"nonsense": 1}, r"nonsense: unknown key"),
        ({"create": CREATE | {"kepe": {}}}, r"create.*kepe: unknown key"),
        ({"auth": {"kind": "basic", "user": "x"}}, r'auth: kind = "basic" needs password'),
        ({"auth": {"kind": "hmac", "secret": SecretStr("secret-key"), "sign": "{{ metod }}", "headers": {"x": "a"}}},
         r"auth\.sign: 'metod' is not known here; known are .*method"),
        ({"auth": {"kind": "hmac", "secret": SecretStr("secret-key"), "sign": "a", "headers": {"x": "b"}, "algorithm": "md5"}},
         r"auth\.algorithm: 'md5' is not to be had here; known are .*sha256"),
        ({"auth": {"kind": "bearer", "token": "literal-secret"}}, r"auth\.token: a secret is never written here"),
    ],
)
def test_each_fault_names_its_option_and_what_to_do(changes: dict[str, Any], said: str) -> None:
    assert re.search(said, told(**changes)), told(**changes)


def test_all_faults_are_told_at_once() -> None:
    said = told(create=CREATE | {"json": {"a": "{{ titel }}", "b": "{{ nobody }}"}}, message={"at": "["})
    assert all(word in said for word in ("titel", "nobody", "message"))


def test_no_message_and_no_repr_shows_a_secret() -> None:
    secret = SecretStr("very-secret-word")
    for auth in ({"kind": "bearer", "token": secret, "name": 1}, {"kind": "oauth2", "client_secret": secret}):
        with pytest.raises(ValidationError) as refused:
            Options.model_validate(desk(auth=auth))
        assert "very-secret-word" not in str(refused.value)
        assert "very-secret-word" not in told(auth=auth)
    assert "very-secret-word" not in repr(Options.model_validate(desk(auth={"kind": "bearer", "token": secret})))


def test_a_text_of_the_body_can_not_be_a_secret() -> None:
    assert "secrets are named {{ auth.NAME }}" in told(create=CREATE | {"json": {"a": SecretStr("x")}})


@pytest.mark.parametrize(
    ("changes", "guarantee", "lookup"),
    [({}, "A", "unique_field"), ({"unique": "app"}, "B", "unique_field"), ({"conditional": "none"}, "C", "unique_field"),
     ({"find": None, "unique": "none"}, "parked", "none"), ({"conditional": "none", "read": None}, "C", "unique_field")],
)
def test_what_is_declared_is_promised_and_no_more(changes: dict[str, Any], guarantee: str, lookup: str) -> None:
    from syncd.adapters.http.plan import plan

    can = plan(Options.model_validate(desk(**changes))).capabilities
    assert (can.guarantee, can.lookup) == (guarantee, lookup)


def test_nothing_is_promised_that_was_not_declared() -> None:
    from syncd.adapters.http.plan import plan

    bare = {"api_url": "http://x.example", "create": {"url": "/x", "fields": {"id": "id"}}, "address": "/{{ id }}"}
    can = plan(Options.model_validate(bare)).capabilities
    assert (can.drafts, can.unpublish, can.delete, can.notice, can.reads, can.lists, can.sweeps) == (False,) * 7
    assert (can.lookup, can.unique, can.conditional_update, can.media) == ("none",) * 4
    assert can.guarantee == "parked"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.name)
def test_every_shipped_example_loads_as_it_stands(path: Path, tmp_path: Path) -> None:
    text = path.read_text("utf-8")
    for name in re.findall(r'\{ file = "([^"]+)" \}', text):
        (tmp_path / name).write_text("long-enough-secret")
        (tmp_path / name).chmod(0o600)
    (tmp_path / path.name).write_text(text, "utf-8")
    config = load(tmp_path / path.name, environ={})
    assert config.warnings == ('[[sites]] "county": no route leads to it',)
    assert options_of(Options, config.sites[0].options, where="options")[1] == []


@pytest.mark.parametrize("name", ["http.md", "http.zh.md"])
def test_every_option_name_and_filter_is_documented(name: str) -> None:
    text = (ROOT / "docs" / "adapters" / name).read_text("utf-8")
    classes = [each for each in vars(tables).values() if isinstance(each, type)]
    shapes = [each for each in classes if issubclass(each, BaseModel) and each is not BaseModel]
    said = {info.alias or field for shape in shapes for field, info in shape.model_fields.items()}
    said |= {each for names in NAMES.values() for each in names} | values.SITE | SIGNED | set(FILTERS)
    said |= {f"file.{each}" for each in values.IN_FILE}
    missing = [each for each in sorted(said) if not re.search(rf"(?<![\w.]){re.escape(each)}(?![\w])", text)]
    assert missing == []


def test_the_examples_are_three_styles() -> None:
    assert {example(name).get("answer", "json") for name in ("platform", "typecho", "halo")} == {"html", "xml", "json"}
    assert SECRET not in repr(Options.model_validate(example("platform")))
