"""The kill loop: the real daemon, killed with -9 at random moments, against a CMS that loses answers."""
