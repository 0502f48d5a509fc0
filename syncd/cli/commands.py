"""The commands and their options. Everything heavy is imported inside a command, so that --help is quick."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar, cast

import typer

from syncd.cli.doors import Desk, Doors
from syncd.cli.words import language, printable, say
from syncd.errors import SyncdError

if TYPE_CHECKING:
    from typer.core import TyperGroup

ConfigPath = Annotated[
    Path, typer.Option("--config", "-c", envvar="SYNCD_CONFIG", help=say("the configuration", "配置文件"))
]
AsJson = Annotated[bool, typer.Option("--json", help=say("print JSON", "输出 JSON"))]
RepostId = Annotated[int, typer.Argument(min=1, metavar="ID", help=say("number of the repost", "转载编号"))]
Actor = Annotated[
    str, typer.Option("--actor", envvar="SYNCD_ACTOR", help=say("who acts (default: you)", "操作人（默认为当前用户）"))
]
Why = Annotated[str, typer.Option("--reason", help=say("why, for the record", "原因（留档）"))]
DEFAULT = Path("config.toml")
T = TypeVar("T")

app = typer.Typer(
    name="syncd", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    help=say(
        "Reposts central policy to local sites on time, exactly once, and proves it.",
        "将上级政策按时、不重不漏地转载到本地站点，并留下证据。",
    ),
)
db = typer.Typer(no_args_is_help=True, help=say("The database of the state.", "状态数据库。"))
app.add_typer(db, name="db")
source = typer.Typer(no_args_is_help=True, help=say("Sources.", "来源。"))
app.add_typer(source, name="source")
adapter = typer.Typer(no_args_is_help=True, help=say("Adapters, for those who write or choose one.", "适配器。"))
app.add_typer(adapter, name="adapter")
relay = typer.Typer(
    invoke_without_command=True,
    help=say(
        "Serve what this instance has read, sealed, to other syncd's; or write it for a disc.",
        "把本机已读取的内容签名后提供给其他 syncd，或写入介质。",
    ),
)
app.add_typer(relay, name="relay")


def command() -> TyperGroup:
    """The whole tree of commands, for `main` and for the test of the documentation."""
    from typer.main import get_command

    return cast("TyperGroup", get_command(app))


def at_desk(context: typer.Context, config: Path, use: Callable[[Desk], Awaitable[T]]) -> T:
    """Open the desk, use it once, close it."""
    import asyncio

    async def visit() -> T:
        async with doors_of(context).open_desk(config) as desk:
            return await use(desk)

    return asyncio.run(visit())


def doors_of(context: typer.Context) -> Doors:
    doors: Doors = context.find_root().obj
    return doors


def leave(code: int) -> NoReturn:
    raise typer.Exit(code)


def tell(facts: Any, show: Callable[[Any], None], *, as_json: bool) -> None:
    """Print facts for a script or for a person."""
    from syncd.cli import show as shows

    shows.as_json(facts) if as_json else show(facts)


def _person(actor: str) -> str:
    try:
        return actor or getpass.getuser()
    except (KeyError, OSError):  # a uid without a name, as in a container
        return f"uid {os.getuid()}"


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help=say("print the version", "显示版本"))] = False,
) -> None:
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"syncd {installed('syncd')}")
        leave(0)


@app.command(
    help=say(
        "Ask a few questions and write a configuration that only observes.",
        "回答几个问题，写出只观察、不发布的配置。",
    )
)
def init(
    config: ConfigPath = DEFAULT,
    url: Annotated[str, typer.Option("--url", help=say("public address of your site", "本站公开网址"))] = "",
    site_name: Annotated[str, typer.Option("--site-name", help=say("name of your site", "网站名称"))] = "",
    site_id: Annotated[
        str, typer.Option("--site-id", help=say("its 网站标识码 (10 digits)", "网站标识码（10 位）"))
    ] = "",
    source: Annotated[
        str, typer.Option("--source", help=say("govcn, or the address of a list", "govcn，或列表的网址"))
    ] = "",
    column: Annotated[str, typer.Option("--column", help=say("column for reposts", "转载栏目"))] = "",
    column_url: Annotated[
        str, typer.Option("--column-url", help=say("address of that column's list", "该栏目列表页网址"))
    ] = "",
    state_dir: Annotated[
        str, typer.Option("--state-dir", help=say("where the state is kept (default: var)", "数据目录（默认 var）"))
    ] = "var",
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help=say("ask nothing, take the defaults", "不提问，用默认值"))
    ] = False,
    force: Annotated[bool, typer.Option("--force", help=say("overwrite the file", "覆盖已有文件"))] = False,
) -> None:
    from syncd.cli.setup import Answers, ask_missing, must_be_free, write

    answers = Answers(
        url=url, site_name=site_name, site_id=site_id, source=source, column=column, column_url=column_url,
        state_dir=state_dir,
    )
    must_be_free(config, force=force)
    for text in write(config, answers if yes else ask_missing(answers), force=force):
        typer.echo(text)


@app.command(help=say("Run the daemon until it is stopped.", "启动守护进程，直到停止。"))
def run(context: typer.Context, config: ConfigPath = DEFAULT) -> None:
    leave(doors_of(context).run_daemon(config))


@app.command(help=say("Do everything that is due once, then end.", "把到期的工作做一遍，然后结束。"))
def once(context: typer.Context, config: ConfigPath = DEFAULT) -> None:
    leave(doors_of(context).run_once(config))


@app.command(
    help=say("Show everything at work on invented policies, on this machine alone.", "用虚构文件在本机演示全过程。"),
)
def demo(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help=say("end by itself", "演示完自动结束"))] = False,
    folder: Annotated[
        str, typer.Option("--dir", help=say(
            "folder for everything: empty, new, or an earlier demo's", "所有内容所在的文件夹：空的、新的或上次演示用的",
        ))
    ] = "var/demo",
) -> None:
    leave(doors_of(context).demo([*(["--once"] if once else []), "--dir", folder]))


@app.command(
    help=say(
        "Try every source, every site and the clock; say what to do.",
        "检查每个来源、站点和时钟，并说明如何处理。",
    )
)
def check(context: typer.Context, config: ConfigPath = DEFAULT, as_json: AsJson = False) -> None:
    from syncd.cli import show

    facts = at_desk(context, config, lambda desk: desk.check())
    tell(facts, show.checks, as_json=as_json)
    leave(0 if facts.get("ok") else 1)


@app.command(
    help=say(
        "Show what runs and what needs a person (then exit code 1).",
        "显示运行状况和待人处理的事项（有则退出码 1）。",
    )
)
def status(
    context: typer.Context, config: ConfigPath = DEFAULT, as_json: AsJson = False,
    probe: Annotated[bool, typer.Option("--probe", help=say("one line in Nagios form", "Nagios 格式，一行"))] = False,
) -> None:
    from syncd.cli import show

    if probe:
        _probe(context, config)
    facts = _status(context, config)
    tell(facts, show.status, as_json=as_json)
    leave(1 if facts.get("attention") else 0)


def _status(context: typer.Context, config: Path) -> dict[str, Any]:
    """The desk's answer, beside whether a daemon runs and as of when; the state is only opened where nothing else tells."""
    doors = doors_of(context)
    running = doors.running(config)
    told = (None if running else doors.left(config)) or at_desk(context, config, lambda desk: desk.status())
    return {"running": running, "as_of": told.get("now"), **told}


def _probe(context: typer.Context, config: Path) -> NoReturn:
    """A probe asks the daemon only: it must never take the lock of an idle state away from a daemon that starts."""
    from syncd.cli import probe

    try:
        running = doors_of(context).running(config)
        code, text = probe.probe(_status(context, config) if running else {"running": False})
    except (SyncdError, OSError) as error:
        code, text = probe.unknown(error)
    typer.echo(printable(text))
    leave(code)


@app.command(help=say("List reposts.", "列出转载。"))
def reposts(
    context: typer.Context, config: ConfigPath = DEFAULT, as_json: AsJson = False,
    attention: Annotated[
        bool, typer.Option("--attention", help=say("only what needs a person", "只看待人处理的"))
    ] = False,
    site: Annotated[str, typer.Option("--site", help=say("only of this site", "只看这个站点"))] = "",
) -> None:
    from syncd.cli import show

    rows = at_desk(context, config, lambda desk: desk.reposts(attention=attention, site=site))
    tell(rows, show.reposts, as_json=as_json)


@app.command(help=say("Tell one repost's whole story and what comes next.", "讲述一条转载的全过程和下一步。"))
def explain(context: typer.Context, id: RepostId, config: ConfigPath = DEFAULT, as_json: AsJson = False) -> None:
    from syncd.cli import show

    tell(at_desk(context, config, lambda desk: desk.explain(id)), show.story, as_json=as_json)


def _act(context: typer.Context, config: Path, as_json: bool, use: Callable[[Desk], Awaitable[dict[str, Any]]]) -> None:
    """Act and say what it did; a source that had nothing held is exit code 1."""
    from syncd.cli import show

    facts = at_desk(context, config, use)
    tell(facts, show.acted, as_json=as_json)
    leave(1 if 0 in (facts.get("released"), facts.get("dropped")) else 0)


_Held = Annotated[str, typer.Option("--source", help=say("all held entries of this source", "该来源的全部搁置条目"))]
_OptionalId = Annotated[int | None, typer.Argument(min=1, metavar="[ID]", help=say("number of the repost", "转载编号"))]


def _one_of(id: int | None, source: str) -> None:
    if (id is None) == (not source):
        hint = say("name a repost by its ID, or a source by --source", "请给出转载编号，或用 --source 给出来源")
        raise SyncdError("usage", say("what is meant?", "未说明对象"), hint=hint)


@app.command(
    help=say(
        "Allow a waiting repost, or a source's held entries.",
        "批准一条转载，或放行某来源的搁置条目。",
    )
)
def approve(
    context: typer.Context, id: _OptionalId = None, source: _Held = "", actor: Actor = "", config: ConfigPath = DEFAULT,
    as_json: AsJson = False,
) -> None:
    _one_of(id, source)
    _act(context, config, as_json, lambda desk: desk.approve(id, source or None, _person(actor)))


@app.command(
    help=say(
        "Refuse this revision of a repost, or drop a source's held entries.",
        "否决一条转载的当前版本，或丢弃某来源的搁置条目。",
    )
)
def reject(
    context: typer.Context, id: _OptionalId = None, source: _Held = "", reason: Why = "", actor: Actor = "",
    config: ConfigPath = DEFAULT, as_json: AsJson = False,
) -> None:
    _one_of(id, source)
    _act(context, config, as_json, lambda desk: desk.reject(id, reason, _person(actor), source or None))


@app.command(
    help=say(
        "Take up again what is parked, held, edited or gone.",
        "重新处理停放、搁置、被改或不见的转载。",
    )
)
def retry(
    context: typer.Context, id: RepostId, actor: Actor = "", config: ConfigPath = DEFAULT, as_json: AsJson = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help=say("over a local edit", "覆盖本地修改"))] = False,
) -> None:
    _act(context, config, as_json, lambda desk: desk.retry(id, overwrite, _person(actor)))


@app.command(
    help=say(
        "Take what stands at the site (posted or edited by people) as this repost.",
        "把站点上人工发布或修改的页面认作这条转载。",
    )
)
def adopt(
    context: typer.Context, id: RepostId,
    url: Annotated[
        str, typer.Option("--url", help=say("public address of the page (default: found)", "页面网址（默认自动查找）"))
    ] = "",
    actor: Actor = "", config: ConfigPath = DEFAULT, as_json: AsJson = False,
) -> None:
    _act(context, config, as_json, lambda desk: desk.adopt(id, url, _person(actor)))


@app.command(
    help=say(
        "Withdraw the document of a repost from ALL its sites, or lift such an order.",
        "从全部站点撤下这条转载所属的文件，或取消这一决定。",
    )
)
def withdraw(
    context: typer.Context, id: RepostId, reason: Why = "", actor: Actor = "", config: ConfigPath = DEFAULT,
    as_json: AsJson = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=say("do not ask", "不再确认"))] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help=say("lift the order: it is posted again everywhere", "取消撤稿，在各站点重新发布"))
    ] = False,
) -> None:
    if not yes:
        typer.confirm(_withdrawal(at_desk(context, config, lambda desk: desk.explain(id)), undo=undo), abort=True)
    _act(context, config, as_json, lambda desk: desk.withdraw(id, _person(actor), reason, undo))


def _withdrawal(story: dict[str, Any], *, undo: bool) -> str:
    """The question: which document, and that it goes from every site, or comes back to each."""
    document = story["document"]
    sites, title = document.get("sites", []), printable(document.get("title", ""))
    named = printable(", ".join(sites))
    if undo:
        return say(
            f'Post "{title}" again on ALL its sites (on {len(sites)} sites: {named})?',
            f"在全部 {len(sites)} 个站点（{named}）重新发布“{title}”？",
        )
    return say(
        f'Withdraw "{title}" from ALL its sites (on {len(sites)} sites: {named})?',
        f"从全部 {len(sites)} 个站点（{named}）撤下“{title}”？",
    )


@app.command(
    help=say(
        "Write a repost as a ZIP for a CMS that nothing can post to.",
        "把一条转载打包为 ZIP，供人工录入。",
    )
)
def package(
    context: typer.Context, id: RepostId, config: ConfigPath = DEFAULT, as_json: AsJson = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help=say("file to write", "输出文件"))] = None,
) -> None:
    from syncd.cli import files, show

    target = (out or Path(f"repost-{id}.zip")).absolute()
    facts = files.carried(at_desk(context, config, lambda desk: desk.package(id)), target)
    tell(facts, lambda f: show.line(str(f["path"])), as_json=as_json)


@app.command(help=say("Show what the site would be given; nothing is posted.", "预览将交给站点的内容，不发布。"))
def preview(context: typer.Context, id: RepostId, config: ConfigPath = DEFAULT, as_json: AsJson = False) -> None:
    from syncd.cli import show

    tell(at_desk(context, config, lambda desk: desk.preview(id)), show.preview, as_json=as_json)


@app.command(
    help=say(
        "Read a source, an address or a file and print what it shows; writes nothing.",
        "读取来源、网址或文件并显示内容，不写入任何东西。",
    )
)
def read(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="NAME-or-URL-or-FILE", help=say("what to read", "读什么"))],
    kind: Annotated[
        str, typer.Option("--kind", help=say("kind of list (default: found out)", "列表种类（默认自动识别）"))
    ] = "",
    config: ConfigPath = DEFAULT, as_json: AsJson = False,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help=say("private addresses too", "允许内网地址"))
    ] = False,
    options: Annotated[
        str, typer.Option("--options", metavar="TOML", help=say(
            "options of the kind, to try a mapping: as in config.toml", "该种类的选项，写法同 config.toml，用于试验"))
    ] = "",
    page: Annotated[
        str, typer.Option("--page", metavar="URL", help=say(
            "a document's address: read its page as this source does", "文件网址：按该来源的方式读取其页面"))
    ] = "",
    url: Annotated[
        str, typer.Option("--url", help=say("of a file: where it came from", "文件来自哪个网址"))
    ] = "",
) -> None:
    import asyncio

    from syncd.cli import show
    from syncd.cli.read import Request, read_anything

    doors = doors_of(context)
    request = Request(
        what, kind=kind, config=config, allow_private=allow_private, options=options, page=page, url=url
    )
    facts = asyncio.run(read_anything(request, now=doors.now, monotonic=doors.monotonic))
    tell(facts, show.listing, as_json=as_json)
    leave(0 if facts["ok"] else 1)


@app.command(help=say("Print a month's report.", "输出月度报告。"))
def report(
    context: typer.Context, config: ConfigPath = DEFAULT, as_json: AsJson = False,
    month: Annotated[
        str, typer.Option("--month", metavar="YYYY-MM", help=say("default: this month", "默认本月"))
    ] = "",
    form: Annotated[str, typer.Option("--format", metavar="text|csv|json", help=say("form", "格式"))] = "text",
    out: Annotated[Path | None, typer.Option("--out", "-o", help=say("file to write", "输出文件"))] = None,
) -> None:
    from syncd.cli import files
    from syncd.cli.monthly import FORMS, render

    if form not in FORMS:
        raise SyncdError("usage", f"--format {form}", hint=say("text, csv or json", "可用 text、csv 或 json"))
    facts = at_desk(context, config, lambda desk: desk.report(month or f"{doors_of(context).now().astimezone():%Y-%m}"))
    data = render(facts, "json" if as_json else form, lang=language())
    if out is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        files.write(out, data)


@app.command(
    name="fake-cms",
    help=say(
        "Serve a fake CMS on this machine, to try syncd and adapters against.",
        "在本机运行一个模拟的发布系统，供试用和适配器测试。",
    ),
)
def fake_cms(
    port: Annotated[int, typer.Option("--port", help=say("port (default: any)", "端口（默认任意）"))] = 0,
    state: Annotated[
        Path | None, typer.Option("--state", help=say("file that keeps what was written", "保存已写内容的文件"))
    ] = None,
    faults: Annotated[
        float, typer.Option("--faults", min=0.0, max=1.0, help=say(
            "share of requests that something happens to", "出故障的请求比例"))
    ] = 0.0,
    seed: Annotated[
        int | None, typer.Option("--seed", help=say("of the dice that decide the faults", "决定故障的随机数种子"))
    ] = None,
    latest: Annotated[
        float, typer.Option("--latest", help=say("seconds within which a late request arrives", "迟到请求最迟几秒到达"))
    ] = 1.0,
    unique: Annotated[
        str, typer.Option("--unique", metavar="server|app|none", help=say(
            "who refuses a second post of a key", "由谁拒绝重复的键"))
    ] = "server",
    conditional_update: Annotated[
        str, typer.Option("--conditional-update", metavar="server|check_then_act|none", help=say(
            "whether If-Match is honoured", "是否支持 If-Match"))
    ] = "server",
    lookup: Annotated[
        str, typer.Option("--lookup", metavar="pk|none", help=say("whether posts can be looked up", "能否按键查找"))
    ] = "pk",
    html: Annotated[
        str, typer.Option("--html", metavar="raw|filtered", help=say("whether HTML is rewritten", "是否改写 HTML"))
    ] = "raw",
    media: Annotated[
        str, typer.Option("--media", metavar="none|endpoint", help=say("whether files are taken", "是否接收附件"))
    ] = "none",
    max_title: Annotated[
        int | None, typer.Option("--max-title", help=say("characters of a title", "标题最多字符数"))
    ] = None,
    max_body: Annotated[int | None, typer.Option("--max-body", help=say("bytes of a text", "正文最多字节数"))] = None,
    without: Annotated[
        list[str] | None, typer.Option("--without", metavar="drafts|unpublish|delete|notice", help=say(
            "what it can't do (again for more)", "不支持的功能（可重复）"))
    ] = None,
) -> None:
    from syncd.cli.fakecms import Request, run

    switches = {"unique": unique, "conditional_update": conditional_update, "lookup": lookup, "html": html, "media": media,
                "max_title": max_title, "max_body": max_body, **dict.fromkeys(without or (), False)}
    run(Request(port, state, faults, seed, latest, switches), lambda line: typer.echo(printable(line)))


@app.command(help=say("List the installed adapters and kinds of sources.", "列出已安装的适配器和来源种类。"))
def adapters(
    tests: Annotated[bool, typer.Option("--tests", help=say("show those of the test kit too", "也显示测试用的"))] = False,
    as_json: AsJson = False,
) -> None:
    from syncd.cli import show
    from syncd.cli.installed import installed

    rows = installed(tests=tests)
    tell(rows, show.plugins, as_json=as_json)
    leave(1 if any(row["problem"] for row in rows) else 0)


@adapter.command(
    help=say(
        "Run the contract of adapters on a configured site, in a column for tests, and write a certificate.",
        "在已配置的站点（测试栏目）上运行适配器契约测试，并写出证书。",
    )
)
def conform(
    context: typer.Context,
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help=say("the configuration", "配置文件"))],
    column: Annotated[str, typer.Option("--column", help=say("where it may post and withdraw", "供测试的栏目"))],
    site: Annotated[str, typer.Option("--site", help=say("which site, if there are several", "站点名称（有多个时必填）"))] = "",
    editor: Annotated[
        str, typer.Option("--editor", metavar="SITE", help=say(
            "the same CMS with another account, which plays the local editor", "同一系统另一账号的站点，充当本地编辑"))
    ] = "",
    pages: Annotated[
        bool, typer.Option("--pages", help=say("look at the public pages too", "同时查看公开页面"))
    ] = False,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help=say("where the certificate goes", "证书输出目录"))
    ] = Path(),
    as_json: AsJson = False,
) -> None:
    from syncd.cli import show
    from syncd.cli.conform import Request
    from syncd.cli.conform import conform as run

    now = doors_of(context).now
    request = Request(config, column, site, editor, out, pages=pages)
    facts = run(request, now, lambda line: typer.echo(printable(line), err=True))
    tell(facts, show.certificate, as_json=as_json)
    leave(0 if facts["ok"] else 1)


@adapter.command(
    "new",
    help=say(
        "Make a package with an adapter to begin with, whose tests pass at once.",
        "生成一个适配器软件包，其测试立即可以通过。",
    ),
)
def new_adapter(
    name: Annotated[str, typer.Argument(metavar="NAME", help=say("what operators will write", "配置中使用的名称"))],
    folder: Annotated[
        Path | None, typer.Option("--dir", metavar="DIR", help=say(
            "where (default: ./syncd-NAME)", "位置（默认 ./syncd-NAME）"))
    ] = None,
    as_json: AsJson = False,
) -> None:
    from syncd.adapters.registry import installed
    from syncd.cli import show
    from syncd.testing import scaffolding

    scaffolding.refuse_name(name, installed())
    where = folder or Path(f"syncd-{name.replace('_', '-')}")
    files = scaffolding.make(name, where)
    tell({"name": name, "folder": str(where), "files": [str(file) for file in files]}, show.scaffold, as_json=as_json)


@source.command(
    help=say(
        "Look at an address or a file and print a [[sources]] block that reads it.",
        "查看网址或文件，输出能读取它的 [[sources]] 配置。",
    )
)
def new(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="URL-or-FILE", help=say("the list", "列表"))],
    as_json: AsJson = False,
    url: Annotated[
        str, typer.Option("--url", help=say("of a file: where it came from", "文件来自哪个网址"))
    ] = "",
    name: Annotated[
        str, typer.Option("--name", help=say("the source's name (default: its host's)", "来源名称（默认取自域名）"))
    ] = "",
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help=say("private addresses too", "允许内网地址"))
    ] = False,
) -> None:
    import asyncio

    from syncd.cli import show
    from syncd.cli.source import Request, propose

    doors = doors_of(context)
    request = Request(what, url=url, name=name, allow_private=allow_private)
    facts = asyncio.run(propose(request, now=doors.now, monotonic=doors.monotonic))
    tell(facts, show.proposal, as_json=as_json)
    leave(0 if facts["ok"] else 1)


@db.command(help=say("Bring the database to this version's form.", "把数据库升级到当前版本的结构。"))
def upgrade(context: typer.Context, config: ConfigPath = DEFAULT, as_json: AsJson = False) -> None:
    from syncd.cli import show

    facts = doors_of(context).upgrade(config)
    tell(facts, lambda f: show.line(f"{f['database']}: {say('up to date', '已是最新')}"), as_json=as_json)


@db.command(help=say("Write a consistent copy of the database while it runs.", "在运行中写出一份一致的数据库副本。"))
def backup(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="FILE", help=say("file to write", "输出文件"))],
    config: ConfigPath = DEFAULT, as_json: AsJson = False,
) -> None:
    from syncd.cli import files, show

    target = path.absolute()
    facts = files.carried(at_desk(context, config, lambda desk: desk.backup(str(target))), target)
    tell(facts, lambda f: show.line(str(f["path"])), as_json=as_json)


@relay.callback()
def _relay(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        serve(context, Path(os.environ.get("SYNCD_CONFIG", DEFAULT)))


@relay.command(
    help=say(
        "Serve the relay and read nothing, until stopped; a running daemon with [relay].listen serves it itself.",
        "只提供中继服务而不读取，直到停止；设有 [relay].listen 的守护进程自行提供。",
    )
)
def serve(context: typer.Context, config: ConfigPath = DEFAULT) -> None:
    leave(doors_of(context).run_relay(config))


@relay.command(
    help=say("Make a key: the file is for here, what it prints for the others.", "生成密钥：文件自留，输出的公钥交给对方。")
)
def keygen(
    path: Annotated[Path, typer.Argument(metavar="FILE", help=say("file for the private key", "私钥文件"))],
    as_json: AsJson = False,
) -> None:
    from syncd.cli import relay as relaying
    from syncd.cli import show

    tell(relaying.keygen(path), lambda f: show.line(f["public_key"]), as_json=as_json)


@relay.command(
    help=say(
        "Write the relay and a status file into a folder, for a disc or a gap; what is there is not written again.",
        "把中继和状态文件写入文件夹，供光盘、网闸摆渡；已有的不重写。",
    )
)
def export(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help=say("folder to write", "输出文件夹"))],
    config: ConfigPath = DEFAULT, as_json: AsJson = False,
) -> None:
    from syncd.cli import relay as relaying
    from syncd.cli import show

    tell(relaying.export(at_desk(context, config, lambda desk: desk.relay()), folder), show.exported, as_json=as_json)


@relay.command(
    name="status",
    help=say(
        "Print what another instance's export says of its reposts, once its seal is proved.",
        "核验签名后，显示对方导出的转载情况。",
    ),
)
def relay_status(
    place: Annotated[Path, typer.Argument(metavar="DIR", help=say("its folder, or its status file", "其文件夹或状态文件"))],
    key: Annotated[
        list[str] | None,
        typer.Option("--key", help=say("its public key (default: [relay].trusted)", "其公钥（默认取 [relay].trusted）")),
    ] = None,
    config: ConfigPath = DEFAULT, as_json: AsJson = False,
) -> None:
    from syncd.cli import relay as relaying
    from syncd.cli import show

    tell(relaying.status(place, key or (), config), show.returned, as_json=as_json)
