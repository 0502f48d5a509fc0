"""Micropub on django-indieweb, whose site is a small one of ours: it keeps entries in SQLite and shows them."""
