"""What syncd counts, in the words of the field; the only place that knows prometheus_client."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.core import Metric as PromMetric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
BUCKETS = (
    1, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 64800, 86400, 129600, 172800, 259200,
    604800,
)
"""Seconds; with the last two the 99th percentile beyond two days is right as well."""
SITE_STATES = ("ok", "paused", "stopped", "unchecked")


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as documented. kind: counter, gauge or histogram. help: English, one sentence. zh: the same."""

    name: str
    kind: str
    labels: tuple[str, ...]
    help: str
    zh: str


CATALOGUE = (
    Metric("syncd_polls_total", "counter", ("source", "outcome"),
           "Reads of a list; outcome is changed, unchanged or the reason of the failure.", "列表读取次数"),
    Metric("syncd_pushes_total", "counter", ("source", "outcome"),
           "Pushes of a hub; outcome is read, or why dropped: unsigned, weak_signature, wrong_signature, too_large, cut.",
           "收到的推送数"),
    Metric("syncd_push_working", "gauge", ("source",),
           "1 while a hub's pushes tell of what appears, 0 while they don't; no series where no hub is subscribed.",
           "推送是否有效"),
    Metric("syncd_entries_total", "counter", ("source", "change"),
           "Rows acted on; change is new, changed, withdrawn, relinked, old or held.", "处理的条目数"),
    Metric("syncd_source_last_good_timestamp_seconds", "gauge", ("source",),
           "When a list was last read well, 0 if never.", "来源最近一次成功读取的时刻"),
    Metric("syncd_source_watched_ratio", "gauge", ("source",),
           "Share of time with a good read younger than two intervals.", "来源被有效监视的时间占比"),
    Metric("syncd_stage_seconds", "histogram", ("stage",),
           "Lag of a document by stage: source, detection, reading, approval, cms, publishing, total.", "各阶段耗时"),
    Metric("syncd_reposts_total", "counter", ("site", "outcome", "reason"),
           "What calls to a site did: created, updated, withdrawn, seen, retry, unknown, rejected …", "转载操作结果"),
    Metric("syncd_verdicts_total", "counter", ("site", "verdict"),
           "Finished reposts by verdict on their time limit.", "按时限判定的转载数"),
    Metric("syncd_failures_total", "counter", ("stage", "reason"),
           "Failures by stage and reason.", "各阶段失败次数"),
    Metric("syncd_attention", "gauge", ("reason",),
           "Rows that wait for a person, by reason.", "待人工处理的事项"),
    Metric("syncd_open_reposts", "gauge", ("site", "status"),
           "Reposts that are not at rest, by status.", "未完成的转载"),
    Metric("syncd_oldest_open_seconds", "gauge", ("site",),
           "Age of the oldest repost that is not yet visible, 0 if none.", "最久未完成转载的时长"),
    Metric("syncd_deadline_used_ratio", "gauge", ("site",),
           "Largest share of its time limit that an open repost has used.", "未完成转载已用时限的最大比例"),
    Metric("syncd_site_state", "gauge", ("site", "state"),
           "1 for the state that a site is in: ok, paused, stopped, unchecked.", "站点状态"),
    Metric("syncd_adapter_faults_total", "counter", ("site", "reason"),
           "Failures of an adapter itself: adapter_bug, adapter_hung, adapter_blocks, adapter_died, adapter_memory.",
           "适配器自身故障次数"),
    Metric("syncd_loop_blocked_seconds_total", "counter", ("site",),
           "Seconds for which all work stood still, by the site whose adapter's code ran; empty for other code.",
           "主循环被阻塞的时长"),
    Metric("syncd_loop_lag_seconds", "gauge", (),
           "How late the loop came to its last beat: all work waits as long.", "主循环最近一次延迟"),
    Metric("syncd_clock_error_seconds", "gauge", (),
           "How wrong the clock may be, NaN if unknown.", "时钟误差"),
    Metric("syncd_network_down", "gauge", (),
           "1 while most hosts can't be reached, by the fault of our own network.", "本机网络是否中断"),
    Metric("syncd_store_writable", "gauge", (),
           "1 while the state can be written.", "状态库是否可写"),
    Metric("syncd_config_rejected", "gauge", (),
           "1 while a reload was refused and the former configuration runs on.", "新配置是否被拒绝"),
    Metric("syncd_config_loaded_timestamp_seconds", "gauge", (),
           "When the configuration that runs was loaded.", "当前配置加载时刻"),
    Metric("syncd_build_info", "gauge", ("version",), "Always 1.", "版本"),
)


class _PerSource(Collector):
    """A metric with a series per source. Thousands of them as the library's own objects would take 1 KB each.

    values: by the label beside the source ("" where there is none) and by source, so that a series needs no key of its own.
    """

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self.values: dict[str, dict[str, float]] = {}

    def of(self, label: str = "") -> dict[str, float]:
        return self.values.setdefault(label, {})

    def collect(self) -> Iterable[PromMetric]:
        shape = CounterMetricFamily if self._metric.kind == "counter" else GaugeMetricFamily
        family = shape(self._metric.name, self._metric.help, labels=self._metric.labels)
        for label, sources in self.values.items():
            for source, value in sources.items():
                family.add_metric((source, label)[: len(self._metric.labels)], value)
        return [family]


class Metrics:
    """The counters of one process, in a registry of their own."""

    def __init__(self, version: str = "") -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # two more series for each counter help nobody here
        self._registry = CollectorRegistry(auto_describe=True)
        self._counters = {m.name: Counter(m.name, m.help, m.labels, registry=self._registry) for m in _of("counter")}
        self._gauges = {m.name: Gauge(m.name, m.help, m.labels, registry=self._registry) for m in _of("gauge")}
        self._histograms = {
            m.name: Histogram(m.name, m.help, m.labels, buckets=BUCKETS, registry=self._registry)
            for m in _of("histogram")
        }
        self._per_source = {m.name: _PerSource(m) for m in CATALOGUE if m.labels[:1] == ("source",)}
        for collector in self._per_source.values():
            self._registry.register(collector)
        self._states: dict[str, str] = {}
        self._gauge("syncd_build_info", version=version).set(1)
        self.clock_error(None)
        self.store_writable(True)
        self.network_down(False)

    def poll(self, source: str, outcome: str) -> None:
        """A list was read: "changed", "unchanged", or the reason why not."""
        self._add("syncd_polls_total", source, outcome, 1)

    def push(self, source: str, outcome: str) -> None:
        """A hub pushed: "read", or why it was dropped."""
        self._add("syncd_pushes_total", source, outcome, 1)

    def push_working(self, source: str, working: bool | None) -> None:
        """None: there is no subscription."""
        values = self._per_source["syncd_push_working"].of()
        values.pop(source, None) if working is None else values.update({source: float(working)})

    def entries(self, source: str, change: str, count: int) -> None:
        """So many rows were acted on: new, changed, withdrawn, relinked, old, held."""
        self._add("syncd_entries_total", source, change, count)

    def source_last_good(self, source: str, at: datetime | None) -> None:
        named = self._per_source["syncd_source_last_good_timestamp_seconds"]
        named.of()[source] = at.timestamp() if at else 0.0

    def source_watched(self, source: str, share: float) -> None:
        """share: 0 to 1."""
        self._per_source["syncd_source_watched_ratio"].of()[source] = share

    def stage_seconds(self, stage: str, seconds: float) -> None:
        """A document passed a stage; a clock that went backwards counts as 0."""
        self._histograms["syncd_stage_seconds"].labels(stage=stage).observe(max(0.0, seconds))

    def outcome(self, site: str, outcome: str, reason: str) -> None:
        """A call to a site, or a look at it, ended."""
        self._count("syncd_reposts_total", site=site, outcome=outcome, reason=reason)

    def verdict(self, site: str, verdict: str) -> None:
        """A repost's time limit was judged; to be called once for each."""
        self._count("syncd_verdicts_total", site=site, verdict=verdict)

    def failure(self, stage: str, reason: str) -> None:
        self._count("syncd_failures_total", stage=stage, reason=reason)

    def attention(self, reasons: Mapping[str, int]) -> None:
        """Everything that waits for a person now, by reason; what is not named any more is gone."""
        self._replace("syncd_attention", [((reason,), count) for reason, count in reasons.items()])

    def open_reposts(self, counts: Mapping[tuple[str, str], int]) -> None:
        """(site, status) -> reposts that are not at rest; what is not named any more is gone."""
        self._replace("syncd_open_reposts", counts.items())

    def oldest_open(self, site: str, seconds: float) -> None:
        self._gauge("syncd_oldest_open_seconds", site=site).set(max(0.0, seconds))

    def deadline_used(self, site: str, share: float) -> None:
        """share: 0.5 is half of the limit, above 1 it is over."""
        self._gauge("syncd_deadline_used_ratio", site=site).set(share)

    def site_state(self, site: str, state: str) -> None:
        """Exactly one state of a site is 1."""
        if self._states.get(site) == state:
            return
        self._states[site] = state
        for known in dict.fromkeys((*SITE_STATES, state)):
            self._gauge("syncd_site_state", site=site, state=known).set(known == state)

    def adapter_fault(self, site: str, reason: str) -> None:
        """An adapter failed by itself."""
        self._count("syncd_adapter_faults_total", site=site, reason=reason)

    def loop_blocked(self, site: str, seconds: float) -> None:
        """All work stood still for so long, in the code of a site's adapter, or ("") elsewhere."""
        self._count("syncd_loop_blocked_seconds_total", by=seconds, site=site)

    def loop_lag(self, seconds: float) -> None:
        self._gauge("syncd_loop_lag_seconds").set(seconds)

    def clock_error(self, seconds: float | None) -> None:
        self._gauge("syncd_clock_error_seconds").set(float("nan") if seconds is None else seconds)

    def store_writable(self, writable: bool) -> None:
        self._gauge("syncd_store_writable").set(writable)

    def network_down(self, down: bool) -> None:
        self._gauge("syncd_network_down").set(down)

    def config_rejected(self, rejected: bool) -> None:
        self._gauge("syncd_config_rejected").set(rejected)

    def config_loaded(self, at: datetime) -> None:
        self._gauge("syncd_config_loaded_timestamp_seconds").set(at.timestamp())

    def render(self) -> bytes:
        """The page for Prometheus, of type CONTENT_TYPE."""
        return generate_latest(self._registry)

    def _add(self, name: str, source: str, label: str, by: float) -> None:
        values = self._per_source[name].of(label)
        values[source] = values.get(source, 0.0) + by

    def _count(self, name: str, by: float = 1, **labels: str) -> None:
        self._counters[name].labels(**labels).inc(by)

    def _gauge(self, name: str, **labels: str) -> Gauge:
        gauge = self._gauges[name]
        return gauge.labels(**labels) if labels else gauge

    def _replace(self, name: str, values: Iterable[tuple[Sequence[str], int]]) -> None:
        gauge = self._gauges[name]
        gauge.clear()
        for labels, value in values:
            gauge.labels(*labels).set(value)


def table() -> str:
    """The catalogue as the Markdown table of docs/metrics.md."""
    rows = ["| metric | type | labels | what | 含义 |", "|---|---|---|---|---|"]
    for metric in CATALOGUE:
        labels = ", ".join(metric.labels) or "-"
        rows.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help} | {metric.zh} |")
    return "\n".join(rows)


def _of(kind: str) -> list[Metric]:
    """Those of a kind that are not counted per source."""
    return [metric for metric in CATALOGUE if metric.kind == kind and metric.labels[:1] != ("source",)]
