"""Who does the items: processes on this machine."""
