"""The Mastodon adapter without a server: notes, answers, oddities of real servers."""
