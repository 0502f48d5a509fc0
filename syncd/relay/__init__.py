"""What a relay says and how it is sealed: keys and seals, the feed, the documents. Both its ends read and write by this."""
