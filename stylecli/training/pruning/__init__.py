"""Structured pruning: smaller, faster networks of trained ones."""
