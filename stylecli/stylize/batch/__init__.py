"""Batches: a manifest of pictures and videos, done once each, whatever is killed in between."""
