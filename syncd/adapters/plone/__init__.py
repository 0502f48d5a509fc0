"""Plone through plone.restapi: items with an id of our own in the folder of their column, published by a second request."""

from syncd.adapters.plone.adapter import PloneAdapter
from syncd.adapters.plone.options import Options

__all__ = ["Options", "PloneAdapter"]
