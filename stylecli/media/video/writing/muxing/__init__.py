"""Joins the new picture with the other streams of its source, and writes what the muxers of ffmpeg do not."""
