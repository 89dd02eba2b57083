"""The photos that ship with stylecli, free to use: `SOURCES.md` beside this file names each with its terms."""

from __future__ import annotations

from pathlib import Path

SAMPLE_PHOTO = Path(__file__).with_name("sample.jpg")  # of the demo and the page
LEARNING_PHOTOS = Path(__file__).with_name("learning")  # `styles learn` trains on them
JUDGING_PHOTOS = Path(__file__).with_name("judging")  # no training sees them
PREVIEW_PHOTO = JUDGING_PHOTOS / "mountains.jpg"  # of styles that are learned or exported
