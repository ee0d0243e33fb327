"""Decisions: what is owed, when, by whom, and what may happen next.

Pure functions and values. Nothing here reads a clock, a file, a socket or a table.
"""
