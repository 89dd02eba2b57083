"""Video files: frames with exact timestamps, and every other stream of the file."""
