"""From a painting to a style network: everything here needs the extra `train` (torch)."""
