"""Newcms as a site of syncd."""

from syncd_newcms.adapter import NewcmsAdapter

__all__ = ["NewcmsAdapter"]
