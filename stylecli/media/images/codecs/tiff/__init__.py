"""TIFF files of several directories: which of them are pictures, and pages joined into one file."""
