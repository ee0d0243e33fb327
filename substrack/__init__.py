"""SubsTrack: who owes what for the things several people share, asked for and verified."""

__version__ = "0.1.0"
