"""The rows of the table, a module per group; each gives the lines that it measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Row


@dataclass(frozen=True, slots=True)
class Bench:
    """What a row is given. folder: an empty one of its own. quick: fewer rounds and smaller states, for a first look."""

    folder: Path
    quick: bool = False

    @property
    def rounds(self) -> int:
        return 2 if self.quick else 5


Measure = Callable[[Bench], list[Row]]


def measures() -> Mapping[str, Measure]:
    """By the name that `--only` takes, in the order of the table."""
    from bench.rows import commands, drain, growth, items, latency, memory, polls, start, wordpress

    return {
        "304": polls.not_modified,
        "200": polls.unchanged,
        "items": items.new_items,
        "commits": items.commits,
        "memory": memory.memory,
        "growth": growth.growth,
        "latency": latency.latency,
        "visible": latency.visible,
        "push": latency.push,
        "start": start.start,
        "commands": commands.commands,
        "drain": drain.drain,
        "wordpress": wordpress.wordpress,
    }
