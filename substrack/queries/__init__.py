"""Reads: frozen rows made for a page, a letter or a sweep, in a constant number of queries."""
