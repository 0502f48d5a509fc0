"""WordPress through its REST API, without a plug-in: class C, look-up by address, drafts first, sweeping of late twins."""

from syncd.adapters.wordpress.adapter import WordpressAdapter
from syncd.adapters.wordpress.options import Options

__all__ = ["Options", "WordpressAdapter"]
