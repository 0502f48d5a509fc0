"""Who acts in the world beside syncd: sources that publish, editors at the sites, an operator, and what each did."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from syncd.testing.clock import ManualClock
from syncd.testing.fakecms import FakeCMS, Stored
from syncd.testing.fakelist import FakeList

MARK = re.compile(r"编号 D(\d+)V(\d+)E")
_ID = re.compile(r"第(\d+)号专项工作")
RULE = re.compile(r"一、本件是第\d+号的第\d+版")


@dataclass(slots=True)
class Truth:
    """What happened to one document at its source. lists: who shows it. old: it was there before syncd looked first.

    reprints: lists that show it at an address of their own, under another title and with a text of another make.
    """

    id: int
    version: int
    lists: tuple[str, ...]
    reprints: tuple[str, ...] = ()
    withdrawn: bool = False
    old: bool = False
    suspicious: bool = False
    """It came in a flood or went in a mass withdrawal: a person may be asked about it."""
    excused: bool = False
    """An operator decided about it: whatever stands there then is right."""


@dataclass(slots=True)
class Truths:
    """The ground truth of all sources, and how often each kind of thing was done."""

    documents: dict[int, Truth] = field(default_factory=dict)
    done: dict[str, int] = field(default_factory=dict)

    def did(self, what: str) -> None:
        self.done[what] = self.done.get(what, 0) + 1


def title_of(id: int) -> str:
    return f"关于做好第{id}号专项工作的通知"


def id_in(title: str) -> int:
    """The document whose title this is, as it was published or as it is reprinted; 0 for none."""
    found = _ID.search(title)
    return int(found[1]) if found else 0


def number_in(text: str) -> str:
    """The 发文字号 of the document that a text belongs to, "" if it names none."""
    found = MARK.search(text)
    return f"演发〔2026〕{found[1]}号" if found else ""


def text_of(id: int, version: int) -> str:
    """Every version of every document has a text of its own, which names it."""
    return (
        f"<p>编号 D{id}V{version}E:各县(市、区)人民政府,市政府各部门、各直属机构:</p>"
        f"<p>一、本件是第{id}号的第{version}版,请认真贯彻执行,遇有问题及时报告。</p>"
    )


def version_in(post: Stored) -> tuple[int, int]:
    """(document, version) that a post's text names; (0, 0) if none."""
    found = MARK.search(post.html)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _text_in(name: str, truth: Truth) -> str:
    text = text_of(truth.id, truth.version)
    return f"<div><p>{name}编者按:现将全文刊登如下。</p>{text}</div>" if name in truth.reprints else text


class Publisher:
    """The sources. Every act is drawn from the dice; what it did is in `truths`."""

    def __init__(self, dice: Random, clock: ManualClock, lists: dict[str, FakeList], truths: Truths) -> None:
        self.dice, self.clock, self.lists, self.truths = dice, clock, lists, truths
        self._next = 1
        self.last = ""

    def publish(self, *, old: bool = False, back_days: int = 0, suspicious: bool = False) -> Truth:
        """A new document in one list, or in two that both link to the first one's page."""
        id, self._next = self._next, self._next + 1
        names = list(self.lists)
        self.dice.shuffle(names)
        shown = tuple(names[: 2 if self.dice.random() < 0.15 and not old else 1])
        at = self.clock.true - timedelta(days=back_days)
        home = self.lists[shown[0]]
        for name in shown:
            shower = self.lists[name]
            shower.publish(id, title_of(id), text_of(id, 1), at, url="" if shower is home else f"{home.base}/doc/{id}")
        truth = Truth(id, 1, shown, old=old, suspicious=suspicious)
        self.truths.documents[id] = truth
        self.last = f"{id} {shown}"
        return truth

    def act(self) -> str:
        """One thing that sources do."""
        draw = self.dice.random()
        if draw < 0.42 or not self._live():
            self.publish()
            return self._did("publish")
        if draw < 0.50:
            return self.reprint()
        if draw < 0.70:
            return self.correct()
        if draw < 0.80:
            return self.withdraw(1)
        if draw < 0.86:
            return self.flood()
        if draw < 0.93:
            return self.storm()
        return self.withdraw(5)

    def correct(self) -> str:
        truth = self.dice.choice(self._live())
        if truth.version >= 4:
            return ""
        truth.version += 1
        self.last = f"{truth.id} {truth.lists}"
        for name in truth.lists:
            self.lists[name].correct(truth.id, _text_in(name, truth), self.clock.true)
        return self._did("correct")

    def reprint(self) -> str:
        """Another list shows a document too, days after: only its 发文字号 tells that it is the same."""
        truth = self.dice.choice(self._live())
        others = [name for name in self.lists if name not in truth.lists]
        if not others:
            return ""
        name = self.dice.choice(others)
        truth.lists, truth.reprints = (*truth.lists, name), (*truth.reprints, name)
        self.last = f"{truth.id} {truth.lists}"
        back = timedelta(days=self.dice.choice((0, 0, 1, 20)))
        title = f"{name}：第{truth.id}号专项工作开始了"
        self.lists[name].publish(truth.id, title, _text_in(name, truth), self.clock.true - back)
        return self._did("reprint")

    def withdraw(self, count: int) -> str:
        live = self._live()
        for truth in self.dice.sample(live, min(count, len(live))):
            truth.withdrawn, truth.suspicious = True, truth.suspicious or count > 1
            self.last = f"{truth.id} {truth.lists}"
            for name in truth.lists:
                self.lists[name].withdraw(truth.id, self.clock.true)
        return self._did("withdraw" if count == 1 else "mass_withdrawal")

    def flood(self) -> str:
        """Many old documents at once, as after a migration."""
        for _ in range(6):
            self.publish(back_days=400, suspicious=True)
        return self._did("flood")

    def storm(self) -> str:
        """Every entry of a list gets another guid."""
        name = self.dice.choice(list(self.lists))
        self.lists[name].rename_guids(f"n{self._next}x{len(self.truths.done)}")
        return self._did("guid_storm")

    def _live(self) -> list[Truth]:
        return [t for t in self.truths.documents.values() if not t.withdrawn and not t.old]

    def _did(self, what: str) -> str:
        self.truths.did(what)
        return what


class Editor:
    """People at a site who change what is theirs."""

    def __init__(self, dice: Random, clock: ManualClock, cms: FakeCMS, truths: Truths) -> None:
        self.dice, self.clock, self.cms, self.truths = dice, clock, cms, truths
        self._edits = 0

    def act(self) -> str:
        posts = [p for p in self.cms.live() if p.state == "public"]
        if not posts:
            return ""
        post = self.dice.choice(posts)
        what = "delete" if self.dice.random() < 0.5 else "edit"
        if what == "delete":
            self.cms.delete_by_editor(post.id, "editor", self.clock.true)
        else:
            self._edits += 1
            self.cms.edit(post.id, "editor", self._another(post.html), self.clock.true)
        self.truths.did(f"editor_{what}")
        return f"{what} {post.id}"

    def _another(self, text: str) -> str:
        """Something added, which leaves all that was posted in sight, or something replaced."""
        own = f"编辑 X{self._edits}E:本地补充说明,咨询电话见下。"
        return f"{text}<p>{own}</p>" if self.dice.random() < 0.4 else RULE.sub(own, text)
