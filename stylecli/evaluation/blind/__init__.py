"""Blind comparison: people choose between two pictures without knowing which style made which."""
