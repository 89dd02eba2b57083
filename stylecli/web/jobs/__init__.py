"""Long work of the server: a queue, and what is done in it."""
