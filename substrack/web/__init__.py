"""Inward: pages and forms in Flask, a blueprint per noun, closed unless opened.

GET shows and POST does; no page sees a table.
"""
