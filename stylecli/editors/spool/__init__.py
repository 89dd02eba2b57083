"""A warm worker behind a folder of jobs."""
