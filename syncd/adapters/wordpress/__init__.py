"""WordPress through its REST API: class C, look-up by address, drafts first, sweeping of late twins; class A by a companion."""

from syncd.adapters.wordpress.adapter import WordpressAdapter
from syncd.adapters.wordpress.options import Options

__all__ = ["Options", "WordpressAdapter"]
