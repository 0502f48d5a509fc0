"""The running WordPress that a whole session shares."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.wordpress.install import Unavailable
from tests.wordpress.server import WordPress, running


@pytest.fixture(scope="session")
def shared_wordpress() -> Iterator[WordPress]:
    """One server for the session; a test asks for `wordpress`."""
    try:
        with running() as wordpress:
            yield wordpress
    except Unavailable as reason:
        pytest.skip(f"WordPress: {reason}")


@pytest.fixture(scope="class")
def wordpress(shared_wordpress: WordPress) -> WordPress:
    """The server, with no posts; one state for the tests of a class."""
    shared_wordpress.empty()
    return shared_wordpress
