"""Pairs of stylized pictures in random order, each on a random side, and the key that tells which is which."""

from __future__ import annotations

import base64
import binascii
import itertools
import json
import random
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import UsageError
from stylecli.core.progress import Progress, Step, ignore
from stylecli.evaluation.blind.options import BlindOptions
from stylecli.evaluation.quality.metrics.stylized_photo import Stylizer, as_judged
from stylecli.media.images.files import read_picture
from stylecli.media.pixels import quantize, to_unit


@dataclass(frozen=True)
class BlindPair:
    """Two styles on one photo. left, right: names of the styles; photo: its number."""

    photo: int
    left: str
    right: str


@dataclass(frozen=True, eq=False)
class BlindTest:
    """The contents of a page; pictures are (H, W, 3) uint8. painted: by name of the style and number of the photo."""

    pairs: tuple[BlindPair, ...]
    photos: tuple[NDArray[np.uint8], ...]
    painted: Mapping[tuple[str, int], NDArray[np.uint8]]
    painting: NDArray[np.uint8] | None = None


def make_blind_test(
    stylizers: Mapping[str, Stylizer],
    photos: Sequence[Path],
    options: BlindOptions,
    *,
    progress: Progress = ignore,
) -> BlindTest:
    """Paint every photo in every style, and pair every two styles on every photo.

    Raises:
        UsageError: there are fewer than two styles.
        MediaError: a photo or the painting cannot be read.
    """
    if len(stylizers) < 2:
        raise UsageError("one style alone cannot be compared", hint="Name two or more.")
    painting = as_judged(read_picture(options.painting).pixels, options.size) if options.painting else None
    shown = []
    painted = {}
    for number, path in enumerate(photos):
        progress(Step(number, len(photos), "photos", path.name))
        shown.append(as_judged(read_picture(path).pixels, options.size))
        for name, stylizer in stylizers.items():
            painted[name, number] = quantize(stylizer.stylize(to_unit(shown[-1])), np.uint8)
    progress(Step(len(photos), len(photos), "photos"))
    pairs = shuffled_pairs([*stylizers], len(photos), seed=options.seed)
    return BlindTest(pairs, tuple(shown), painted, painting)


def shuffled_pairs(names: Sequence[str], photos: int, *, seed: int | None = None) -> tuple[BlindPair, ...]:
    """Pair every two names on every photo, once, in random order and on random sides."""
    chance = random.Random(seed)
    pairs = []
    for number, (one, other) in itertools.product(range(photos), itertools.combinations(names, 2)):
        left, right = (one, other) if chance.random() < 0.5 else (other, one)
        pairs.append(BlindPair(number, left, right))
    chance.shuffle(pairs)
    return tuple(pairs)


def sealed(pairs: Sequence[BlindPair]) -> str:
    """Encode which style is on which side of each pair, so that it cannot be read at a glance."""
    names = json.dumps([[pair.left, pair.right] for pair in pairs])
    return base64.b64encode(zlib.compress(names.encode())[::-1]).decode("ascii")


def unsealed(key: str) -> list[tuple[str, str]]:
    """Decode the names on the left and on the right of each pair.

    Raises:
        ValueError: `key` was not made by `sealed`.
    """
    try:
        names = json.loads(zlib.decompress(base64.b64decode(key, validate=True)[::-1]))
        return [(str(left), str(right)) for left, right in names]
    except (binascii.Error, zlib.error, TypeError) as error:
        raise ValueError("no key of a blind comparison") from error
