"""The words of the report in both languages, the same keys in each."""

from __future__ import annotations

from collections.abc import Mapping

ZH: Mapping[str, str] = {
    "title": "{month} 政策文件转载情况报告",
    "asof": "统计区间 {since} 至 {until}({zone}),生成于 {generated}",
    "partial": "本月尚未结束,数字截至生成时刻",
    "summary": "汇总",
    "empty": "本月没有应转载的文件。",
    "watched": "监测照常:{sources} 个来源共读取 {reads} 次,失败 {failed} 次,有效监测 {share}。",
    "unwatched": "本月没有监测记录,不能断定没有新文件。",
    "total": "转载合计", "obliged": "应转载", "reposted": "已转载", "in_limit": "时限内", "late": "超时",
    "missing": "逾期未转", "indeterminate": "无法判定", "open": "时限未到", "excused": "免计", "withdrawn": "来源撤回",
    "timeliness": "及时率", "coverage": "覆盖率", "fidelity": "一致率", "watch": "监测率",
    "median": "用时中位数", "p90": "用时九成位", "longest": "最长用时", "night": "夜间发布(18:00-08:00)",
    "lags": "用时构成", "lag": "环节", "lag_total": "合计", "lag_longest": "最长", "lag_known": "已知件数",
    "blamed": "超时归因件数", "unblamed": "未能归因",
    "lag_source": "来源", "lag_detection": "发现", "lag_reading": "读取", "lag_approval": "审批", "lag_cms": "系统写入",
    "lag_people": "人工转载",
    "lag_publishing": "发布可见",
    "sites": "各站点", "site": "站点", "sources": "来源监测", "source": "来源", "reads": "读取次数",
    "failed": "失败次数", "blind": "最长盲区", "blind_from": "盲区起于",
    "items": "转载明细", "id": "编号", "document": "文件编号", "name": "标题", "column": "栏目", "url": "转载地址",
    "published": "来源发布", "published_by": "发布时间出自",
    "detected": "发现", "seen": "公开可见", "due": "时限截止", "latency": "用时",
    "latency_s": "用时(秒)", "outcome": "结果", "blame": "归因", "reason": "说明", "status": "状态",
    "faithful": "与来源一致", "yes": "是", "no": "否", "figure": "指标", "value": "数值", "of": "{count} / {of}",
    "at_least": "至少 {least}", "between": "{least} 至 {most}", "days": "{n} 天 {rest}", "nothing": "无",
    "up_to": "{least}(若无法判定者均及时则为 {most})",
}

EN: Mapping[str, str] = {
    "title": "Reposts of policy documents, {month}",
    "asof": "From {since} to {until} ({zone}), made at {generated}",
    "partial": "The month is not over; figures are as of the time given",
    "summary": "Summary",
    "empty": "No document had to be reposted this month.",
    "watched": "It was watched {share} of the time (sources: {sources}, reads: {reads}, failed: {failed}).",
    "unwatched": "There is no record of watching this month, so nobody can say that there was nothing new.",
    "total": "Reposts in all", "obliged": "Obliged", "reposted": "Reposted", "in_limit": "In time", "late": "Late",
    "missing": "Missing", "indeterminate": "Indeterminate", "open": "Still in time", "excused": "Excused",
    "withdrawn": "Withdrawn at source",
    "timeliness": "Timeliness", "coverage": "Coverage", "fidelity": "Fidelity", "watch": "Watch",
    "median": "Median latency", "p90": "90th percentile", "longest": "Longest latency",
    "night": "Published at night (18:00-08:00)",
    "lags": "Where the time went", "lag": "Part", "lag_total": "Total", "lag_longest": "Longest",
    "lag_known": "Known for", "blamed": "Late because of it", "unblamed": "Nobody's",
    "lag_source": "Source", "lag_detection": "Detection", "lag_reading": "Reading", "lag_approval": "Approval",
    "lag_cms": "CMS", "lag_people": "Posting by hand", "lag_publishing": "Publishing",
    "sites": "Sites", "site": "Site", "sources": "Watch of the sources", "source": "Source", "reads": "Reads",
    "failed": "Failed", "blind": "Longest blind", "blind_from": "Blind from",
    "items": "Reposts", "id": "No.", "document": "Document", "name": "Title", "column": "Column", "url": "Address",
    "published": "Published", "published_by": "Published according to",
    "detected": "Detected", "seen": "Visible", "due": "Due", "latency": "Latency",
    "latency_s": "Latency (s)", "outcome": "Outcome", "blame": "Fault", "reason": "Why", "status": "Status",
    "faithful": "Same as source", "yes": "yes", "no": "no", "figure": "Figure", "value": "Value",
    "of": "{count} of {of}",
    "at_least": "at least {least}", "between": "{least} to {most}", "days": "{n} d {rest}", "nothing": "none",
    "up_to": "{least} ({most} if all indeterminate ones were in time)",
}

CATALOGUE: Mapping[str, Mapping[str, str]] = {"zh": ZH, "en": EN}
