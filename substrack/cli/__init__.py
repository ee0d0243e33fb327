"""Inward: the command line, `python -m substrack`.

It reads options, calls one service and prints; it decides nothing.
"""
