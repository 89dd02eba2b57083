"""Reports of a batch: for machines, for people, for GitHub."""
