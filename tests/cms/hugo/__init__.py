"""What brings Hugo."""
