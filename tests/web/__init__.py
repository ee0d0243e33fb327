"""Claims about pages, through Flask's test client on a real database of both kinds."""
