"""What the documents say is there is there: commands, options, reasons, links; and both languages say the same."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from syncd import config
from syncd.adapters import registry
from syncd.app import desk
from syncd.cli.commands import command
from syncd.core import detect
from syncd.core import repost as machine
from tests.docs.markdown import ROOT, Block, anchors, blocks, commands, links
from tests.docs.stage import with_table

PAIRS = {
    "README.md": "README.zh.md", "docs/guide.md": "docs/guide.zh.md", "docs/adapter-author.md": "docs/adapter-author.zh.md",
    "docs/source-author.md": "docs/source-author.zh.md",
}
"""The documents that are run (test_guide, test_readme), each with the one that says the same in Chinese."""
BOTH = [*PAIRS, *PAIRS.values()]
ALL = sorted(
    str(file.relative_to(ROOT)) for place in (".", "docs", "docs/adapters", "systemd") for file in (ROOT / place).glob("*.md")
)
GUIDES = ["docs/guide.md", "docs/guide.zh.md"]
_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"(?:tests|docs|syncd|systemd|tools)/[\w./-]*|config\.toml|Makefile")
_NAMED = re.compile(r"`([a-z_]+)`")
_INLINE = re.compile(r"`((?:network|look) = \{.*?\})`")


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


@pytest.mark.parametrize("name", BOTH)
def test_a_block_is_run_or_says_why_it_is_not_and_who_runs_it(name: str) -> None:
    """A fence of another language would be a command that no test knows of."""
    found = [block for block in blocks(text(name)) if block.text]
    assert {block.lang for block in found} <= {"sh", "toml", "python"}
    # code says where it goes, by which tests/docs/test_adapter_guide.py runs it
    assert all(block.says("replaces") or block.says("appended") for block in found if block.lang == "python")
    for reason in (block.says("not run") for block in found):
        assert reason is None or all((ROOT / path).exists() for path in re.findall(r"tests/\S+", reason) or ["missing"])


@pytest.mark.parametrize(("english", "chinese"), PAIRS.items())
def test_both_languages_have_the_same_commands_and_snippets_in_the_same_order(english: str, chinese: str) -> None:
    def parts(name: str) -> list[tuple[str, str, object]]:
        return [(block.lang, commands(block.text), block.directions) for block in blocks(text(name))]

    assert parts(chinese) == parts(english)


@pytest.mark.parametrize(("english", "chinese"), PAIRS.items())
def test_both_languages_have_the_same_sections_and_tables_and_lead_to_each_other(english: str, chinese: str) -> None:
    def shape(name: str) -> list[str]:
        plain = re.sub(r"^```.*?^```$", "", text(name), flags=re.MULTILINE | re.DOTALL)
        return re.findall(r"^(#+ (?=\S)|\|(?= )|\d+\. |- )", plain, re.MULTILINE)

    assert shape(chinese) == shape(english)
    assert Path(chinese).name in links(text(english))
    assert Path(english).name in links(text(chinese))


@pytest.mark.parametrize("name", ALL)
def test_every_link_leads_somewhere(name: str) -> None:
    broken = []
    for link in links(text(name)):
        if ":" in link:
            continue
        path, _, anchor = link.partition("#")
        aim = (ROOT / name).parent / path if path else ROOT / name
        if not aim.exists() or (anchor and anchor not in anchors(aim.read_text("utf-8"))):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("name", BOTH)
def test_every_path_of_the_project_that_is_named_exists(name: str) -> None:
    named = [word for code in _CODE.findall(text(name)) for word in code.split() if _PATH.fullmatch(word)]
    assert [path for path in named if not (ROOT / path).exists()] == []


# --- commands ----------------------------------------------------------------------------------------------------------


def orders(name: str) -> Iterator[list[str]]:
    """Every `syncd …` that a document says, in text and in blocks, as words."""
    said = [code for code in _CODE.findall(text(name)) if re.match(r"(?:\.venv/bin/)?syncd ", code)]
    for block in blocks(text(name)):
        rows = block.text.replace("\\\n", " ").splitlines() if block.lang == "sh" else []
        said += [row for row in rows if re.match(r"(?:\.venv/bin/)?syncd ", row)]
    for line in said:
        yield shlex.split(line.partition(" | ")[0].partition(" > ")[0], comments=True)[1:]


@pytest.mark.parametrize("name", BOTH)
def test_every_command_and_option_that_is_named_exists(name: str) -> None:
    wrong = [" ".join(words) for words in orders(name) if not _is_known(words)]
    assert wrong == []


def _is_known(words: list[str]) -> bool:
    if words[0].startswith("-"):
        return words == ["--version"]
    known = command().commands.get(words[0])
    if known is not None and hasattr(known, "commands"):
        known = known.commands.get(words[1])
    options = {name for option in known.params for name in option.opts} if known else set()
    return known is not None and {word for word in words if word.startswith("--")} <= options


# --- configuration -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GUIDES)
def test_every_snippet_of_configuration_loads(name: str, tmp_path: Path) -> None:
    """In the order in which the guide gives them: a whole file, one table in it, a table added."""
    whole = ""
    for block in (block for block in blocks(text(name)) if block.lang == "toml"):
        if block.says("file") is not None:
            whole = block.text
        elif told := block.says("table"):
            whole = with_table(whole, told.split(" ")[0], block.text)
        else:
            assert block.says("loads") is not None, f"line {block.line} says not what it is"
            _load(whole + "\n" + block.text, tmp_path)
        assert _load(whole, tmp_path).warnings == ()
    for inline in _INLINE.findall(text(name)):
        _load(whole.replace("[sites.options]", f"{inline}\n\n[sites.options]"), tmp_path)
    assert len(_INLINE.findall(text(name))) == 2


def _load(whole: str, folder: Path) -> config.Config:
    for file in ("county-ca.pem", "client.pem", "county-wordpress", "county-proxy"):
        (folder / file).write_text("http://proxy.county.example:3128")
        (folder / file).chmod(0o600)
    text = whole.replace("/var/lib/syncd", str(folder / "state"))
    loaded = config.parse(text, where="guide", base=folder, environ={"CREDENTIALS_DIRECTORY": str(folder)})
    for site in loaded.sites:
        _, problems = config.options_of(registry.load(site.adapter).Options, site.options, where=site.name)
        assert problems == []
    return loaded


# --- reasons -----------------------------------------------------------------------------------------------------------


@cache
def constants() -> frozenset[str]:
    """Every text in syncd's code; the pages' own catalogue, which may name what nobody says any more, aside."""
    files = [file for file in (ROOT / "syncd").rglob("*.py") if file.name != "words.py"]
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8"))))
    return frozenset(node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


def reasons(name: str) -> list[list[str]]:
    """The first column of the guide's table of reasons, row by row."""
    rows = re.findall(r"^\| (`.*?) \|.*\|.*\|$", text(name), re.MULTILINE)
    return [_NAMED.findall(row) for row in rows]


@pytest.mark.parametrize("name", GUIDES)
def test_every_reason_that_is_named_is_one_that_syncd_says(name: str) -> None:
    named = {reason for row in reasons(name) for reason in row}
    assert len(named) > 25
    assert named - constants() == set()


def test_every_reason_with_a_hint_for_a_person_is_in_the_guide() -> None:
    said = {*detect._HINTS, *machine._HINTS, *desk._LEVELS, *desk._NOTES}
    assert said - {reason for row in reasons("docs/guide.md") for reason in row} == set()


def test_both_languages_name_the_same_reasons() -> None:
    assert reasons("docs/guide.zh.md") == reasons("docs/guide.md")


# --- these tests can fail ----------------------------------------------------------------------------------------------


def test_a_block_knows_its_language_its_line_and_the_directions_before_it() -> None:
    page = "a\n<!-- until: 1 visible -->\n\n```sh\nls  # list\n```\n<!-- loads -->\n```toml\nx = 1\n```\n"
    first, second = blocks(page)
    assert (first.lang, first.text, first.line, first.says("until")) == ("sh", "ls  # list\n", 4, "1 visible")
    assert (second.says("loads"), second.says("until")) == ("", None)


def test_comments_aside_commands_are_compared_word_by_word() -> None:
    assert commands("a  # eins\n\n# zwei\nb '#' c\n") == "a\nb '#' c"
    assert commands("syncd approve 1") != commands("syncd approve 2")


def test_a_command_or_option_that_does_not_exist_is_found() -> None:
    assert not _is_known(["aprove", "1"])
    assert not _is_known(["retry", "1", "--force"])
    assert not _is_known(["db", "restore"])
    assert _is_known(["db", "backup", "x"])


def test_a_table_is_replaced_once_and_only_where_it_is() -> None:
    before = "[a]\nx = 1\n\n[[b]]\ny = 2\n"
    assert with_table(before, "[a]", "[a]\nx = 3\n") == "[a]\nx = 3\n\n[[b]]\ny = 2\n"
    with pytest.raises(AssertionError, match="0 tables"):
        with_table(before, "[c]", "")


def test_blocks_are_all_there() -> None:
    assert sum(1 for block in blocks(text("docs/guide.md")) if block.lang == "sh") > 20
    assert isinstance(next(blocks(text("docs/guide.md"))), Block)
