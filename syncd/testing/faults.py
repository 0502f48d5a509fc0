"""What can go wrong on the way, decided by seeded dice: names of faults, how often each strikes, and what struck."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

CALL_FAULTS = (
    "refused", "lost_before", "lost_after", "late", "cut_answer", "page200", "error500_after", "bad_gateway", "limited",
)
"""Of a call to a CMS: no connection; the request lost; the answer lost; the request takes effect later; the answer cut;
200 with an error page; 500 after the commit; 502 before it; 429 with Retry-After."""
GET_FAULTS = ("get_refused", "get_cut", "get_page200", "get_error", "get_stale")
"""Of an anonymous read: no connection; a cut body; 200 with an error page; 503; an older answer from a stale mirror."""


class Crash(BaseException):
    """The process dies here: nothing may catch it, and nothing of it goes on."""


class Dice(Protocol):
    """What is used of random.Random."""

    def random(self) -> float: ...
    def uniform(self, a: float, b: float) -> float: ...


@dataclass(slots=True)
class Faults:
    """Draws faults. rates: probability by name; what is not in it never strikes. struck: how often each did."""

    dice: Dice
    rates: Mapping[str, float] = field(default_factory=dict)
    struck: Counter[str] = field(default_factory=Counter)

    def draw(self, names: tuple[str, ...]) -> str:
        """One of the names, or "" for none; each draw uses one number of the dice."""
        at = self.dice.random()
        for name in names:
            at -= self.rates.get(name, 0.0)
            if at < 0:
                return name
        return ""

    def strike(self, name: str) -> None:
        """A fault did its harm: count it."""
        self.struck[name] += 1


def everything(calls: float, reads: float) -> dict[str, float]:
    """Each fault of a call as often as every other, and each of a read. calls, reads: the probability that one meets any."""
    called = dict.fromkeys(CALL_FAULTS, calls / len(CALL_FAULTS))
    return called | dict.fromkeys(GET_FAULTS, reads / len(GET_FAULTS))
