"""The real MediaWiki of Debian 12, on SQLite and PHP's own web server."""
