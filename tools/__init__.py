"""What the makers of a release run; nothing of it is installed."""
