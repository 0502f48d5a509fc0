"""The real WordPress of the guide."""

from tests.wordpress.conftest import shared_wordpress, wordpress

__all__ = ["shared_wordpress", "wordpress"]
