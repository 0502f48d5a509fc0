"""The fake WordPress for every test, and the same tests on a real one (marker servers)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.adapters.wordpress.fake import Companion, FakeWordPress
from tests.adapters.wordpress.kit import Site
from tests.wordpress.install import Unavailable
from tests.wordpress.server import WordPress, running


@pytest.fixture(scope="session")
def real_wordpress() -> Iterator[WordPress]:
    try:
        with running() as wordpress:
            yield wordpress
    except Unavailable as reason:
        pytest.skip(f"WordPress: {reason}")


REAL = pytest.param("real", marks=pytest.mark.servers)


@pytest.fixture(params=["fake", "fake with companion", REAL])
def site(request: pytest.FixtureRequest) -> Site:
    """A WordPress, not yet opened; `kit.played` opens it."""
    if request.param == "real":
        return Site(request.getfixturevalue("real_wordpress"))
    return Site(FakeWordPress(companion=None if request.param == "fake" else Companion()))


@pytest.fixture(params=["fake", REAL])
def guarded(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A WordPress with the companion, not yet opened."""
    if request.param == "fake":
        yield Site(FakeWordPress(companion=Companion()))
        return
    wordpress: WordPress = request.getfixturevalue("real_wordpress")
    with wordpress.companion():
        yield Site(wordpress)
