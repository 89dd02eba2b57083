"""Pictures and videos stylized: what the command line and the Python API call."""
