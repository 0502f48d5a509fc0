"""The whole story on a real WordPress: `python -m tests.wordpress_story --items 100`."""
