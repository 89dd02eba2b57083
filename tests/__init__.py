"""The tests mirror the package; `packs.py` makes the style packs that they need."""
