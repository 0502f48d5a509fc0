"""How the commands speak: Chinese or English by the locale, outside text without tricks, times and spans for people."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any


def language(environ: Mapping[str, str] | None = None) -> str:
    """ "zh" or "en", by LC_ALL, LC_MESSAGES, LANG, the first that is set."""
    known = os.environ if environ is None else environ
    first = next((known[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if known.get(name)), "")
    return "zh" if first.lower().startswith("zh") else "en"


def say(en: str, zh: str) -> str:
    """The text in the person's language."""
    return zh if language() == "zh" else en


def counted(count: int, one: str, many: str = "") -> str:
    """So many of them, in English. many: where it is not `one` with an s."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"


def printable(text: object) -> str:
    """Text from outside for a terminal: what is not printable (ESC, bidi marks, line separators) is escaped."""
    return "".join(c if c.isprintable() else _escaped(c) for c in str(text))


def _escaped(character: str) -> str:
    return " " if character in "\n\r\t" else character.encode("unicode_escape", "backslashreplace").decode()


_ZH = {
    "waiting": "待批", "held": "搁置", "sending": "待发",
    "awaited": "待人工转载", "in_doubt": "存疑", "sent": "已发", "visible": "已见",
    "parked": "停放", "withdrawn": "已撤", "edited": "被改", "gone": "不见", "met": "按时", "breached": "超时",
    "open": "进行中", "indeterminate": "无法判定", "excused": "免计", "running": "运行中", "idle": "未运行",
    "ok": "正常", "paused": "暂停", "stopped": "停止",
    "sighted": "首次看到", "revised": "读到版本", "wanted": "待转", "approved": "已批准", "rejected": "已否决",
    "released": "已放行", "intent": "开始发布", "resolved": "已查清", "look_bad": "查看：未见",
    "look_good": "查看：正常",
    "seen": "已见", "adopted": "已认领", "retried": "已重试", "published": "来源发布",
    "source": "来源", "detection": "发现", "reading": "读取", "approval": "审批", "cms": "发布系统", "people": "人工转载",
    "publishing": "上线", "send": "发布", "verify": "查看公开页面", "advance": "推进进度", "resolve": "到发布系统查找",
    "rest": "等待",
    "park": "等人处理", "repost": "转载", "entry": "条目", "document": "文件", "site": "站点",
    "unchecked": "未检查",
    "push_asked": "待确认", "push_unproven": "尚无推送", "push_working": "有效", "push_silent": "无推送", "push_denied": "被拒",
    "push_failing": "失败", "push_lost": "失效",
    "tells.interprets": "解读", "tells.repeals": "废止", "tells.amends": "修改", "tells.corrects": "更正",
    "tells.replaces": "替代", "told.interprets": "解读见", "told.repeals": "废止于", "told.amends": "修改于",
    "told.corrects": "更正于", "told.replaces": "替代者",
    "quiet": "（平时无更新的时段）", "ttl": "（列表要求）", "skip": "（列表要求此时不读）", "backoff": "（失败后重试）",
    "retry_after": "（对方要求暂停）", "network_down": "（本机网络中断）",
}
_EN = {
    "in_doubt": "in doubt", "look_bad": "looked: not there", "look_good": "looked: fine", "intent": "send begins",
    "revised": "revision read", "cms": "CMS",
    "people": "posting by hand", "sighted": "first sighted", "published": "published at source",
    "verify": "look at the public page", "resolve": "look in the CMS", "rest": "wait",
    "park": "wait for a person", "advance": "move the marks",
    "push_asked": "asked", "push_unproven": "no push yet", "push_working": "working", "push_silent": "silent",
    "push_denied": "denied", "push_failing": "failing", "push_lost": "ended",
    "tells.interprets": "explains", "tells.repeals": "repeals", "tells.amends": "amends",
    "tells.corrects": "corrects", "tells.replaces": "replaces", "told.interprets": "explained by",
    "told.repeals": "repealed by", "told.amends": "amended by", "told.corrects": "corrected by",
    "told.replaces": "replaced by",
    "quiet": "(quiet hours)", "ttl": "(the list asks for it)", "skip": "(the list's own rest)",
    "backoff": "(after failures)", "retry_after": "(asked to pause)", "network_down": "(our network is down)",
}


def term(word: object) -> str:
    """A word of syncd's own (status, verdict, event, stage) in the person's language."""
    text = str(word or "")
    return (_ZH if language() == "zh" else _EN).get(text, text)


def span(seconds: object) -> str:
    """Seconds as two units: "2 h 5 min" or "2小时5分"; a pair is a range; "-" for None."""
    if isinstance(seconds, (list, tuple)) and len(seconds) == 2:
        return f"{span(seconds[0])} - {span(seconds[1])}"
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or seconds != seconds:
        return "-"
    if seconds in (float("inf"), float("-inf")):
        return say("unknown", "不详")
    sign, rest = ("-", -seconds) if seconds < 0 else ("", seconds)
    return sign + _units(round(rest))


def _units(rest: int) -> str:
    sizes = (86400, 3600, 60, 1)
    names = (say(" d", "天"), say(" h", "小时"), say(" min", "分"), say(" s", "秒"))
    parts = []
    for size, name in zip(sizes, names, strict=True):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{name}")
    return say(" ", "").join(parts[:2]) or f"0{names[-1]}"


def moment(value: Any) -> str:
    """An ISO time, or {"value", "precision"}, as local time; a day stays a day; "-" for nothing."""
    precision = ""
    if isinstance(value, Mapping):
        precision, value = str(value.get("precision", "")), value.get("value", value.get("at"))
    if not value:
        return "-"
    text = str(value)
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        return printable(text)
    if precision == "day" or len(text) <= 10:
        return text[:10]  # as it is written, in its own zone: in another it might be the day before
    form = "%Y-%m-%d %H:%M" if precision == "minute" else "%Y-%m-%d %H:%M:%S"
    return local.astimezone().strftime(form)
