"""Results compared with accepted ones, as a person would see them."""
