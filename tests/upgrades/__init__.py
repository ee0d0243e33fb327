"""Databases as earlier versions left them: each comes through the migrations with all that is in it."""
