"""Amounts as people read them."""

from __future__ import annotations

from syncd.core.amounts import size


def test_bytes_are_told_in_units() -> None:
    assert [size(n) for n in (0, 1023, 1536, 31_457_280, 5 << 40)] == [
        "0 B",
        "1023 B",
        "1.5 KiB",
        "30 MiB",
        "5120 GiB",
    ]
