"""The page as a static site, whose networks run in the visitor's browser."""
