"""The fake WordPress for every test, and the same tests on a real one (marker servers)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.adapters.wordpress.fake import FakeWordPress
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


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.servers)])
def site(request: pytest.FixtureRequest) -> Site:
    """A WordPress, not yet opened; `kit.played` opens it."""
    return Site(FakeWordPress() if request.param == "fake" else request.getfixturevalue("real_wordpress"))
