"""What is counted, and that docs/metrics.md says the same."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from syncd.engine.deps import Meter
from syncd.metrics import BUCKETS, CATALOGUE, Metrics, table

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def page(metrics: Metrics) -> set[str]:
    return set(metrics.render().decode().splitlines())


def test_the_documented_table_is_the_catalogue() -> None:
    """Mend it with: python -c "from syncd.metrics import table; print(table())" """
    assert table() in PAGE.read_text("utf-8")
    assert " ".join(map(str, BUCKETS)) in " ".join(PAGE.read_text("utf-8").split())


def test_what_the_page_shows_is_the_catalogue_and_nothing_else() -> None:
    shown = set(re.findall(r"^# TYPE (\S+)", Metrics("1").render().decode(), re.M))
    assert shown == {metric.name for metric in CATALOGUE}


def test_the_engine_can_count_with_it() -> None:
    meter: Meter = Metrics()
    meter.poll("council", "changed")
    meter.entries("council", "new", 3)
    meter.outcome("county", "retry", "http_5xx")
    meter.failure("read", "timeout")
    meter.stage_seconds("cms", 3.0)
    meter.stage_seconds("cms", -5.0)
    meter.site_state("county", "stopped")
    assert isinstance(meter, Metrics)
    assert {
        'syncd_polls_total{outcome="changed",source="council"} 1.0',
        'syncd_entries_total{change="new",source="council"} 3.0',
        'syncd_reposts_total{outcome="retry",reason="http_5xx",site="county"} 1.0',
        'syncd_failures_total{reason="timeout",stage="read"} 1.0',
        'syncd_stage_seconds_bucket{le="1.0",stage="cms"} 1.0',
        'syncd_stage_seconds_bucket{le="5.0",stage="cms"} 2.0',
        'syncd_stage_seconds_sum{stage="cms"} 3.0',
        'syncd_site_state{site="county",state="stopped"} 1.0',
        'syncd_site_state{site="county",state="ok"} 0.0',
    } <= page(meter)


def test_what_needs_no_person_any_more_vanishes() -> None:
    metrics = Metrics()
    metrics.attention({"held": 2, "edited": 1})
    metrics.attention({"held": 1})
    metrics.open_reposts({("county", "waiting"): 4})
    metrics.open_reposts({})
    shown = page(metrics)
    assert 'syncd_attention{reason="held"} 1.0' in shown
    assert not any("edited" in line or "waiting" in line for line in shown)


def test_gauges_say_what_they_were_told() -> None:
    metrics = Metrics("0.1")
    metrics.source_last_good("council", datetime(2026, 9, 1, tzinfo=UTC))
    metrics.source_last_good("never", None)
    metrics.source_watched("council", 0.75)
    metrics.verdict("county", "met")
    metrics.oldest_open("county", 60)
    metrics.deadline_used("county", 1.5)
    metrics.clock_error(2.0)
    metrics.store_writable(False)
    metrics.config_rejected(True)
    metrics.config_loaded(datetime(1970, 1, 1, 0, 1, tzinfo=UTC))
    assert {
        'syncd_source_last_good_timestamp_seconds{source="council"} 1.7882208e+09',
        'syncd_source_last_good_timestamp_seconds{source="never"} 0.0',
        'syncd_source_watched_ratio{source="council"} 0.75',
        'syncd_verdicts_total{site="county",verdict="met"} 1.0', 'syncd_oldest_open_seconds{site="county"} 60.0',
        'syncd_deadline_used_ratio{site="county"} 1.5', "syncd_clock_error_seconds 2.0", "syncd_store_writable 0.0",
        "syncd_config_rejected 1.0", "syncd_config_loaded_timestamp_seconds 60.0",
        'syncd_build_info{version="0.1"} 1.0',
    } <= page(metrics)


def test_two_processes_worth_of_metrics_do_not_mix() -> None:
    first, second = Metrics(), Metrics()
    first.failure("read", "timeout")
    assert "timeout" not in second.render().decode()
