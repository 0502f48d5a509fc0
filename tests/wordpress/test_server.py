"""The throw-away WordPress is a real one: rights, addresses, journal; and nothing of it stays behind."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.wordpress.server import CATEGORIES, ROLES, WordPress

ROOT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.servers


class TestServer:
    def test_each_account_logs_in_with_its_application_password_and_has_its_role(self, wordpress: WordPress) -> None:
        for name, role in ROLES.items():
            told = wordpress.api("GET", "/users/me?context=edit", user=name)
            assert (told["username"], told["roles"]) == (name, [role])

    def test_anonymous_writes_are_refused(self, wordpress: WordPress) -> None:
        assert wordpress.ask("POST", "/wp-json/wp/v2/posts", body={"title": "x"}).status == 401

    def test_a_contributor_may_not_publish(self, wordpress: WordPress) -> None:
        body = {"title": "x", "content": "x", "status": "publish"}
        assert wordpress.ask("POST", "/wp-json/wp/v2/posts", user="contributor", body=body).status == 403

    def test_a_published_post_is_public_at_a_pretty_address_and_in_its_category(self, wordpress: WordPress) -> None:
        category = wordpress.api("GET", f"/categories?slug={CATEGORIES['要闻']}")[0]["id"]
        body = {"title": "关于一事的通知", "content": "<p>正文一</p>", "slug": "a-b", "status": "publish",
                "categories": [category]}
        post = wordpress.api("POST", "/posts", user="syncd", body=body)
        path = post["link"].removeprefix(wordpress.url)
        assert path.endswith("/a-b/")
        page = wordpress.ask("GET", path)
        assert page.status == 200
        assert "关于一事的通知" in page.body.decode()
        assert "<p>正文一</p>" in page.body.decode()
        assert path in wordpress.ask("GET", f"/category/{CATEGORIES['要闻']}/").body.decode()

    def test_the_journal_tells_who_did_what(self, wordpress: WordPress) -> None:
        wordpress.empty()
        post = wordpress.api("POST", "/posts", user="syncd", body={"title": "甲", "content": "一", "status": "draft"})
        wordpress.api("POST", f"/posts/{post['id']}", user="editor", body={"content": "二", "status": "publish"})
        wordpress.api("DELETE", f"/posts/{post['id']}?force=true", user="admin")
        told = [(w.by, w.before, w.status, w.content) for w in wordpress.journal()]
        assert told == [
            ("syncd", "new", "draft", "一"), ("editor", "draft", "publish", "二"), ("admin", "publish", "deleted", "二"),
        ]

    def test_empty_leaves_no_post_and_keeps_the_categories(self, wordpress: WordPress) -> None:
        wordpress.api("POST", "/posts", body={"title": "甲", "status": "publish"})
        wordpress.api("POST", "/categories", body={"name": "临时"})
        wordpress.api("POST", "/tags", body={"name": "临时"})
        wordpress.empty()
        assert wordpress.posts() == []
        assert wordpress.journal() == []
        assert {c["name"] for c in wordpress.api("GET", "/categories?per_page=100")} == {"Uncategorized", *CATEGORIES}
        assert wordpress.api("GET", "/tags") == []

    def test_it_is_a_debian_wordpress_that_says_its_version(self, wordpress: WordPress) -> None:
        assert int(wordpress.version.split(".")[0]) >= 6


def test_the_servers_end_and_their_folder_goes_when_the_process_that_started_them_is_killed(
    shared_wordpress: WordPress,
) -> None:
    """shared_wordpress: skips where there can be none."""
    code = (
        "import sys, time\nfrom tests.wordpress import server\nwith server.running() as w:\n"
        "    print(w.url, w._database.socket.parent, flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url, folder = process.stdout.readline().split()
        assert Path(folder, "data").is_dir()
        process.kill()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and (_listens(url) or Path(folder).exists() or _running(folder)):
        time.sleep(0.1)
    assert not _listens(url)
    assert not Path(folder).exists()
    assert not _running(folder)


def _listens(url: str) -> bool:
    import socket

    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) == 0


def _running(folder: str) -> list[Path]:
    """The processes that name the folder: the keeper is the last, for it ends after the folder is gone."""
    return [path for path in Path("/proc").glob("[0-9]*/cmdline") if folder in _read(path)]


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""
