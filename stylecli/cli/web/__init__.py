"""Commands of the page."""
