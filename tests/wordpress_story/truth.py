"""What really happened, counted from WordPress's own journal of writes; nothing here asks the daemon."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.wordpress.server import Write

MARK = re.compile(r"编号 D(\d+)V(\d+)E")
EDIT = re.compile(r"经办人补充第(\d+)条")
DAEMON, EDITOR = "syncd", "editor"


def text_of(id: int, version: int) -> str:
    """The body of a document, with a mark that says which and which version."""
    return (
        f"<p>编号 D{id}V{version}E:各县(市、区)人民政府,市政府各部门、各直属机构:</p>"
        f"<p>一、本件是第{id}号的第{version}版,请认真贯彻执行,遇有问题及时报告。</p>"
        "<p>二、各地各部门要加强组织领导,明确责任分工,确保各项措施落到实处。</p>"
    )


def edited(content: str, number: int) -> str:
    """What an editor makes of a post by hand."""
    return f"{content}\n<p>(经办人补充第{number}条:办理窗口设在县政务服务中心一楼。)</p>"


@dataclass(frozen=True, slots=True)
class Overwritten:
    """An editor's words that a write of the daemon removed. in_flight: that write had been sent before the edit."""

    document: int
    edit: int
    in_flight: bool


@dataclass(frozen=True, slots=True)
class Truth:
    """The count. doubled: documents with two public posts at one time, ever; stale: public, but not in the newest version.

    unwanted: documents that were older than the first read and yet posted. drafts, trash: posts left over at the end.
    """

    posts: int
    doubled: frozenset[int]
    doubled_at_end: frozenset[int]
    lost: frozenset[int]
    stale: frozenset[int]
    unwanted: frozenset[int]
    overwritten: tuple[Overwritten, ...]
    edits: int
    edited: frozenset[int]
    drafts: int
    trash: int
    removed: int
    """Posts that were made and deleted again."""
    renamed: frozenset[str] = field(default=frozenset())
    """Slugs that WordPress gave to a second post of one document, "-2" and so on."""

    @property
    def line(self) -> str:
        return (
            f"published duplicates {len(self.doubled | self.unwanted)} missing {len(self.lost | self.stale)}"
            f" overwritten {len(self.overwritten)}"
        )

    @property
    def good(self) -> bool:
        return not (self.doubled or self.unwanted or self.lost or self.stale or self.overwritten)


def count(journal: Sequence[Write], versions: Mapping[int, int]) -> Truth:
    """versions: the source's newest version of each document that has to be posted."""
    last = {write.post: write for write in journal}
    public = _documents(write for write in last.values() if write.status == "publish")
    touched = frozenset(document for write in journal if write.by == EDITOR and (document := _document(write)) is not None)
    doubled_at_end = frozenset(document for document, posts in public.items() if len(posts) > 1)
    return Truth(
        posts=sum(map(len, public.values())),
        doubled=_ever_doubled(journal) | doubled_at_end,
        doubled_at_end=doubled_at_end,
        lost=frozenset(document for document in versions if document not in public),
        stale=frozenset(
            document for document, posts in public.items()
            if document in versions and document not in touched and posts != [versions[document]] * len(posts)
        ),
        unwanted=frozenset(public) - frozenset(versions),
        overwritten=tuple(_overwritten(journal)),
        edits=len({number for write in journal if write.by == EDITOR for number in _edits(write)}),
        edited=touched,
        drafts=sum(write.status in ("draft", "pending", "private", "future") for write in last.values()),
        trash=sum(write.status == "trash" for write in last.values()),
        removed=sum(write.status == "deleted" for write in last.values()),
        renamed=_renamed({write.slug for write in journal}),
    )


def _documents(writes: Iterable[Write]) -> dict[int, list[int]]:
    """Document: the versions that its posts show."""
    found: dict[int, list[int]] = defaultdict(list)
    for write in writes:
        if mark := MARK.search(write.content):
            found[int(mark[1])].append(int(mark[2]))
    return dict(found)


def _renamed(slugs: set[str]) -> frozenset[str]:
    """Slugs that are another one with a number after it."""
    return frozenset(slug for slug in slugs if slug.rstrip("0123456789").removesuffix("-") in slugs - {slug})


def _document(write: Write) -> int | None:
    mark = MARK.search(write.content)
    return int(mark[1]) if mark else None


def _edits(write: Write) -> set[int]:
    return {int(number) for number in EDIT.findall(write.content)}


def _ever_doubled(journal: Sequence[Write]) -> frozenset[int]:
    """Documents that had two public posts after any of the writes."""
    shown: dict[int, int] = {}
    doubled = set()
    for write in journal:
        document = _document(write)
        if write.status != "publish" or document is None:
            shown.pop(write.post, None)
            continue
        if any(other == document for post, other in shown.items() if post != write.post):
            doubled.add(document)
        shown[write.post] = document
    return frozenset(doubled)


def _overwritten(journal: Sequence[Write]) -> Iterable[Overwritten]:
    """Each edit that some later write of the daemon took out of public view."""
    standing: dict[int, dict[int, float]] = defaultdict(dict)
    for write in journal:
        there = _edits(write) if write.status == "publish" else set()
        if write.by == EDITOR:
            standing[write.post] |= {number: write.at for number in there - standing[write.post].keys()}
        elif write.by == DAEMON:
            for number in standing[write.post].keys() - there:
                at = standing[write.post].pop(number)
                yield Overwritten(_document(write) or 0, number, write.asked is not None and write.asked < at)
