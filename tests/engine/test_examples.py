"""The examples of docs/examples load as they stand, and read what such publishers answer: nothing is special-cased to one
country. The answers are made here, in the shapes of the real ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from syncd import plugins
from syncd.config import load, options_of
from syncd.model import Bond, Document, Precision, Relation, Revision
from syncd.testing.network import Reply
from tests.engine.rig import Rig, played, route, site

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
HOOK = 'relook = ["10m"]\n\n[sources.options]'
BODY = '<div class="govspeak"><p>{}</p></div>'


def example(name: str) -> str:
    return (EXAMPLES / name).read_text("utf-8")


def looked_at_often(name: str) -> str:
    return example(name).replace("[sources.options]", HOOK, 1)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.name)
def test_every_example_loads_as_it_stands(path: Path) -> None:
    config = load(path, environ={})
    assert config.warnings == tuple(f'[[sources]] "{each.name}": no route takes from it' for each in config.sources)
    for each in config.sources:
        shape: Any = plugins.load("syncd.sources", each.kind)
        assert options_of(shape.Options, each.options, where="options")[1] == []


@dataclass
class GovUk:
    """An Atom list without <published>, and the content API behind it."""

    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    listed: list[str] = field(default_factory=list)
    updated: str = "2026-01-05T10:00:00+00:00"
    asked: list[str] = field(default_factory=list)

    def publish(self, path: str, title: str, *, first: str = "2026-01-05T09:30:00.000+00:00", text: str = "") -> None:
        self.listed.insert(0, path)
        self.items[path] = {
            "base_path": path, "document_type": "policy_paper", "title": title, "first_published_at": first,
            "public_updated_at": self.updated, "withdrawn_notice": {}, "redirects": [],
            "details": {"body": BODY.format(text or f"The text of {title}.")},
            "links": {"organisations": [{"title": "Department of Examples"}]},
        }

    def handle(self, method: str, path: str, headers: Any, body: bytes, now: datetime) -> Reply:
        self.asked.append(path)
        if path.startswith("/search/"):
            return 200, {"content-type": "application/atom+xml; charset=utf-8"}, self._atom().encode()
        item = self.items.get(path.removeprefix("/api/content"))
        return (200, {"content-type": "application/json"}, json.dumps(item).encode()) if item else (404, {}, b"{}")

    def _atom(self) -> str:
        rows = "".join(
            f"<entry><id>https://www.gov.uk{path}</id><updated>{self.updated}</updated>"
            f'<link rel="alternate" type="text/html" href="https://www.gov.uk{path}"/>'
            f"<title>{path}, cut</title><summary type=\"html\">A summary that ends in the middle of</summary></entry>"
            for path in self.listed
        )
        return f'<feed xmlns="http://www.w3.org/2005/Atom"><id>x</id><title>Policy papers</title>{rows}</feed>'


async def govuk(rig: Rig) -> GovUk:
    """The publisher with some documents that are known, so that one that goes is not all of them."""
    made = GovUk()
    for n in range(6):
        made.publish(f"/government/old-{n}", f"An old paper {n}")
    rig.wires.servers["www.gov.uk"] = made.handle
    await rig.rest()
    rig.clock.advance(1000)
    return made


def rigged(name: str) -> Rig:
    return Rig(looked_at_often(name) + site() + route(sources=(Path(name).stem.replace("govuk", "gov-uk"),)))


async def newest(rig: Rig, title: str) -> tuple[Document, Revision]:
    found = next(document for _, document in await rig.all() if document.title == title)
    return found, await rig.disk.revision(found.id, found.latest)


@played
async def test_gov_uk_is_read_by_its_feed_and_its_content_api() -> None:
    async with rigged("govuk.toml") as rig:
        publisher = await govuk(rig)
        publisher.publish("/government/papers/a", "A paper", first="2026-01-05T09:30:00.000+00:00")
        await rig.after(1000)
        document, revision = await newest(rig, "A paper")
        content = revision.content
        assert (content.issuer, content.categories) == ("Department of Examples", ("policy_paper",))
        assert "The text of A paper." in content.text
        assert content.url == "https://www.gov.uk/government/papers/a"
        assert document.published
        assert document.published.at.isoformat() == "2026-01-05T09:30:00+00:00"
        assert document.published.precision is Precision.SECOND
        assert await rig.status_of() == "visible"


@pytest.mark.guarantee(1)
@played
async def test_a_notice_of_withdrawal_withdraws_the_repost_at_the_next_look_and_its_end_brings_it_back() -> None:
    async with rigged("govuk.toml") as rig:
        publisher = await govuk(rig)
        publisher.publish("/government/papers/a", "A paper")
        await rig.after(1000)
        item = publisher.items["/government/papers/a"]
        item["withdrawn_notice"] = {"explanation": BODY.format("It is out of date."), "withdrawn_at": "2026-01-06T09:00:00Z"}
        await rig.after(3600)
        document, revision = await newest(rig, "A paper")
        assert (document.withdrawn, revision.withdrawn, revision.reason) == (True, True, "notice")
        assert await rig.status_of() == "withdrawn"
        await rig.after(7200)
        assert (await newest(rig, "A paper"))[0].latest == document.latest, "the same notice is no further revision"
        item["withdrawn_notice"] = {}
        await rig.after(48 * 3600, step=900)
        assert (await newest(rig, "A paper"))[0].withdrawn is False
        assert await rig.status_of() == "visible"


@pytest.mark.guarantee(3)
@played
async def test_when_every_document_shows_a_notice_at_once_a_person_is_asked() -> None:
    async with Rig(looked_at_often("govuk.toml") + site() + route(sources=("gov-uk",), more="backfill = true")) as rig:
        publisher = await govuk(rig)
        await rig.after(1000)
        for item in publisher.items.values():
            item["withdrawn_notice"] = {"explanation": "gone wrong"}
        await rig.after(7200)
        withdrawn = [document for _, document in await rig.all() if document.withdrawn]
        assert 0 < len(withdrawn) <= 4
        assert "mass_gone" in await rig.attention()


@played
async def test_a_document_that_is_gone_is_withdrawn_when_it_was_seen_so_twice() -> None:
    async with rigged("govuk.toml") as rig:
        publisher = await govuk(rig)
        publisher.publish("/government/papers/a", "A paper")
        await rig.after(1000)
        publisher.items["/government/papers/a"] |= {"document_type": "gone", "details": {"explanation": ""}}
        await rig.after(7200)
        document, revision = await newest(rig, "A paper")
        assert (document.withdrawn, revision.reason) == (True, "gone_at_source")


@pytest.mark.guarantee(2)
@played
async def test_a_document_that_moved_is_read_at_its_new_address_which_becomes_a_name_of_it() -> None:
    async with rigged("govuk.toml") as rig:
        publisher = await govuk(rig)
        publisher.publish("/government/papers/a", "A paper")
        await rig.after(1000)
        publisher.publish("/government/papers/b", "A paper", text="The text of A paper, corrected.")
        publisher.listed.remove("/government/papers/b")
        publisher.items["/government/papers/b"]["public_updated_at"] = "2026-01-06T10:00:00+00:00"
        publisher.items["/government/papers/a"] |= {
            "document_type": "redirect", "redirects": [
                {"path": "/government/papers/a/x", "type": "prefix", "destination": "/elsewhere"},
                {"path": "/government/papers/a", "type": "exact", "destination": "/government/papers/b"},
            ],
        }
        await rig.after(7200)
        document, revision = await newest(rig, "A paper")
        assert "corrected" in revision.content.text
        assert {"url:gov.uk/government/papers/a", "url:gov.uk/government/papers/b"} <= set(document.aliases)
        publisher.listed.insert(0, "/government/papers/b")
        await rig.after(3600)
        assert len(await rig.all()) == 1, "the list shows its new address: it is the same document"


@pytest.mark.parametrize(
    ("destination", "reason"),
    [("https://other.example/b", "moved_away"), ("/government/papers/a", "moved_in_circles")],
)
def test_a_document_that_moved_away_or_in_circles_is_told_and_nothing_is_withdrawn(destination: str, reason: str) -> None:
    @played
    async def story() -> None:
        async with rigged("govuk.toml") as rig:
            publisher = await govuk(rig)
            publisher.publish("/government/papers/a", "A paper")
            await rig.after(1000)
            publisher.items["/government/papers/a"]["redirects"] = [{"type": "exact", "destination": destination}]
            await rig.after(3600)
            assert (await newest(rig, "A paper"))[0].withdrawn is False
            assert rig.counted("syncd_failures_total", stage="read", reason=reason) >= 1

    story()


def register(number: str, title: str, day: str, **more: Any) -> dict[str, Any]:
    return {
        "title": title, "document_number": number, "publication_date": day, "type": "Rule", "abstract": f"About {title}.",
        "html_url": f"https://www.federalregister.gov/documents/{day.replace('-', '/')}/{number}/x",
        "pdf_url": None, "agencies": [{"name": "Examples Agency", "id": 1}, {"raw_name": "X", "name": "Bureau of Tests"}],
        "correction_of": None, **more,
    }


def serve_register(rows: Callable[[], list[dict[str, Any]]]) -> Callable[..., Reply]:
    base = "https://www.federalregister.gov/api/v1/documents"

    def handle(method: str, path: str, headers: Any, body: bytes, now: datetime) -> Reply:
        if path.startswith("/api/"):
            page = 2 if "page=2" in path else 1
            shown = rows()[3 * (page - 1) : 3 * page]
            following = f"{base}?page=2" if page == 1 else None
            told = {"count": len(rows()), "total_pages": 2, "next_page_url": following, "results": shown}
            return 200, {"content-type": "application/json"}, json.dumps(told).encode()
        text = f"<html><title>x</title><body><article itemprop='articleBody'><p>The text at {path}, long enough.</p></article>"
        return 200, {"content-type": "text/html"}, text.encode()

    return handle


@played
async def test_the_federal_register_is_read_over_its_pages_and_a_correction_names_what_it_corrects() -> None:
    rows = [register(f"2026-0000{n}", f"Rule {n}", f"2026-01-0{n}") for n in (5, 4, 3, 2, 1)]
    config = example("federal-register.toml") + site() + route(sources=("federal-register",), more="backfill = true")
    async with Rig(config) as rig:
        rig.wires.servers["www.federalregister.gov"] = serve_register(lambda: rows)
        await rig.rest()
        assert len(await rig.all()) == 5, "the page behind the first one was read"
        of = "https://www.federalregister.gov/api/v1/documents/2026-00005.json"
        rows.insert(0, register("C1-2026-00005", "Rule 5; Correction", "2026-01-06", correction_of=of))
        unit = rig.engine.deps.sources["federal-register"]
        answer = await unit.client.get(unit.url)
        entry = (await unit.source.parse(answer)).entries[0]
        assert entry.relations == (Relation(Bond.CORRECTS, number="2026-00005"),)
        assert entry.published
        assert (entry.published.precision, entry.published.zone) == (Precision.DAY, "America/New_York")
        assert (entry.issuer, entry.attachments) == ("Examples Agency Bureau of Tests", ())
        assert entry.aliases[0] == "number:C1-2026-5"
        await rig.after(4000)
        assert len(await rig.all()) == 6
