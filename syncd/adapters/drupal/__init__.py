"""Drupal through JSON:API of its core: nodes with an id of our own, looked up by it, changed after a look."""

from syncd.adapters.drupal.adapter import DrupalAdapter
from syncd.adapters.drupal.options import Options

__all__ = ["DrupalAdapter", "Options"]
