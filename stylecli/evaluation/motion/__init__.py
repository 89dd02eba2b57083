"""How steady styles are in videos: clips with known motion, errors over time, a report."""
