"""The examples of deploy/ with real programs: nginx in front, the units' command lines, kills."""
