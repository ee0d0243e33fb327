"""Inward: the ticks of the clock and the outbox.

Nothing is kept in the process: any worker may die or double at any moment.
"""
