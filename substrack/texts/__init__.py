"""Words: catalogues, plurals, money, dates and status labels, with the locale as an argument.

Used by pages, mail and bot alike; nothing here knows which of them asks.
"""
