"""The nearest style is the one whose pictures look most like the painting."""

from __future__ import annotations

from pathlib import Path

import pytest

from stylecli import stylize_image
from stylecli.core.errors import MediaError, PackError
from stylecli.photos import PREVIEW_PHOTO
from stylecli.training.learn import LEARNING
from stylecli.training.nearest import nearest_style


@pytest.mark.parametrize("style", ["stables", "the-scream", "windmills"])
def test_a_picture_of_a_style_is_nearest_to_that_style(style: str, tmp_path: Path) -> None:
    painting = tmp_path / "painting.png"
    stylize_image(PREVIEW_PHOTO, painting, style)
    assert nearest_style(painting, LEARNING, ["stables", "the-scream", "windmills"]) == style


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"none\.jpg"):
        nearest_style(tmp_path / "none.jpg", LEARNING, ["stables"])
    with pytest.raises(PackError, match="no-such-style"):
        nearest_style(PREVIEW_PHOTO, LEARNING, ["no-such-style"])
