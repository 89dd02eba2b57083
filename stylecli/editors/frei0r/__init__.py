"""The frei0r filter of `plugins/frei0r`: compiled by the system's compiler, tried without a video editor."""
