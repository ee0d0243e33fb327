"""How fast SubsTrack is, against what the same machine does at least: ratios, printed and written down.

`make bench` runs all of it, `make bench ARGS="pages growth"` chooses. Nothing here is a test with a clock.
"""
