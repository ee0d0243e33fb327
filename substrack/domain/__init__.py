"""Decisions: money, time, shares and the rules of payments. Pure: no I/O, no clock, no tables."""
