"""The git adapter over a real smart HTTP server: log-in, lost answers, refusals; no secret where anybody could read it."""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncd.adapters.git import GitAdapter
from syncd.errors import AdapterError, AuthFailed, NotApplied, RateLimited, Rejected, Unknown
from syncd.model import RemoteState, Wrote
from tests.adapters.git.kit import OTHER, Site, post, secret
from tests.adapters.git.server import TOKEN, USER, Fate, GitServer, serving

PUBLIC = RemoteState.PUBLIC


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture
def server(site: Site) -> Iterator[GitServer]:
    with serving(site.root) as running:
        yield running


def adapter_of(site: Site, server: GitServer, **options: Any) -> GitAdapter:
    told = {"repository": f"{server.url}/site.git", "local": False, "token": secret(TOKEN), **options}
    return site.adapter(**told)


def at(step: str, fate: Fate) -> Any:
    """That fate for the first request that has this in its address; "" for all others."""
    left = [fate]

    def told(method: str, path: str) -> Fate:
        return left.pop() if step in f"{method} {path}" and left else ""

    return told


WRITES = "POST /site.git/git-receive-pack"
ASKS = "service=git-receive-pack"
READS = "service=git-upload-pack"


def test_a_page_is_made_found_and_changed_with_the_token(site: Site, server: GitServer) -> None:
    async def whole() -> None:
        adapter = adapter_of(site, server)
        assert (await adapter.check()).ok
        made = await adapter.create(post(), PUBLIC)
        assert await adapter.find(post().key) == made.ref
        assert (await adapter.update(made.ref, post(revision=2, html=OTHER), PUBLIC, made.ref.version)).outcome is Wrote.UPDATED

    asyncio.run(whole())
    assert len(site.pages()) == 1


def test_a_write_contacts_the_server_for_nothing_but_the_push(site: Site, server: GitServer) -> None:
    async def whole() -> None:
        adapter = adapter_of(site, server)
        await adapter.find("k")
        server.asked.clear()
        await adapter.create(post(), PUBLIC)

    asyncio.run(whole())
    assert [line.partition("/site.git")[2] for line in server.asked] == [
        "/info/refs?service=git-receive-pack", "/git-receive-pack"]


@pytest.mark.guarantee(2)
@pytest.mark.parametrize(("fate", "there"), [("before", 0), ("after", 1), ("half", 1), ((500, ""), 0), ((502, ""), 0)])
def test_a_push_without_its_answer_is_unknown_and_a_look_settles_it(
    site: Site, server: GitServer, fate: Fate, there: int,
) -> None:
    async def whole() -> None:
        adapter = adapter_of(site, server)
        server.fate = at(WRITES, fate)
        with pytest.raises(Unknown):
            await adapter.create(post(), PUBLIC)
        assert len(site.pages()) == there
        assert ((await adapter.find(post().key)) is not None) == bool(there)
        if not there:
            await adapter.create(post(), PUBLIC)

    asyncio.run(whole())
    assert len(site.pages()) == 1


@pytest.mark.parametrize(("step", "fate", "error", "reason"), [
    (ASKS, "before", NotApplied, "connect"), (ASKS, (503, "Retry-After: 9"), NotApplied, "server_error"),
    (ASKS, (429, ""), RateLimited, "rate_limited"), (ASKS, (403, ""), AuthFailed, "forbidden"),
    (ASKS, (404, ""), AuthFailed, "no_repository"), (ASKS, (302, "Location: http://evil.example/"), AuthFailed, "moved"),
    (WRITES, (413, ""), Rejected, "too_large"), (WRITES, (403, ""), AuthFailed, "forbidden"),
    (WRITES, (429, ""), RateLimited, "rate_limited"),
    (READS, "before", NotApplied, "connect"), (READS, (500, ""), NotApplied, "server_error"),
    (READS, (429, ""), RateLimited, "rate_limited"), (READS, (401, ""), AuthFailed, "not_logged_in"),
])
def test_what_a_server_refuses_is_sorted_by_what_to_do(
    site: Site, server: GitServer, step: str, fate: Fate, error: type[AdapterError], reason: str,
) -> None:
    server.fate = at(step, fate)
    with pytest.raises(error) as refused:
        asyncio.run(adapter_of(site, server).create(post(), PUBLIC))
    assert (type(refused.value), refused.value.reason) == (error, reason)
    assert refused.value.hint
    assert TOKEN not in str(refused.value)
    assert site.pages() == []


@pytest.mark.parametrize("token", [secret("wrong"), None])
def test_a_wrong_token_is_no_empty_repository(site: Site, server: GitServer, token: Any) -> None:
    with pytest.raises(AuthFailed) as refused:
        asyncio.run(adapter_of(site, server, token=token).find("k"))
    assert refused.value.reason == "not_logged_in"


def test_a_server_that_is_not_there_is_tried_again(site: Site, server: GitServer) -> None:
    adapter = adapter_of(site, server, repository="http://127.0.0.1:9/site.git")
    with pytest.raises(NotApplied) as failed:
        asyncio.run(adapter.find("k"))
    assert failed.value.reason == "connect"


def test_the_token_stands_on_no_command_line_in_no_file_and_in_no_text(
    site: Site, server: GitServer, monkeypatch: pytest.MonkeyPatch,
) -> None:
    started = asyncio.create_subprocess_exec
    lines: list[str] = []
    told: dict[str, bool] = {}
    login = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()

    async def seen(*words: str, **more: Any) -> Any:
        lines.append(" ".join(words))
        told[words[1]] = login in repr(more["env"])
        return await started(*words, **more)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", seen)
    adapter = adapter_of(site, server)
    asyncio.run(adapter.create(post(), PUBLIC))
    assert lines
    assert TOKEN not in "\n".join(lines)
    assert {name for name, is_told in told.items() if is_told} == {"fetch", "push"}, "no git that stays here is told the token"
    assert {"fast-import", "ls-tree"} <= told.keys()
    assert TOKEN not in repr(adapter._options) + repr(adapter._tools)
    found = subprocess.run(["grep", "-r", TOKEN, str(site.root)], capture_output=True, check=False, env=dict(os.environ))
    assert found.stdout == b""


def test_a_token_over_plain_http_to_another_machine_is_told_by_the_check(site: Site, server: GitServer) -> None:
    report = asyncio.run(adapter_of(site, server).check())
    assert [item.name for item in report.items] == ["git", "reach", "https", "layout", "content", "push"]
    assert report.ok


def test_an_account_that_may_only_read_is_told_by_the_check(site: Site, server: GitServer) -> None:
    server.fate = at(ASKS, (403, ""))
    report = asyncio.run(adapter_of(site, server).check())
    assert [(item.name, item.ok) for item in report.items][-1] == ("push", False)
    assert not report.ok
