"""Upkeep: the database as a whole, backed up, restored and brought to a newer version.

Tables are read from the catalogue and not from `store`, so that a database of any revision can be backed up.
What a backup looks like is described in `docs/operations/data.md`; no rule of the ledger is here.
"""
