"""Frames and every other stream of the source to a new video file."""
