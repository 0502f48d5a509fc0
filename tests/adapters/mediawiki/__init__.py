"""The MediaWiki adapter without a wiki: names, wikitext, pages, and answers as a real one gave them."""
