"""`syncd init`: a few questions, and a configuration that only observes and posts nothing."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from syncd import config as configuration
from syncd.cli.words import say
from syncd.errors import SyncdError

GOVCN = "https://www.gov.cn/zhengce/zuixin/ZUIXINZHENGCE.json"


@dataclass(frozen=True, slots=True)
class Answers:
    """What init must know. source: "govcn" or the address of a list. site_id, column_url: may be empty.

    state_dir: where the state is kept, relative to the file; as a service that is /var/lib/syncd.
    """

    url: str = ""
    site_name: str = ""
    site_id: str = ""
    source: str = ""
    column: str = ""
    column_url: str = ""
    state_dir: str = "var"


def ask_missing(given: Answers) -> Answers:
    """Ask a person for what was not given by options."""
    url = given.url or _asked(say("Public address of your site", "本站公开网址"), _address)
    name = given.site_name or typer.prompt(say("Name of your site", "网站名称"), default="")
    code = given.site_id or _asked(
        say("Its 网站标识码 (10 digits, empty if none)", "网站标识码（10 位数字，没有则留空）"), _site_id
    )
    source = given.source or _asked(
        say('Source to watch ("govcn" or the address of a feed)', "监视的来源（govcn 或订阅源网址）"),
        _source, default="govcn",
    )
    column = given.column or typer.prompt(say("Column where reposts appear", "转载所在栏目"), default="国务院文件")
    listed = given.column_url or _asked(
        say("Address of that column's list page", "该栏目的列表页网址"), _address, default=url
    )
    return replace(
        given, url=url, site_name=name, site_id=code, source=source, column=column, column_url=listed
    )


def write(path: Path, answers: Answers, *, force: bool) -> list[str]:
    """Write the file (never over another unless `force`) and say the next three steps.

    Raises SyncdError("usage") for an answer that can't be right, ConfigError if the result would not load.
    """
    checked = _checked(answers)
    text = compose(checked)
    configuration.parse(text, where=str(path), base=path.absolute().parent, environ=os.environ)
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise _taken(path) from None
    except OSError as error:
        hint = say("choose another place", "换个位置")
        raise SyncdError("usage", str(error.strerror), where=str(path), hint=hint) from None
    return steps(path)


def must_be_free(path: Path, *, force: bool) -> None:
    """Said before a person answers six questions. Raises SyncdError("usage") for a file that is there already."""
    if path.exists() and not force:
        raise _taken(path)


def _taken(path: Path) -> SyncdError:
    hint = say("choose another by --config, or overwrite it by --force", "用 --config 另选，或用 --force 覆盖")
    return SyncdError("usage", say("it exists already", "文件已存在"), where=str(path), hint=hint)


def steps(path: Path) -> list[str]:
    """What to do next, in three lines after the first."""
    where = "" if path == Path("config.toml") else f" --config {path}"
    return [
        say(f"{path} is written. It only observes: nothing is posted to your site.",
            f"已写出 {path}。它只观察，不会向本站发布任何内容。"),
        f"1. syncd check{where}    " + say("tries the source, your site and the clock", "检查来源、站点和时钟"),
        f"2. syncd run{where}      " + say("watches; stop it with Ctrl-C", "开始监视，Ctrl-C 停止"),
        f"3. syncd status{where}   " + say("shows what was found and how long it took", "查看发现了什么、用了多久"),
    ]


def compose(answers: Answers) -> str:
    """The file's text."""
    kind, name, url = _listed(answers.source)
    q = _quoted
    return f"""\
# Written by syncd init. It observes and posts nothing; config.toml of the syncd package shows every option.
# 由 syncd init 写出，只观察、不发布。全部选项见软件包中的 config.toml。

[syncd]
state_dir = {q(answers.state_dir)}
listen = "127.0.0.1:8377"
timezone = "Asia/Shanghai"

[[sources]]
name = {q(name)}
kind = {q(kind)}
url = {q(url)}
every = "5m"

[[sites]]
name = "site"
site_name = {q(answers.site_name)}
site_id = {q(answers.site_id)}
adapter = "observe"          # posts nothing; finds and clocks the reposts that people make 不发布，只发现并计时人工转载
public_url = {q(answers.url)}
options = {{ list_url = {q(answers.column_url or answers.url)} }}

[[routes]]
sources = [{q(name)}]
site = "site"
column = {q(answers.column)}
# Enter the limit and the basis of your own rules 按本地规定填写时限和依据:
#deadline = "24h"
#basis = ""
"""


def _listed(source: str) -> tuple[str, str, str]:
    return ("govcn", "state-council", GOVCN) if source == "govcn" else ("feed", "source", source)


def _quoted(text: str) -> str:
    """A TOML basic string; JSON's escapes are TOML's too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _checked(answers: Answers) -> Answers:
    """The answers in order. Raises SyncdError("usage") with the first that can't be right."""
    filled = replace(answers, source=answers.source or "govcn", column=answers.column or "国务院文件")
    return replace(
        filled, url=_address(filled.url).rstrip("/"), site_id=_site_id(filled.site_id), source=_source(filled.source),
        column_url=_address(filled.column_url) if filled.column_url else "",
    )


def _address(text: str) -> str:
    stripped = text.strip()
    if not re.fullmatch(r"https?://[^\s/@]+(/\S*)?", stripped):
        raise _wrong(text, say("an address is like https://www.county.example", "网址应类似 https://www.county.example"))
    return stripped


def _site_id(text: str) -> str:
    if text.strip() and not re.fullmatch(r"[0-9A-Z]{10}", text.strip()):
        raise _wrong(text, say("a 网站标识码 has 10 digits", "网站标识码为 10 位数字"))
    return text.strip()


def _source(text: str) -> str:
    return text if text == "govcn" else _address(text)


def _wrong(text: str, hint: str) -> SyncdError:
    return SyncdError("usage", say(f'"{text}" can\'t be right', f"“{text}”不正确"), hint=hint)


def _asked(question: str, check: Callable[[str], str], default: str = "") -> str:
    """Ask until the answer can be right."""

    def checked(text: str) -> str:
        try:
            return check(text)
        except SyncdError as error:
            raise typer.BadParameter(f"{error.message}: {error.hint}") from None

    return str(typer.prompt(question, default=default, value_proc=checked, show_default=bool(default)))
