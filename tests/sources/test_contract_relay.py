"""A relay keeps the contract that every plug-in keeps; what is proved before it is taken apart is the one thing apart."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from syncd.errors import ReadFailed
from syncd.model import Content, Entry, Hop, Instant, Precision
from syncd.relay import seal, wire
from syncd.sources.relay import RelaySource
from syncd.testing.source_contract import ListSample, PageSample, SourceContract, _entry, _Recorder, answer_of, run
from tests.sources.test_contract import TEXT, TITLES

PRIVATE, PUBLIC = seal.keygen()
LIST = "https://list.example/zc/feed.atom"
NOW = datetime(2026, 10, 1, tzinfo=UTC)
FIRST = datetime(2026, 4, 14, 16, tzinfo=UTC)


def entry(title: str, n: int) -> Entry:
    published = Instant(FIRST - timedelta(days=n), Precision.DAY, f"2026-04-{15 - n:02d}", "+08:00", "explicit", "list")
    return Entry(f"state:{n}", title, f"https://gov.example/zc/{n}.htm", published)


TOLD = wire.told_bytes(
    wire.Told(
        entry(TITLES[0], 0),
        Content(TITLES[0], f"<p>{TEXT}</p>", TEXT, "https://gov.example/zc/0.htm"),
        (Hop("某省", PUBLIC, "state", "https://gov.example/zc/", NOW, NOW, "c" * 64),),
    )
)
SHA256 = hashlib.sha256(TOLD).hexdigest()


def sealed(*entries: Entry) -> bytes:
    rows = [wire.Row(each, NOW) for each in entries]
    return seal.Signer(PRIVATE).seal(wire.feed_bytes(wire.Head("某省", 7, NOW), rows), wire.FEED)


class TestRelay(SourceContract):
    source = RelaySource
    rows_stand_alone = False
    options: ClassVar[dict[str, Any]] = {"public_key": PUBLIC}
    document_page = PageSample(
        TOLD, TITLES[0], TEXT, url=f"https://list.example/zc/{wire.object_path(SHA256)}", content_type="application/json",
        page=SHA256,
    )  # fmt: skip
    good_list = ListSample(
        sealed(*(replace(entry(title, n), page=SHA256) for n, title in enumerate(TITLES))),
        TITLES, link="https://gov.example/zc/0.htm", date="2026-04-15", url=LIST, content_type="application/atom+xml",
        keys=tuple(f"state:{n}" for n in range(6)), first="2026-04-14T16:00:00+00:00",
    )  # fmt: skip

    def test_bytes_are_taken_apart_in_the_child_only(self) -> None:
        """Bytes that nobody vouches for don't even come into the child: seal and hash are checked before. What is proved is
        taken apart there and nowhere else."""
        first = _Recorder()
        found = run(self.made(run=first.run).parse(answer_of(self.good_list)))
        assert run(self.made(run=first.replay).parse(answer_of(self.good_list))) == found
        other = _Recorder()
        with pytest.raises(ReadFailed, match="relay_tampered"):
            run(self.made(run=other.run).parse(answer_of(replace(self.good_list, body=b"\xff not these bytes"))))
        assert (len(first.results), other.results) == (1, [])

    def test_a_page_is_the_same_in_the_child_and_made_there(self) -> None:
        """As above."""
        sample, recorder, other = self.page_sample(), _Recorder(), _Recorder()
        here = self.read_page(sample)
        assert self.in_child(lambda source: source.read_page(_entry(sample), answer_of(sample))) == here
        assert run(self.made(run=recorder.run).read_page(_entry(sample), answer_of(sample))) == here
        with pytest.raises(ReadFailed, match="relay_tampered"):
            run(self.made(run=other.run).read_page(_entry(sample), answer_of(replace(sample, body=sample.body + b" "))))
        assert (len(recorder.results), other.results) == (1, [])
