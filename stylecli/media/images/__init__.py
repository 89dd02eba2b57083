"""Picture files: pixels, colour profile, metadata, transparency."""
