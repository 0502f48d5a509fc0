"""The Wagtail adapter without a server: what Wagtail 8.0.1 answered, recorded; the real one is in tests/cms/wagtail."""
