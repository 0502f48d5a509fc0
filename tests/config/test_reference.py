"""config.toml at the root is the reference: every option occurs in it, with its default, and it loads as it stands."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel, SecretStr

from syncd import plugins
from syncd.adapters.drop.options import Acknowledgement
from syncd.config import TABLES, Table, load, options_of, site_place, source_place
from syncd.sources.mapping import Detail, Fields, Paging

SECRET = f"{'0' * 24}:{'0' * 64}"
"""Of a form that the strictest adapter takes, Ghost's."""
PATH = Path(__file__).parents[2] / "config.toml"
_OPTION = re.compile(r"#(\[{1,2}\w+\]{1,2}|\w+ = .*)")


def _uncommented() -> dict[str, Any]:
    lines = PATH.read_text("utf-8").splitlines()
    return tomllib.loads("\n".join(line[1:] if _OPTION.fullmatch(line) else line for line in lines))


def _defaults_only() -> dict[str, Any]:
    """Options that are commented out and not said to be an example: they must show the default."""
    kept, example = [], False
    for line in PATH.read_text("utf-8").splitlines():
        if line.startswith("# "):
            example = "(example)" in line
        elif _OPTION.fullmatch(line) and not example:
            kept.append(line[1:])
        elif line.startswith("["):
            kept.append(line)
    return tomllib.loads("\n".join(kept))


def _inner(annotation: Any) -> type[Table] | None:
    if isinstance(annotation, type) and issubclass(annotation, Table):
        return annotation
    return next((found for part in get_args(annotation) if (found := _inner(part))), None)


def _missing(shape: type[Table], data: Mapping[str, Any], place: str) -> Iterator[str]:
    for name, info in shape.model_fields.items():
        if name not in data:
            yield f"{place}.{name}"
        elif (inner := _inner(info.annotation)) and data[name] and name not in ("network", "look"):
            yield from _missing(inner, data[name], f"{place}.{name}")


def test_it_loads_as_it_stands_and_has_nothing_to_complain_of() -> None:
    config = load(PATH, environ={})
    assert config.warnings == ()
    assert [(s.kind, s.url) for s in config.sources] == [
        ("govcn", "https://www.gov.cn/zhengce/zuixin/ZUIXINZHENGCE.json")
    ]
    assert [(s.adapter, s.options["directory"]) for s in config.sites] == [("static", "var/site")]


@pytest.mark.parametrize("name", list(TABLES))
def test_every_option_occurs_in_it(name: str) -> None:
    data = _uncommented()[name]
    first = data[0] if isinstance(data, list) else data
    assert list(_missing(TABLES[name], first, name)) == []


@pytest.mark.parametrize("name", list(TABLES))
def test_what_is_commented_out_is_the_default(name: str) -> None:
    data = _defaults_only().get(name, {})
    given = data[0] if isinstance(data, list) else data
    shape = TABLES[name]
    for key, value in given.items():
        if key == "options":
            continue
        required = {n: _ANY[n] for n, f in shape.model_fields.items() if f.is_required() and n in _ANY}
        assert getattr(shape.model_validate(required | {key: value}), key) == shape.model_fields[key].default, key


_ANY: dict[str, Any] = {
    "name": "x", "kind": "x", "url": "https://x.example", "adapter": "x", "public_url": "https://x.example",
    "sources": ["x"], "site": "x", "column": "x",
}


@pytest.mark.parametrize(
    ("group", "name", "table"),
    [("syncd.sources", "govcn", "sources"), ("syncd.sources", "feed", "sources"),
     ("syncd.sources", "json", "sources"), ("syncd.sources", "html", "sources"), ("syncd.sources", "relay", "sources"),
     ("syncd.adapters", "static", "sites"),
     ("syncd.adapters", "directory", "sites"), ("syncd.adapters", "sftp", "sites"),
     ("syncd.adapters", "observe", "sites"), ("syncd.adapters", "wordpress", "sites"),
     ("syncd.adapters", "git", "sites"), ("syncd.adapters", "http", "sites"), ("syncd.adapters", "drupal", "sites"),
     ("syncd.adapters", "wagtail", "sites"),
     ("syncd.adapters", "plone", "sites"), ("syncd.adapters", "ghost", "sites"),
     ("syncd.adapters", "directus", "sites"), ("syncd.adapters", "strapi", "sites"),
     ("syncd.adapters", "mediawiki", "sites"), ("syncd.adapters", "mastodon", "sites"),
     ("syncd.adapters", "micropub", "sites")],
)
def test_the_options_of_built_in_plug_ins_occur_in_it_too(group: str, name: str, table: str) -> None:
    shape: type[BaseModel] = plugins.load(group, name).Options  # type: ignore[attr-defined]
    rows = [row for row in _uncommented()[table] if row.get("kind", row.get("adapter")) == name]
    assert rows, f"no example of {name}"
    assert set(shape.model_fields) - set(rows[0]["options"]) == set()
    assert options_of(shape, _resolved(rows[0]["options"]), where="options")[1] == []


@pytest.mark.parametrize(
    ("kind", "place", "shape"),
    [("feed", "detail", Detail), ("json", "fields", Fields), ("json", "paging", Paging), ("html", "paging", Paging)],
)
def test_the_options_within_options_occur_in_it_too(kind: str, place: str, shape: type[BaseModel]) -> None:
    shown = [set(row["options"][place]) for row in _uncommented()["sources"] if row["kind"] == kind]
    ways = {"next"} if kind == "json" else set(Paging.model_fields) - {"next"}
    assert set(shape.model_fields) - (ways if shape is Paging else set()) == shown[0]


def test_the_options_of_an_acknowledgement_occur_in_it_too() -> None:
    (row,) = [row for row in _uncommented()["sites"] if row["adapter"] == "directory"]
    assert set(row["options"]["ack"]) == set(Acknowledgement.model_fields)
    shown = Acknowledgement.model_validate(row["options"]["ack"])
    assert shown == Acknowledgement()


def _resolved(options: Mapping[str, Any]) -> dict[str, Any]:
    """As `load` hands them on: a reference to a secret is the secret."""
    return {name: _secret_or_same(value) for name, value in options.items()}


def _secret_or_same(value: Any) -> Any:
    if not isinstance(value, dict) or not value:
        return value
    return SecretStr(SECRET) if value.keys() <= {"credential", "file", "env"} else _resolved(value)


def test_the_options_that_are_switched_on_are_valid() -> None:
    config = load(PATH, environ={})
    for source in config.sources:
        shape: Any = plugins.load("syncd.sources", source.kind)
        assert options_of(shape.Options, source.options, where=source_place(source))[1] == []
    for site in config.sites:
        adapter: Any = plugins.load("syncd.adapters", site.adapter)
        assert options_of(adapter.Options, site.options, where=site_place(site))[1] == []
