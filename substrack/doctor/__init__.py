"""The doctor: looks at an installation from all sides, says what is wrong and what to do, changes nothing.

Each check fails by itself, in a sentence, within seconds. No secret is ever in a sentence.
"""
