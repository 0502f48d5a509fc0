"""mastodon-mock: the Mastodon API over a database, without a federation; its pages are drawn here as Mastodon draws them."""
