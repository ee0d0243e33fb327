"""Claims about services, each on a real database of both kinds."""
