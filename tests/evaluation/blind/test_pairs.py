"""Pairs in random order, and the key that tells which is which."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.core.errors import UsageError
from stylecli.evaluation.blind.options import BlindOptions
from stylecli.evaluation.blind.pairs import make_blind_test, sealed, shuffled_pairs, unsealed

NAMES = ("great-wave", "starry-night", "the-scream")


class Tint:
    """Paints by adding red."""

    def __init__(self, red: float) -> None:
        self.red = red

    def stylize(self, unit: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray((unit * 0.5 + np.array([self.red, 0, 0])).clip(0, 1), np.float32)


def test_every_two_styles_meet_once_on_every_photo() -> None:
    pairs = shuffled_pairs(NAMES, 4, seed=1)
    met = {(pair.photo, *sorted((pair.left, pair.right))) for pair in pairs}
    assert met == {(photo, *two) for photo in range(4) for two in itertools.combinations(NAMES, 2)}
    assert len(pairs) == len(met)


def test_sides_and_order_are_random() -> None:
    pairs = shuffled_pairs(("a", "b"), 400, seed=1)
    on_the_left = sum(pair.left == "a" for pair in pairs)
    assert 160 < on_the_left < 240  # 200 in the mean, with a standard deviation of 10
    assert [pair.photo for pair in pairs] != sorted(pair.photo for pair in pairs)


def test_a_seed_gives_the_same_order_again_and_none_another() -> None:
    assert shuffled_pairs(NAMES, 20, seed=3) == shuffled_pairs(NAMES, 20, seed=3)
    assert shuffled_pairs(NAMES, 20) != shuffled_pairs(NAMES, 20)


def test_the_key_tells_the_names_and_shows_none() -> None:
    pairs = shuffled_pairs(NAMES, 5, seed=0)
    key = sealed(pairs)
    assert unsealed(key) == [(pair.left, pair.right) for pair in pairs]
    assert not any(name in key for name in NAMES)


@pytest.mark.parametrize("key", ["", "no base64!", "aGVsbG8="])
def test_what_is_no_key_is_a_value_error(key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        unsealed(key)


def test_every_photo_is_painted_at_the_size_asked_for(photo_file: Path) -> None:
    chosen = BlindOptions(painting=photo_file, size=100, seed=0)
    test = make_blind_test({"a": Tint(0), "b": Tint(0.5)}, [photo_file, photo_file], chosen)
    assert {(pair.photo, pair.left, pair.right) for pair in test.pairs} <= {
        (photo, *sides) for photo in (0, 1) for sides in (("a", "b"), ("b", "a"))
    }
    assert all(min(picture.shape[:2]) == 100 for picture in (*test.painted.values(), *test.photos))
    assert test.painting is not None
    assert test.painted["b", 1][..., 0].mean() > test.painted["a", 1][..., 0].mean() + 100


def test_one_style_alone_is_refused(photo_file: Path) -> None:
    with pytest.raises(UsageError, match="alone"):
        make_blind_test({"a": Tint(0)}, [photo_file], BlindOptions())
