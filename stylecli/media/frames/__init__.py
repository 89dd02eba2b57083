"""Videos as numbered picture files, and back."""
