from __future__ import annotations

import numpy as np
import pytest

from stylecli.inference.tiles import ALIGNMENT, PATCH_SIDE, PATCHES, WHOLE_PIXELS, patches_of, tiles_of


@pytest.mark.parametrize("size", [(1, 1), (700, 1300), (257, 4099)])
def test_tiles_show_every_pixel_once(size: tuple[int, int]) -> None:
    shown = np.zeros(size, int)
    for tile in tiles_of(*size, side=256, reach=40):
        shown[tile.shown] += 1
    assert (shown == 1).all()


def test_tiles_see_as_far_as_they_must_and_begin_on_the_grid_of_strides() -> None:
    height, width, reach = 700, 1300, 40
    for tile in tiles_of(height, width, side=256, reach=reach):
        for shown, seen, length in zip(tile.shown, tile.seen, (height, width), strict=True):
            assert shown.stop - shown.start <= 256
            assert seen.start <= max(0, shown.start - reach)
            assert seen.stop == min(length, shown.stop + reach)
            assert seen.start % ALIGNMENT == 0


def test_what_a_tile_shows_lies_inside_what_it_sees() -> None:
    picture = np.arange(500 * 600).reshape(500, 600)
    for tile in tiles_of(500, 600, side=200, reach=30):
        np.testing.assert_array_equal(picture[tile.seen][tile.inside], picture[tile.shown])


def test_a_small_picture_is_one_patch() -> None:
    picture = np.zeros((1024, 2048, 3), np.uint8)
    assert picture.shape[0] * picture.shape[1] == WHOLE_PIXELS
    assert patches_of(picture).shape == (1, *picture.shape)


@pytest.mark.parametrize("size", [(2160, 3840), (3840, 2160), (100, 30_000), (1025, 2048)])
def test_patches_show_every_part_of_the_picture(size: tuple[int, int]) -> None:
    places = np.arange(size[0] * size[1], dtype=np.int64).reshape(*size, 1)
    patches = patches_of(places)
    assert patches.shape[1:] == (min(PATCH_SIDE, size[0]), min(PATCH_SIDE, size[1]), 1)
    assert PATCHES - 4 <= len(patches) <= PATCHES + 5
    for length, along in zip(size, np.divmod(patches[:, 0, 0, 0], size[1]), strict=True):
        starts = np.unique(along)
        room = length - min(PATCH_SIDE, length)
        assert starts[0] <= room / 4
        assert starts[-1] >= room * 3 / 4
        assert np.diff([0, *starts, room]).max(initial=0) <= room / 3 + 1


def test_patches_stand_on_no_grid() -> None:
    places = np.arange(4096 * 4096, dtype=np.int64).reshape(4096, 4096, 1)
    rows, columns = np.divmod(patches_of(places)[:, 0, 0, 0], 4096)
    assert len({*rows}) == len({*columns}) == len(rows)  # no two begin in one row or column


def test_the_same_picture_gives_the_same_patches() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (1500, 2400, 3), np.uint8)
    np.testing.assert_array_equal(patches_of(picture), patches_of(picture))
