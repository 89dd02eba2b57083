"""The page: its server, its static site, and what a browser makes of them."""
