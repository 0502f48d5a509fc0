"""The main job on embedded defaults: an invented publisher, a local site and a real daemon that is killed on the way."""

from __future__ import annotations

from collections.abc import Sequence


def main(args: Sequence[str]) -> int:
    """`syncd demo [--once] [--dir DIR]`: 0 when all went as it should, 1 otherwise, 130 after Ctrl-C."""
    from syncd.demo.run import run

    return run(list(args))
