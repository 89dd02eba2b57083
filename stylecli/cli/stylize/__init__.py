"""Commands that stylize."""
