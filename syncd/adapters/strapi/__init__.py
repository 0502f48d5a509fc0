"""Strapi 5 by its REST API: entries of a content type that the site made, looked up by our key, looked at before a change."""

from syncd.adapters.strapi.adapter import StrapiAdapter
from syncd.adapters.strapi.options import Options

__all__ = ["Options", "StrapiAdapter"]
