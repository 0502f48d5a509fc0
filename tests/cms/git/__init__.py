"""Static sites in git, built by the real Hugo, Eleventy and Pelican whenever somebody pushes, and served."""
