"""What brings Pelican."""
