"""One box for all tests; each test is given it well and leaves it well."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.systemd.box import Unfit, booted, why_not
from tests.systemd.town import HERE, Town, wheels


@pytest.fixture(scope="session")
def machine() -> Iterator[Town]:
    """A booted box with syncd installed and running."""
    if reason := why_not():
        pytest.skip(f"systemd: {reason}")
    try:
        made = wheels()
    except subprocess.CalledProcessError as error:
        pytest.skip(f"systemd: the offline bundle can't be made here: {error}")
    try:
        with booted([(made, "/mnt/bundle"), (HERE, "/mnt/tests")]) as box:
            town = Town(box)
            town.install(made)
            town.surround()
            town.begin()
            yield town
    except Unfit as error:
        pytest.skip(f"systemd: {error}")


@pytest.fixture
def town(machine: Town) -> Iterator[Town]:
    yield machine
    machine.well_again()
