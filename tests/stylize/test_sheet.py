"""A contact sheet shows the photo and every style of it, each with its label."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from stylecli.cli.app import suite
from stylecli.core.errors import MediaError, UsageError
from stylecli.core.progress import Step
from stylecli.inference.engine import Engine
from stylecli.media.images.files import read_picture
from stylecli.packs.pack import StylePack, open_pack
from stylecli.stylize.look import Look
from stylecli.stylize.painting import paint
from stylecli.stylize.sheet import PAPER, contact_sheet, labelled_grid, write_sheet
from tests.support.packs import StyleFactory

TILE_WIDTH = 160
GAP = 10  # 1/16 of a tile


def test_the_first_tile_is_the_photo_and_the_next_the_style(photo: NDArray[np.uint8], tiny_pack: StylePack) -> None:
    upright = photo[
        :, :TILE_WIDTH
    ]  # as wide as a tile, so not made smaller; twice as high, so the tiles are in one row
    sheet = contact_sheet(upright, [tiny_pack], title="a cat", tile_width=TILE_WIDTH)
    with Engine(tiny_pack, device="cpu") as engine:
        painted = paint(engine, upright, Look())
    first, second = (sheet[GAP:, left : left + TILE_WIDTH][: len(photo)] for left in (GAP, 2 * GAP + TILE_WIDTH))
    assert np.array_equal(first, upright)
    assert np.array_equal(second, painted)


def test_tiles_have_the_width_asked_for(photo: NDArray[np.uint8], tiny_pack: StylePack) -> None:
    sheet = contact_sheet(photo, [tiny_pack] * 3, title="a cat", tile_width=TILE_WIDTH)
    assert sheet.shape[1] == 2 * TILE_WIDTH + 3 * GAP
    assert (sheet[:GAP] == PAPER).all()
    assert (sheet[:, :GAP] == PAPER).all()
    assert (sheet[:, -GAP:] == PAPER).all()


@pytest.mark.parametrize("change", [{"title": "Other"}, {"artist": "Somebody"}, {"year": 1831}])
def test_a_label_names_title_artist_and_year(
    photo: NDArray[np.uint8], make_style: StyleFactory, tmp_path: Path, change: dict[str, Any]
) -> None:
    folders = [make_style(tmp_path / "one", "wave"), make_style(tmp_path / "two", "wave", **change)]
    one, two = (contact_sheet(photo, [open_pack(folder)], title="a cat", tile_width=TILE_WIDTH) for folder in folders)
    assert not np.array_equal(one, two)


def test_a_title_may_hold_signs_of_markup(photo: NDArray[np.uint8], make_style: StyleFactory, tmp_path: Path) -> None:
    pack = open_pack(make_style(tmp_path, "wave", title="Sea & <b>sky", artist="</span>"))
    assert contact_sheet(photo, [pack], title="a<b&c.png", tile_width=TILE_WIDTH).shape[2] == 3


@pytest.mark.parametrize("size", [(1, 1), (3000, 1), (1, 3000), (37, 23)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_any_photo_has_a_sheet(tiny_pack: StylePack, size: tuple[int, int], dtype: type[Any]) -> None:
    sheet = contact_sheet(np.zeros((*size, 3), dtype), [tiny_pack], title="black", tile_width=TILE_WIDTH)
    assert sheet.dtype == np.uint8
    assert (sheet == 0).all(axis=2).any()


def test_progress_counts_the_styles(photo: NDArray[np.uint8], tiny_pack: StylePack) -> None:
    steps: list[Step] = []
    contact_sheet(photo, [tiny_pack] * 2, title="a cat", tile_width=TILE_WIDTH, progress=steps.append)
    assert [(step.done, step.total, step.label) for step in steps] == [(0, 2, "tiny"), (1, 2, "tiny"), (2, 2, "")]


def test_the_command_draws_all_styles(
    make_style: StyleFactory, photo_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stylecli.packs.shelves.bundled_shelf", lambda: tmp_path / "shelf")
    for name in ("one", "two", "three"):
        make_style(tmp_path / "shelf", name)
    output = tmp_path / "sheet.png"
    arguments = ["styles", "sheet", str(photo_file), "-o", str(output), "--tile", str(TILE_WIDTH), "--json"]
    result = CliRunner().invoke(suite, arguments)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout.splitlines()[-1])["styles"] == ["one", "three", "two"]
    assert read_picture(output).pixels.shape[1] == 2 * TILE_WIDTH + 3 * GAP


def test_the_command_draws_the_styles_asked_for(tiny_style: Path, photo_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "sheet.png"
    result = CliRunner().invoke(suite, ["styles", "sheet", str(photo_file), "-o", str(output), "-s", str(tiny_style)])
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{output}\n"


def test_an_existing_file_is_kept(tiny_pack: StylePack, photo_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "sheet.png"
    output.write_text("mine")
    with pytest.raises(UsageError, match="`overwrite=True`"):
        write_sheet(photo_file, output, [tiny_pack])
    assert output.read_text() == "mine"


def test_an_unknown_format_is_refused_before_the_work(tiny_pack: StylePack, photo_file: Path, tmp_path: Path) -> None:
    steps: list[Step] = []
    with pytest.raises(UsageError, match="not a format that can be written"):
        write_sheet(photo_file, tmp_path / "sheet.xyz", [tiny_pack], progress=steps.append)
    assert steps == []


def test_the_photo_is_never_replaced(tiny_pack: StylePack, photo_file: Path) -> None:
    with pytest.raises(UsageError, match="is the photo itself"):
        write_sheet(photo_file, photo_file.parent / "." / photo_file.name, [tiny_pack], overwrite=True)


def test_a_photo_that_is_a_link_to_itself_cannot_be_read(tiny_pack: StylePack, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.symlink_to(photo)
    with pytest.raises(MediaError, match=r"photo\.jpg"):
        write_sheet(photo, tmp_path / "sheet.png", [tiny_pack])


def test_a_row_more_is_not_begun_for_a_last_picture() -> None:
    upright = [(np.zeros((30, 20, 3), np.uint8), "a", "b")] * 13  # four columns would leave three places empty
    sheet, square = (labelled_grid(tiles, tile_width=20) for tiles in (upright, upright[:12]))
    assert sheet.shape[1] > square.shape[1]
    assert sheet.shape[0] == square.shape[0]


def test_a_full_disk_is_told_before_anything_is_painted(
    photo_file: Path, tiny_pack: StylePack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[Step] = []
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=20))
    with pytest.raises(MediaError, match="more are needed on its disk"):
        write_sheet(photo_file, tmp_path / "sheet.png", [tiny_pack], progress=steps.append)
    assert steps == []
