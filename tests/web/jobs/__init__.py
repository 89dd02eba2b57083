"""Long work of the server."""
