"""Claims about the worker, with a real mail server on loopback."""
