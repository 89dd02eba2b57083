"""Manifests: rows of a file, or the files of a folder, to items."""
