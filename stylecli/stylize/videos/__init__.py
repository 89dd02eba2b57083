"""Videos stylized: which becomes which, one of them, and one after the other."""
