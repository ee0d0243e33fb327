"""The whole: many people at all doors of the running program, every trouble, and a checker behind."""
