"""The bench: what syncd costs, beside reference loops timed in the same run. `make bench`, or `python -m bench`."""
