"""The only writers: functions of (session, ids…, *, by, now) that flush and never commit."""
