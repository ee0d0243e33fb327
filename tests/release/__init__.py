"""Making a release: what has to be true of it, and the steps that make it so. See `docs/contributing.md`."""
