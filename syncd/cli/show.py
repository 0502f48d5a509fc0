"""What the commands print: tables with the right widths for Chinese, or JSON; text from outside is never markup."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from syncd.cli.words import counted, moment, printable, say, span, term
from syncd.core.amounts import size

Facts = Mapping[str, Any]
_COLOURS = {
    "visible": "green", "met": "green", "ok": "green", "running": "green", "sent": "cyan", "breached": "red",
    "held": "yellow", "parked": "yellow", "edited": "yellow", "gone": "yellow", "in_doubt": "yellow", "broken": "red",
    "stopped": "red", "idle": "yellow", "indeterminate": "yellow",
}
_PIPE_WIDTH = 160


def console() -> Console:
    """For stdout as it is now; wide where it is no terminal, so that a pipe cuts nothing."""
    width = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else _PIPE_WIDTH
    return Console(file=sys.stdout, width=width, highlight=False, markup=False, emoji=False)


def as_json(value: object) -> None:
    """JSON for scripts and people: Chinese readable where the terminal can, everything unprintable escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    if "utf" not in (sys.stdout.encoding or "").lower():
        text = json.dumps(value, ensure_ascii=True, indent=2, default=str)
    print("".join(c if c == "\n" or c.isprintable() else json.dumps(c)[1:-1] for c in text))


def line(text: str, style: str = "") -> None:
    """One line, whatever it holds."""
    console().print(Text(printable(text), style=style), soft_wrap=True)


def word(value: object) -> Text:
    """One of syncd's own words, translated and coloured."""
    raw = "" if value is None else str(value)
    return Text(term(raw), style=_COLOURS.get(raw, ""))


def table(title: str, heads: Sequence[str], rows: Iterable[Sequence[Text | str]], *, wide: Sequence[int] = ()) -> None:
    """A table, nothing where there are no rows. wide: columns that may fold; the others keep to one line."""
    body = list(rows)
    if not body:
        return
    made = Table(
        title=title or None, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False
    )
    for index, head in enumerate(heads):
        made.add_column(head, overflow="fold", no_wrap=index not in wide, ratio=1 if index in wide else None)
    for row in body:
        made.add_row(*(c if isinstance(c, Text) else Text(printable(c) or "-") for c in row))
    console().print(made)
    console().print()


def reposts(rows: Sequence[Facts]) -> None:
    """The list of reposts."""
    if not rows:
        line(say("No reposts.", "没有转载。"))
        return
    heads = [
        "ID", say("title", "标题"), say("site / column", "站点 / 栏目"), say("status", "状态"),
        say("published", "发布"), say("latency", "用时"), say("verdict", "判定"), say("reason", "原因"),
    ]
    table("", heads, (_repost(row) for row in rows), wide=(1, 7))


def exported(facts: Facts) -> None:
    """What an export wrote."""
    line(say(
        f"{facts['path']}: issue {facts['serial']}, {counted(facts['documents'], 'document')}, "
        f"{counted(facts['written'], 'file')} written, {facts['unchanged']} there already; feed and status renewed",
        f"{facts['path']}：第 {facts['serial']} 期，{facts['documents']} 个文件，写入 {facts['written']} 项，"
        f"已有 {facts['unchanged']} 项；列表和状态文件已更新",
    ))
    if facts["missing"]:
        line(say(f"{counted(facts['missing'], 'file')} no longer kept", f"{facts['missing']} 项已不再保存"), style="yellow")


def returned(facts: Facts) -> None:
    """What another instance tells of its reposts."""
    line(say(f"{facts['by']}, as of {moment(facts['issued'])}", f"{facts['by']}，截至 {moment(facts['issued'])}"))
    reposts(facts["reposts"])


def _repost(row: Facts) -> list[Text | str]:
    return [
        str(row.get("id", "")), str(row.get("title", "")), f"{row.get('site', '')} / {row.get('column', '')}",
        word(row.get("status")), moment(row.get("published")), _latency(row),
        word(row.get("verdict")), str(row.get("reason") or ""),
    ]


def status(facts: Facts) -> None:
    """The overview: what runs, what was read, what needs a person and which command helps."""
    _headline(facts)
    _sources(facts.get("sources", []))
    _sites(facts.get("sites", []))
    attention(facts.get("attention", []))


def _headline(facts: Facts) -> None:
    counts, state = facts.get("counts", {}), "running" if facts.get("running") else "idle"
    console().print(Text.assemble("syncd ", printable(facts.get("version", "")), "  ", word(state)))
    if facts.get("as_of") != facts.get("now"):
        line(say("as of ", "截至 ") + moment(facts["as_of"]) + say("; nothing has changed since", "，此后没有变化"))
    told = [
        (say("documents", "文件"), "documents"), (say("reposts", "转载"), "reposts"), (say("open", "未完成"), "open"),
        (say("to read", "待读"), "pending"), (say("held", "搁置"), "held"),
        (say("need a person", "待人处理"), "attention"),
    ]
    line("  ".join(f"{label} {counts.get(key, 0)}" for label, key in told))
    verdicts = {name: count for name, count in facts.get("verdicts", {}).items() if count}
    if verdicts:
        line("  ".join(f"{term(name)} {count}" for name, count in verdicts.items()))
    for problem in facts.get("problems", []):
        line(f"{problem.get('where', '')} {_trouble(problem)}".strip(), "red")
    console().print()


def _sources(rows: Sequence[Facts]) -> None:
    heads = [
        say("source", "来源"), say("last good read", "最近成功读取"), say("next", "下次"), say("watched", "监视"),
        say("bytes", "流量"), say("held", "搁置"), say("trouble", "问题"),
    ]
    cells: list[list[Text | str]] = [
        [str(r.get("name")), moment(r.get("good")), _coming(r), _share(r.get("watched_share")), _size(r.get("bytes")),
         str(r.get("held") or ""), _trouble(r)]
        for r in rows
    ]
    pushes = [_push(r.get("push") or {}) for r in rows]
    if any(pushes):
        heads.insert(4, say("push", "推送"))
        cells = [[*row[:4], push, *row[4:]] for row, push in zip(cells, pushes, strict=True)]
    table(say("Sources", "来源"), heads, cells, wide=(2, len(heads) - 1))


def _push(told: Facts) -> str:
    """Nothing where no hub is named or wanted."""
    state = str(told.get("state", "off"))
    return "" if state in ("off", "none") else term(f"push_{state}")


def _coming(row: Facts) -> str:
    """When it is read next, and why then where that is not its interval's doing."""
    why = term(row.get("why")) if row.get("why") else ""
    return f"{moment(row.get('next'))} {why}".rstrip()


def _size(count: object) -> str:
    """Bytes in binary units."""
    return size(count) if isinstance(count, int) else "-"


def _share(value: object) -> str:
    """Never rounded up to a hundred that was not reached."""
    return f"{int(value * 1000) / 10:.1f} %" if isinstance(value, (int, float)) else "-"


def _sites(rows: Sequence[Facts]) -> None:
    heads = [
        say("site", "站点"), say("adapter", "适配器"), say("state", "状态"), say("queue", "待发"),
        say("visible", "已见"), say("trouble", "问题"),
    ]
    cells: list[list[Text | str]] = [
        [str(r.get("name")), str(r.get("adapter", "")), word(r.get("state")), _queue(r),
         str(r.get("visible", "")), _trouble(r)]
        for r in rows
    ]
    table(say("Sites", "站点"), heads, cells, wide=(5,))


def _queue(row: Facts) -> str:
    """Of an observed site: what people have to post."""
    return str(row.get("queue", "")) if row.get("posts", True) else f"{term('awaited')} {row.get('awaited', 0)}"


def attention(rows: Sequence[Facts]) -> None:
    """What needs a person: each with its reason and what to do."""
    heads = [
        say("what", "事项"), "ID", say("title", "标题"), say("since", "自"), say("reason and what to do", "原因与处理"),
    ]
    cells: list[list[Text | str]] = [
        [word(r.get("kind")), str(r.get("id", "")), str(r.get("title") or ""), moment(r.get("since")),
         _trouble(r)]
        for r in rows
    ]
    table(say("Needs a person", "待人处理"), heads, cells, wide=(2, 4))


def _trouble(row: Facts) -> str:
    return ": ".join(str(part) for part in (row.get("reason"), row.get("hint")) if part)


def story(facts: Facts) -> None:
    """One repost's whole story: each look, each decision with its reason, what comes next and when."""
    _about(facts)
    heads = [say("when", "时间"), say("what", "发生了什么"), say("rev.", "版本"), say("by", "由谁"), say("why", "原因")]
    table(say("Story", "经过"), heads, (_event(e) for e in facts.get("events", [])), wide=(4,))
    lags = {name: seconds for name, seconds in facts.get("lags", {}).items() if seconds}
    if lags:
        line(say("Lag: ", "耗时：") + say(", ", "，").join(f"{term(name)} {span(s)}" for name, s in lags.items()))
    if facts.get("blame"):
        line(say("Most of it: ", "主要在：") + term(facts["blame"]))
    _next(facts.get("next") or {})


def _about(facts: Facts) -> None:
    repost, document = facts.get("repost", {}), facts.get("document", {})
    line(f"#{repost.get('id')}  {repost.get('title') or document.get('title', '')}", "bold")
    line(f"{repost.get('site', '')} / {repost.get('column', '')}")
    why = printable(facts.get("verdict_reason") or "")
    console().print(
        Text.assemble(
            say("status ", "状态 "), word(repost.get("status")), say("   verdict ", "   判定 "),
            word(repost.get("verdict")), f" ({why})" if why else "",
            say("   latency ", "   用时 "), _latency(repost),
        ),
        soft_wrap=True,
    )
    marks = repost.get("marks") or {}
    words = [f"{term(name)} {marks.get(name, 0)}" for name in ("wanted", "approved", "sent", "seen")]
    line(say("marks: ", "进度：") + " >= ".join(words))
    for label, value in _details(facts, repost, document):
        if value:
            line(f"{label}: {value}")
    console().print()


def _details(facts: Facts, repost: Facts, document: Facts) -> list[tuple[str, str]]:
    limit = facts.get("deadline") or {}
    due = f"{moment(limit['due'])} ({span(limit.get('limit_s'))} {limit.get('basis', '')})" if limit.get("due") else ""
    latest = (facts.get("revisions") or [{}])[-1]
    return [
        (say("published at source", "来源发布"), _published(document.get("published"))),
        (say("known as", "别名"), ", ".join(document.get("aliases", []))),
        (say("other titles", "其他标题"), "; ".join(document.get("names", []))),
        (say("status at source", "效力"), str(document.get("validity") or "")),
        *((term(f"{r['way']}.{r['bond']}"), _other(r)) for r in document.get("relations", [])),
        (say("source", "来源"), str(document.get("url") or "")), (say("page", "页面"), str(repost.get("url") or "")),
        (say("text and files", "正文与附件"), str(latest.get("fidelity") or "")),
        (say("deadline", "期限"), due), (say("trouble", "问题"), _trouble(repost)),
    ]


def _published(told: Any) -> str:
    """The earliest public instant, and by which list it is known."""
    source = told.get("source") if isinstance(told, Mapping) else ""
    return moment(told) + (f" ({source})" if source else "")


def _other(relation: Facts) -> str:
    """Another document by what is told of it, with its number in this state."""
    number = say(f"document {relation['document']}", f"文件 {relation['document']}") if relation.get("document") else ""
    return "  ".join(filter(None, (relation.get("title"), relation.get("number"), number, relation.get("url"))))


def _latency(row: Facts) -> str:
    least, most = row.get("latency_s"), row.get("latency_max_s")
    return span(least) if most is None or most == least else span([least, most])


def _event(event: Facts) -> list[Text | str]:
    at = {"value": event.get("at"), "precision": event.get("precision", "")}
    detail = event.get("detail") or {}
    why = [str(event.get("reason") or ""), *(f"{key}={value}" for key, value in detail.items() if value)]
    return [
        moment(at), word(event.get("kind")), str(event.get("revision") or ""), str(event.get("actor") or ""),
        " ".join(part for part in why if part),
    ]


def _next(coming: Facts) -> None:
    what = term(coming.get("step")) or say("nothing, unless something changes", "无，除非有变化")
    when = f" {say('at', '于')} {moment(coming['at'])}" if coming.get("at") else ""
    trouble = _trouble(coming)
    line(say("Next: ", "接下来：") + what + when + (f" ({trouble})" if trouble else ""), "bold")


def checks(facts: Facts) -> None:
    """What `check` tried, and what a firewall must let pass."""
    for item in facts.get("items", []):
        mark = say("ok  ", "正常") if item.get("ok") else say("FAIL", "失败")
        line(f"{mark} {item.get('name', '')}: {item.get('detail', '')}", "" if item.get("ok") else "red")
        if item.get("hint"):
            line(f"     -> {item['hint']}")
    heads = [say("host", "主机"), say("port", "端口"), say("why", "用途")]
    rows = ([str(a.get("host")), str(a.get("port")), str(a.get("why", ""))] for a in facts.get("outgoing", []))
    for warning in facts.get("warnings", []):
        line(f"{say('note', '注意')} {warning}", "yellow")
    console().print()
    title = say("Outgoing connections that a firewall must let pass", "防火墙须放行的出站连接")
    table(title, heads, rows, wide=(2,))


def acted(facts: Facts) -> None:
    """What a person's action did."""
    if "source" in facts:
        count = facts.get("released", facts.get("dropped", 0))
        what = say("released", "放行") if "released" in facts else say("dropped", "丢弃")
        line(f"{facts['source']}: {what} {count}")
        return
    sites = "".join(f" {name}" for name in facts.get("sites", ()))
    state = term(facts.get("status"))
    if "withdrawn" in facts:
        gone = facts["withdrawn"]
        state = (say("withdrawn from", "已撤，站点：") if gone else say("to be posted again on", "将重新发布，站点：")) + sites
    line(f"#{facts.get('id')}: {state} {facts.get('reason') or ''}".rstrip())


def preview(facts: Facts) -> None:
    """The post as the site would be given it."""
    for key, value in facts.items():
        if key != "html" and value not in (None, "", [], {}):
            line(f"{key}: {value if isinstance(value, (str, int)) else json.dumps(value, ensure_ascii=False)}")
    console().print()
    for part in str(facts.get("html", "")).splitlines():
        line(part)


def plugins(rows: Sequence[Facts]) -> None:
    """What is installed."""
    heads = [say("kind", "种类"), say("name", "名称"), say("package", "软件包"), say("contract", "契约版本"),
             say("guarantee", "保证等级"), say("options", "选项"), say("trouble", "问题")]
    cells = (
        [str(r["kind"]), str(r["name"]), f"{r['package']} {r['version']}".strip(), str(r["contract"] or ""),
         str(r["guarantee"] or ""), ", ".join(r["options"]), str(r["problem"] or r["warning"])]
        for r in rows
    )
    table("", heads, cells, wide=(5, 6))


def scaffold(facts: Facts) -> None:
    """What was made, and what to do with it."""
    line(say("made", "已生成") + f" {facts['folder']}: {', '.join(facts['files'])}")
    line(say("now", "接下来") + f": cd {shlex.quote(facts['folder'])} && python -m pytest")


def certificate(facts: Facts) -> None:
    """What the contract of adapters found on a site."""
    for case in facts["cases"]:
        if case["outcome"] == "failed":
            line(f"{say('failed', '未通过')}: {case['name']}: {case['reason']}")
    for reason, names in _grouped(facts["cases"]).items():
        line(f"{say('skipped', '跳过')} {len(names)}: {reason}")
    for warning in facts["warnings"]:
        line(f"{say('warning', '注意')}: {warning}")
    counts = facts["counts"]
    line(say("{} passed, {} failed, {} skipped; class {}", "通过 {}，未通过 {}，跳过 {}；等级 {}").format(
        *(counts.get(each, 0) for each in ("passed", "failed", "skipped")), facts["guarantee"]))
    line(" ".join(facts["files"]))


def _grouped(cases: Sequence[Facts]) -> dict[str, list[str]]:
    """The names of the cases that were skipped, by the reason."""
    found: dict[str, list[str]] = {}
    for case in cases:
        if case["outcome"] == "skipped":
            found.setdefault(case["reason"], []).append(case["name"])
    return found


def proposal(facts: Facts) -> None:
    """What `source new` found: the block alone, so that it can be appended to a file; else why there is none, on stderr."""
    if facts["ok"]:
        sys.stdout.write(facts["toml"])
        return
    print(say("no way to read it was found:", "没有找到读取方法："), file=sys.stderr)
    for problem in facts["problems"]:
        print(f"  {printable(problem)}", file=sys.stderr)


def listing(facts: Facts) -> None:
    """What `read` found."""
    state = say("read well", "读取成功") if facts["ok"] else say("NOT read", "读取失败")
    count = len(facts["entries"])
    head = f"{facts['source']}: {state}, {say(counted(count, 'entry', 'entries'), f'{count} 条')}"
    line(head, "bold" if facts["ok"] else "red")
    for problem in facts["problems"]:
        line(f"  {problem['where']} {problem['reason']}: {problem['hint']}".rstrip(": "), "yellow")
    if count == 1:
        _entry(facts["entries"][0])
        return
    heads = [say("published", "发布"), say("number", "文号"), say("title", "标题")]
    rows = ([moment(e["published"]), str(e["document_number"]), str(e["title"])] for e in facts["entries"])
    table("", heads, rows, wide=(2,))


def _entry(entry: Facts) -> None:
    """All that was read of a document, its times as it tells them and how much of them that is."""
    told = (
        (say("title", "标题"), entry["title"]),
        (say("issuer", "发文机关"), entry["issuer"]),
        (say("number", "发文字号"), entry["document_number"]),
        (say("index number", "索引号"), entry["index_number"]),
        (say("written", "成文日期"), f"{entry['written']} (day)" if entry["written"] else ""),
        (say("published", "发布"), _exactly(entry["published"])),
        (say("updated", "更新"), _exactly(entry["updated"])),
        (say("categories", "分类"), ", ".join(entry["categories"])),
        (say("files", "附件"), ", ".join(str(file["url"]) for file in entry["attachments"])),
        (say("address", "网址"), entry["url"]),
    )
    for name, text in told:
        line(f"  {name}: {text or '-'}")
    for bond in entry.get("relations", ()):
        line(f"  {bond['bond']}: {' '.join(filter(None, (bond['number'], bond['title'], bond['url'])))}")


def _exactly(instant: Facts | None) -> str:
    """2026-09-28 21:50:00 +08:00 (second)."""
    if not instant:
        return ""
    day, _, clock = str(instant["value"]).partition("T")
    return f"{day} {clock[:-6]} {clock[-6:]} ({instant['precision']})" if clock else f"{day} ({instant['precision']})"
