"""The API: the Desk's answers unchanged, failures in the same words everywhere, health that means something."""

from __future__ import annotations

import asyncio
import json

import pytest

from syncd.errors import Stale, StoreError, SyncdError
from syncd.status.api import Explanation, RepostRow, Status
from tests.status.client import Client
from tests.status.desk import NOW


@pytest.fixture
def client() -> Client:
    return Client()


def test_the_answers_are_the_desks_own(client: Client) -> None:
    assert client.ask("/api/v1/status").json() == asyncio.run(client.desk.status())
    assert client.ask("/api/v1/sources").json() == asyncio.run(client.desk.status())["sources"]
    assert client.ask("/api/v1/report?month=2026-07").json() == asyncio.run(client.desk.report("2026-07"))
    assert client.ask("/api/v1/reposts/2").json() == asyncio.run(client.desk.explain(2))


def test_reposts_can_be_narrowed_to_what_needs_a_person_and_to_a_site(client: Client) -> None:
    assert [row["id"] for row in client.ask("/api/v1/reposts?attention=true").json()] == [5, 6]
    assert client.ask("/api/v1/reposts?site=nowhere").json() == []
    assert len(client.ask("/api/v1/reposts").json()) == 7


def test_an_infinite_latency_is_null_and_not_broken_json(client: Client) -> None:
    row = next(r for r in client.ask("/api/v1/reposts").json() if r["id"] == 6)
    assert row["latency_max_s"] is None


def test_the_models_of_the_openapi_describe_what_is_sent(client: Client) -> None:
    Status.model_validate(client.ask("/api/v1/status").json())
    Explanation.model_validate(client.ask("/api/v1/reposts/7").json())
    rows = [RepostRow.model_validate(row) for row in client.ask("/api/v1/reposts").json()]
    assert not any(row.model_extra for row in rows)
    schema = client.ask("/api/v1/openapi.json").json()
    assert {"/healthz", "/readyz", "/metrics", "/api/v1/status", "/api/v1/reposts/{id}/approve"} <= set(schema["paths"])
    assert "Status" in schema["components"]["schemas"]


def test_health_is_about_life_and_readiness_about_work(client: Client) -> None:
    assert [client.ask(path).status_code for path in ("/healthz", "/readyz")] == [200, 200]
    client.desk.problems = [{"reason": "disk_full", "hint": "make room", "where": "store"}]
    assert [client.ask(path).status_code for path in ("/healthz", "/readyz")] == [200, 503]
    assert client.ask("/readyz").json()["problems"] == client.desk.problems
    client.desk.healthy = False
    assert client.ask("/healthz").status_code == 503


@pytest.mark.guarantee(5)
def test_a_store_that_is_down_is_unready_with_its_reason_but_alive(client: Client) -> None:
    client.desk.broken = StoreError("disk_full", hint="make room", where="/var/lib/syncd")
    assert client.ask("/healthz").status_code == 200
    assert client.ask("/readyz").status_code == 503
    assert client.ask("/readyz").json()["problems"] == [
        {"reason": "disk_full", "hint": "make room", "where": "/var/lib/syncd"}
    ]


def test_a_daemon_that_does_not_answer_is_not_alive(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async def stuck() -> dict[str, object]:
        await asyncio.Event().wait()
        return {}

    monkeypatch.setattr("syncd.status.routes.PATIENCE", 0.05)
    client.desk.status = stuck  # type: ignore[method-assign]
    assert client.ask("/healthz").json() == {
        "ok": False,
        "problems": [{"reason": "slow", "hint": "the daemon does not answer; look at its log", "where": ""}],
    }
    assert client.ask("/api/v1/status").json()["reason"] == "slow"


def test_metrics_are_prometheus_text(client: Client) -> None:
    answer = client.ask("/metrics")
    assert answer.content == b"syncd_up 1\n"
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StoreError("not_found"), 404),
        (SyncdError("unknown_repost"), 404),
        (StoreError("disk_full"), 503),
        (Stale("stale"), 409),
        (SyncdError("edited", hint="look first"), 409),
    ],
)
@pytest.mark.guarantee(5)
def test_each_failure_has_its_status_reason_and_hint(client: Client, error: SyncdError, status: int) -> None:
    client.desk.broken = error
    answer = client.ask("/api/v1/status")
    assert (answer.status_code, answer.json()["reason"], answer.json()["hint"]) == (status, error.reason, error.hint)


def test_a_bug_tells_nothing_of_itself(client: Client) -> None:
    client.desk.broken = KeyError("/home/operator/password")
    answer = client.ask("/api/v1/status")
    assert answer.status_code == 500
    assert "password" not in answer.text
    assert answer.json()["reason"] == "bug"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/reposts/0",
        "/api/v1/reposts/abc",
        "/api/v1/reposts/99999999999999999999",
        "/api/v1/report?month=2026-13",
        "/api/v1/report",
    ],
)
def test_a_question_that_makes_no_sense_is_refused_with_its_place(client: Client, path: str) -> None:
    answer = client.ask(path)
    assert answer.status_code == 422
    assert answer.json()["reason"] == "invalid"
    assert answer.json()["where"]


def test_a_wrong_method_says_which_are_right(client: Client) -> None:
    asked = client.ask("/api/v1/reposts/1/approve")
    assert (asked.status_code, asked.headers["allow"], asked.json()["reason"]) == (405, "POST", "method_not_allowed")
    told = client.ask("/api/v1/status", "POST", json={})
    assert (told.status_code, told.headers["allow"]) == (405, "GET")
    assert client.ask("/nowhere").json()["reason"] == "not_found"


def test_head_answers_like_get_without_a_body(client: Client) -> None:
    answer = client.ask("/healthz", "HEAD")
    assert (answer.status_code, answer.content) == (200, b"")


def test_the_report_can_be_had_as_a_spreadsheet(client: Client) -> None:
    answer = client.ask("/api/v1/report.csv?month=2026-07")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert answer.headers["content-disposition"] == 'attachment; filename="syncd-2026-07.csv"'


def test_an_approval_with_the_token_changes_the_repost(client: Client) -> None:
    answer = client.act("/api/v1/reposts/5/approve", {"actor": "王某某"})
    assert answer.json() == {"id": 5, "status": "sending", "reason": ""}
    assert client.desk.done == [("approve", 5, "王某某")]
    again = client.act("/api/v1/reposts/5/approve", {"actor": "王某某"})
    assert (again.status_code, again.json()["reason"], again.json()["where"]) == (409, "nothing_to_approve", "repost 5")


def test_every_action_reaches_the_desk_with_who_decided(client: Client) -> None:
    for path, body in {
        "reposts/1/reject": {"actor": "a", "reason": "r"},
        "reposts/1/retry": {"actor": "a", "overwrite": True},
        "reposts/1/adopt": {"actor": "a", "url": "https://c.example/1"},
        "reposts/1/withdraw": {"actor": "a", "reason": "r"},
        "sources/s/approve": {"actor": "a"},
        "sources/s/reject": {"actor": "a", "reason": "r"},
    }.items():
        assert client.act(f"/api/v1/{path}", body).status_code == 200, path
    assert client.desk.done == [
        ("reject", 1, "r", "a", None),
        ("retry", 1, True, "a"),
        ("adopt", 1, "https://c.example/1", "a"),
        ("withdraw", 1, "a", "r", False),
        ("release", "s", "a"),
        ("reject", None, "r", "a", "s"),
    ]


@pytest.mark.parametrize("body", [{}, {"actor": ""}, {"actor": "  "}, {"actor": "a", "also": 1}, [], "x"])
def test_an_action_needs_a_named_person_and_nothing_else(client: Client, body: object) -> None:
    assert client.act("/api/v1/reposts/5/approve", body).status_code == 422
    assert client.desk.done == []


def test_an_adoption_takes_web_addresses_only(client: Client) -> None:
    assert client.act("/api/v1/reposts/1/adopt", {"actor": "a", "url": "javascript:alert(1)"}).status_code == 422


def test_the_fake_tells_what_json_can_carry(client: Client) -> None:
    assert json.loads(json.dumps(asyncio.run(client.desk.status())))["now"] == NOW.isoformat().replace("+00:00", "Z")
