"""Reports: one HTML page, plots, tables."""
