"""The Plone adapter without a server: answers as the real one gave them (tests/cms/plone), and how texts are spelt."""
