"""The promises, each with an experiment: short ones in every test run, whole ones with `make chaos`.

An experiment is a test that also records a figure. Beside each stands a test with a planted fault, which the
same experiment must catch: one that cannot fail proves nothing.
"""
