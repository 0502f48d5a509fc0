"""The pages: what they say, in both languages, and that nothing that is told can become markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import syncd.status
from syncd import model
from syncd.core import timeline
from syncd.core.repost import Status
from syncd.errors import StoreError
from syncd.status.views import LAGS
from syncd.status.words import EN, ZH, language
from tests.status.client import BROWSER, Client
from tests.status.desk import HOSTILE

HERE = Path(syncd.status.__file__).parent
PATHS = ("/", "/sources", "/reposts/1", "/reposts/7", "/reposts/8", "/report?month=2026-07", "/report?month=2026-01")


class Tags(HTMLParser):
    """Every start tag with its attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("path", PATHS)
def test_a_page_holds_nothing_that_the_policy_forbids(client: Client, path: str, lang: str) -> None:
    for tag, attrs in Tags(client.page(path, lang)).tags:
        assert "style" not in attrs
        assert not any(name.startswith("on") for name in attrs)
        assert tag not in ("style", "iframe", "object", "base", "form", "img")
        assert tag != "script" or attrs.get("src") == "/static/refresh.js"
        assert tag != "link" or str(attrs["href"]).startswith("/static/")


@pytest.mark.parametrize("path", ["/", "/reposts/8"])
def test_a_hostile_title_shows_as_text_and_a_hostile_address_is_no_link(client: Client, path: str) -> None:
    tags = Tags(client.page(path))
    assert HOSTILE in tags.text
    assert not any("javascript" in str(attrs.get("href", "")) for _, attrs in tags.tags)


@pytest.mark.guarantee(5)
def test_what_needs_a_person_comes_first_with_reason_and_hint(client: Client) -> None:
    page = client.page("/", "en")
    text = Tags(page).text
    assert page.index("Needs a person") < page.index('id="main"') + 3000
    assert text.index("Needs a person") < text.index("Last good read") < text.index("Latest reposts")
    assert "correct options.rows" in text
    assert 'href="/reposts/5"' in page


def test_a_quiet_county_is_told_that_all_is_well(client: Client) -> None:
    client.desk._attention = lambda needy: []  # type: ignore[method-assign]
    assert ZH["head.fine"] in client.page("/")
    assert ZH["needs.none"] in client.page("/")


@pytest.mark.guarantee(5)
def test_what_is_broken_is_shown_on_the_overview(client: Client) -> None:
    client.desk.problems = [{"reason": "disk_full", "hint": "make room", "where": "store"}]
    client.desk.rejected = "sites[0].adaptor: unknown key"
    text = Tags(client.page("/")).text
    assert ZH["reason.disk_full"] in text
    assert "sites[0].adaptor: unknown key" in text
    assert ZH["head.down"] in text


def test_an_open_repost_shows_its_time_left_and_a_seen_one_its_latency(client: Client) -> None:
    text = Tags(client.page("/", "en")).text
    assert "10 h left" in text
    assert "took 12 min 14 s to 13 min 14 s" in text
    assert "took at least 20 min" in text


def test_times_are_local_and_as_precise_as_they_are_known() -> None:
    text = Tags(Client().page("/")).text
    assert "2026-08-03 09:30:00" in text
    assert "2026-08-01" in text
    assert "2026-08-01 00:00:00" not in text
    assert "2026-08-03 01:30:00" in Tags(Client(zone="UTC").page("/")).text


def test_the_timeline_goes_from_publication_to_what_comes_next(client: Client) -> None:
    text = Tags(client.page("/reposts/7", "en")).text
    line = text[text.index("Timeline") :]
    words = [
        "Published at the source",
        "Sighted on",
        "Approved",
        "by 王某某",
        "5 times, until",
        "The limit ends",
        "Now",
        "Next",
    ]
    found = [line.index(word) for word in words]
    assert found == sorted(found)
    assert "Whose fault: approval" in text
    assert "国办发〔2017〕47号" in text


def test_other_titles_relations_both_ways_and_who_told_the_publication_are_shown(client: Client) -> None:
    text = re.sub(r"\s+", " ", Tags(client.page("/reposts/7", "en")).text)
    for told in ("一图<读懂>", "已修改", "amended by 修改<决定>", "国发〔2026〕9号 · document 12", "explains 国发〔2020〕1号",
                 "never read here", "Turned out to be document3", "source state-council"):
        assert told in text
    assert "修改<决定>" not in client.page("/reposts/7", "en"), "text from outside is escaped"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_bond_has_its_words_both_ways(lang: str) -> None:
    words = {"zh": ZH, "en": EN}[lang]
    assert {f"bond.{way}.{bond}" for way in ("tells", "told") for bond in model.Bond} <= set(words)


def test_a_repost_that_waits_shows_the_commands_for_it(client: Client) -> None:
    page = client.page("/reposts/5")
    assert "syncd approve 5" in page
    assert "syncd approve 7" not in client.page("/reposts/7")


def test_an_empty_month_still_says_that_it_was_watched(client: Client) -> None:
    text = Tags(client.page("/report?month=2026-01")).text
    assert ZH["report.empty"] in text
    assert ZH["report.watched"].format(sources=2, reads=9600, failed=12) in text


def test_the_report_page_shows_the_figures_of_the_api(client: Client) -> None:
    report = client.ask("/api/v1/report?month=2026-07").json()
    tags = re.sub(r"\s+", " ", Tags(client.page("/report?month=2026-07")).text)
    for name, count in report["counts"].items():
        assert f"{ZH[f'count.{name}']}{count} " in tags
    assert f"{report['timeliness']['share']:.1%}".replace("%", " %") in tags


def test_the_report_without_a_month_leads_to_this_month(client: Client) -> None:
    answer = client.ask("/report?lang=en", headers=BROWSER)
    assert (answer.status_code, answer.headers["location"]) == (307, "/report?month=2026-08&lang=en")


def test_a_page_that_is_not_there_says_so_in_the_readers_language(client: Client) -> None:
    for path in ("/nowhere", "/reposts/99", "/reposts/x"):
        answer = client.ask(path, headers={**BROWSER, "accept-language": "zh-CN"})
        assert answer.status_code in (404, 422)
        assert ZH["fail.404"] in answer.text


def test_a_store_that_is_down_gives_a_page_that_says_why(client: Client) -> None:
    client.desk.broken = StoreError("disk_full", hint="make room")
    answer = client.ask("/", headers=BROWSER)
    assert answer.status_code == 503
    assert ZH["reason.disk_full"] in answer.text
    assert "make room" in answer.text


@pytest.mark.parametrize(
    ("accepted", "asked", "lang"),
    [
        ("", "", "zh"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "", "en"),
        ("zh;q=0.1,en;q=0.2", "", "en"),
        ("fr-FR,fr", "", "en"),
        ("*", "", "zh"),
        ("en", "zh", "zh"),
        ("zh", "en", "en"),
        ("zh", "xx", "zh"),
        ("en;q=0,zh", "", "zh"),
        (";;;q=,en;q=abc", "", "zh"),
        ("fr,zh;q=0.3", "", "zh"),
    ],
)
def test_the_language_is_the_browsers_unless_asked_for(accepted: str, asked: str, lang: str) -> None:
    assert language(accepted, asked) == lang


def test_a_language_that_was_asked_for_is_kept_by_the_links(client: Client) -> None:
    page = client.page("/?lang=en", "zh")
    assert 'href="/sources?lang=en"' in page
    assert 'lang="en"' in page
    assert 'href="/?lang=zh"' in page


def test_both_languages_have_the_same_words_with_the_same_places() -> None:
    places = {key: set(re.findall(r"{(\w+)}", text)) for key, text in ZH.items()}
    assert places == {key: set(re.findall(r"{(\w+)}", text)) for key, text in EN.items()}


def test_every_word_is_used_and_every_used_word_exists() -> None:
    files = (*HERE.glob("templates/*.html"), *HERE.glob("*.py"))
    text = "\n".join(path.read_text() for path in files if path.name != "words.py")
    used = set(re.findall(r"""(?:\bt|say)\(\s*["']([\w.]+)["']\s*[,)]""", text))
    assert used <= set(ZH)
    families = (
        "kind status site verdict lag reason event step revision guarantee count figure counts latency unit fail repost bond "
        "why robots push"
    )
    named = {key for key in ZH if f'"{key}"' in text or f"'{key}'" in text}
    dead = {key for key in ZH if key.split(".")[0] not in families.split()} - named
    assert dead == set()


def test_the_pages_know_every_status_event_and_verdict_of_the_model() -> None:
    kinds = re.findall(r"[a-z_]+", re.sub(r"^.*?kind:", "", model.Event.__doc__ or "", flags=re.S).split(".")[0])
    assert {f"status.{status.value}" for status in Status} <= set(ZH)
    assert {f"event.{kind}" for kind in kinds} <= set(ZH)
    assert {f"verdict.{verdict.value}" for verdict in model.Verdict} <= set(ZH)
    assert {f"lag.{stage}" for stage in timeline.STAGES} <= set(ZH)


@pytest.mark.parametrize("path", ["/report?month=bad", "/reposts/abc", "/reposts/0", "/reposts/99999"])
@pytest.mark.parametrize("accept", [BROWSER["accept"], "*/*"])
def test_a_wrong_address_of_a_page_gives_a_page(client: Client, path: str, accept: str) -> None:
    answer = client.ask(path, headers={"accept": accept, "accept-language": "en"})
    assert answer.headers["content-type"].startswith("text/html")
    assert "There is no such page" in answer.text
    assert client.ask(path, headers={"accept": "application/json"}).json()["reason"] in ("invalid", "not_found")


def test_an_observed_site_shows_what_people_have_to_post_and_no_queue(client: Client) -> None:
    asked = client.desk.status

    async def status() -> dict[str, Any]:
        told = await asked()
        told["sites"] = [{"name": "town", "posts": False, "awaited": 7, "queue": 0}]
        return told

    client.desk.status = status  # type: ignore[method-assign]
    for path in ("/", "/sources"):
        page = client.page(path)
        assert "待人工转载 7" in page
        assert "排队" not in page
    assert "awaited" in {key.split(".")[1] for key in ZH if key.startswith("status.")}
    assert {f"lag.{name}" for name in LAGS} <= set(ZH)


def test_each_source_tells_when_it_is_read_next_and_why_and_how_often_it_was_watched(client: Client) -> None:
    text = Tags(client.page("/sources")).text
    for word in ("why.quiet", "robots.disallowed", "sources.interval", "sources.busy"):
        assert ZH[word] in text
    for shown in ("08-12 16-23", "99.9 %", "30 MiB"):
        assert shown in text


def test_a_list_that_waits_for_our_network_or_for_a_pause_is_not_said_to_be_well(client: Client) -> None:
    rows = client.desk._sources()
    for reason in ("network_down", "parked"):
        rows[0].update(reason=reason, tries=0)
        client.desk._sources = lambda: rows  # type: ignore[method-assign]
        assert ZH[f"reason.{reason}"] in Tags(client.page("/sources")).text
