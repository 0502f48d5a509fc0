"""MediaWiki through its action API: a page a document, found by a page of its key, changed on top of a named revision."""

from syncd.adapters.mediawiki.adapter import MediaWikiAdapter
from syncd.adapters.mediawiki.options import Options

__all__ = ["MediaWikiAdapter", "Options"]
