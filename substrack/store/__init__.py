"""The tables: typed SQLAlchemy classes on our own Base, and the engines.

Nothing here decides or phrases anything, opens a transaction or reads a clock.
"""
