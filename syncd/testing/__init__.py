"""What adapters and sources are tested with: AdapterContract, SourceContract, FakeCMS, a network and a clock by hand.

pytest is imported with a contract only, so that the fakes serve without it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from syncd.testing.adapter_contract import AdapterContract
    from syncd.testing.fakecms import FakeCMS
    from syncd.testing.source_contract import SourceContract

__all__ = ["AdapterContract", "FakeCMS", "SourceContract"]

_HOMES = {"AdapterContract": "adapter_contract", "FakeCMS": "fakecms", "SourceContract": "source_contract"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = f"{__name__}.{_HOMES[name]}"
    if name.endswith("Contract") and home not in sys.modules:
        import pytest

        pytest.register_assert_rewrite(home)
    return getattr(import_module(home), name)
