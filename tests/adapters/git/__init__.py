"""The git adapter over real git: repositories on disk and behind a real smart HTTP server that can be told to fail."""
