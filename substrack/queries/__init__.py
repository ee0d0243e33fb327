"""Reads: frozen rows made for a page or a sweep, in a constant number of queries.

Nothing here writes, and no ORM object leaves it.
"""
