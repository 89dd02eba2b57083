"""Who may call the server, and what its calls do."""
