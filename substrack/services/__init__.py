"""The only writers: functions of (session, ids, *, by, now) that flush and never commit.

The edge that opened the transaction ends it; the clock and the network stay outside.
"""
