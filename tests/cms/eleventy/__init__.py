"""What brings Eleventy."""
