"""Races: what holds when many act on one payment or period at the same moment, in threads and processes."""
