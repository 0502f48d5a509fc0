"""Tests of the project itself: bundle, documents, commands."""
