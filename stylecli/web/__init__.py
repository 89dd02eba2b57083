"""The page: a local server with the whole program behind it, and a static site that runs in the browser alone."""
