"""What a site's 429 teaches about the spacing of calls."""

from __future__ import annotations

from syncd.engine.gate import LONGEST_SPACING, Gate


def test_a_site_that_says_429_again_and_again_is_never_left_alone_for_longer_than_the_longest_spacing() -> None:
    now = [0.0]
    gate = Gate(lambda: now[0])
    for _ in range(60):
        for _ in range(3):
            now[0] += gate.wait
            gate.enter()
            gate.well()
            gate.leave()
        gate.limited(60.0, "rate_limited", "")
    assert gate.spacing <= LONGEST_SPACING
