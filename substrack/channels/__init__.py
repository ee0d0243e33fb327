"""Outward: what carries a notice to an address.

Channels know notices, not tables; a library's error leaves as one of ours.
"""
