"""Plone: the classic distribution with plone.restapi, on a database of its own for each run."""
