"""A real Wagtail, made from the files in project/ and the file that a site takes from docs/wagtail."""
