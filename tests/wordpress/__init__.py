"""A real, throw-away WordPress on loopback, a lossy proxy before it, and the tests that need them."""
