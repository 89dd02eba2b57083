"""Picture files stylized: which becomes which, one of them, and many side by side."""
