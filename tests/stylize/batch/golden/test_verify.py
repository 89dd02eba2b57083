from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.core.errors import UsageError
from stylecli.media.images.files import Pages, picture_from_pixels, read_picture, write_pages, write_picture
from stylecli.media.video.writing.writer import Sound, record
from stylecli.photos.film import RATE, chord
from stylecli.stylize.batch.golden.verify import GoldenOptions, check_golden, verify
from stylecli.stylize.batch.ledger import ItemOutcome
from stylecli.stylize.batch.manifests.rows import Item


@pytest.fixture
def golden(tmp_path: Path, photo: NDArray[np.uint8]) -> GoldenOptions:
    """An output and the same one, accepted."""
    (tmp_path / "out").mkdir()
    write_picture(picture_from_pixels(photo), tmp_path / "out" / "a.png")
    shutil.copytree(tmp_path / "out", tmp_path / "golden" / "out")
    return GoldenOptions(tmp_path / "golden", tmp_path / "differences")


def ended(output: str = "out/a.png", status: str = "done") -> ItemOutcome:
    kind = "video" if output.endswith(".mp4") else "picture"
    return ItemOutcome(Item(output, "a.jpg", output, "wave", kind), status, {"seconds": 1.0})  # type: ignore[arg-type]


def change(path: Path, by: int) -> None:
    pixels = read_picture(path).pixels
    write_picture(picture_from_pixels(np.clip(pixels.astype(int) + by, 0, 255).astype(np.uint8)), path, overwrite=True)


def clip(path: Path, *, frames: int = 30, odd: int = -1) -> None:
    pictures = (np.full((48, 64, 3), 160 if index == odd else 40, np.uint8) for index in range(frames))
    record(path, pictures, size=(64, 48), rate=Fraction(10), sound=Sound(chord(1.0), RATE))


@pytest.mark.parametrize("status", ["done", "skipped"])
def test_an_accepted_output_passes(golden: GoldenOptions, tmp_path: Path, status: str) -> None:
    change(tmp_path / "out" / "a.png", 1)
    (one,) = verify([ended(status=status)], tmp_path, golden)
    assert one.status == status
    assert 0 < one.facts["distance"] < golden.tolerance


def test_another_picture_fails_with_a_picture_of_the_difference(golden: GoldenOptions, tmp_path: Path) -> None:
    change(tmp_path / "out" / "a.png", 40)
    reported: list[ItemOutcome] = []
    (one,) = verify([ended()], tmp_path, golden, report=reported.append)
    assert (one.status, one.facts["kind"], one.facts["seconds"]) == ("failed", "Differs", 1.0)
    assert reported == [one]
    assert one.facts["difference"] == str(tmp_path / "differences" / "out" / "a.png")
    sheet = read_picture(Path(one.facts["difference"])).pixels
    assert sheet.shape[0] > 300
    assert sheet.shape[1] > 451


def test_every_frame_of_an_animation_is_compared(
    golden: GoldenOptions, tmp_path: Path, photo: NDArray[np.uint8]
) -> None:
    pictures = [picture_from_pixels(photo[:60, :80])] * 3
    write_pages(Pages(tuple(pictures)), tmp_path / "golden" / "out" / "a.tif")
    write_pages(Pages(tuple(pictures)), tmp_path / "out" / "a.tif")
    assert verify([ended("out/a.tif")], tmp_path, golden)[0].facts["distance"] == 0
    pictures[2] = picture_from_pixels(photo[60:120, :80])
    write_pages(Pages(tuple(pictures)), tmp_path / "out" / "a.tif", overwrite=True)
    assert verify([ended("out/a.tif")], tmp_path, golden)[0].facts["kind"] == "Differs"
    write_pages(Pages(tuple(pictures[:2])), tmp_path / "out" / "a.tif", overwrite=True)
    assert "number of frames" in verify([ended("out/a.tif")], tmp_path, golden)[0].facts["error"]


def test_every_frame_of_a_sequence_is_compared(golden: GoldenOptions, tmp_path: Path) -> None:
    for number in range(3):
        for folder in (tmp_path, tmp_path / "out", golden.golden / "out"):
            shutil.copy(golden.golden / "out" / "a.png", folder / f"{number:04}.png")
    sequence = ItemOutcome(Item("s", "%04d.png", "out/%04d.png", "wave", "sequence"), "done", {"seconds": 1.0})
    assert verify([sequence], tmp_path, golden)[0].facts["distance"] == 0
    change(tmp_path / "out" / "0001.png", 40)
    (one,) = verify([sequence], tmp_path, golden)
    assert "out/0001.png: differs" in one.facts["error"]
    assert one.facts["difference"] == str(tmp_path / "differences" / "out" / "0001.png")
    (golden.golden / "out" / "0002.png").unlink()
    assert verify([sequence], tmp_path, golden)[0].facts["kind"] == "NoGolden"


def test_the_tolerance_can_be_chosen(golden: GoldenOptions, tmp_path: Path) -> None:
    change(tmp_path / "out" / "a.png", 40)
    loose = GoldenOptions(golden.golden, golden.pictures, tolerance=60)
    assert verify([ended()], tmp_path, loose)[0].status == "done"


def test_another_size_fails(golden: GoldenOptions, tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    write_picture(picture_from_pixels(photo[::2, ::2]), tmp_path / "out" / "a.png", overwrite=True)
    assert "another size" in verify([ended()], tmp_path, golden)[0].facts["error"]


def test_an_output_without_an_accepted_one_fails(golden: GoldenOptions, tmp_path: Path) -> None:
    (one,) = verify([ended("out/new.png")], tmp_path, golden)
    assert (one.status, one.facts["kind"]) == ("failed", "NoGolden")


def test_an_accepted_output_that_cannot_be_read_fails_by_name(golden: GoldenOptions, tmp_path: Path) -> None:
    (golden.golden / "out" / "a.png").write_bytes(b"no picture")
    assert "a.png" in verify([ended()], tmp_path, golden)[0].facts["error"]


def test_failed_items_are_left_as_they_are(golden: GoldenOptions, tmp_path: Path) -> None:
    one = ended("out/none.png", "failed")
    assert verify([one], tmp_path, golden) == [one]


def test_each_twelfth_frame_of_a_video_is_compared(golden: GoldenOptions, tmp_path: Path) -> None:
    clip(golden.golden / "out" / "clip.mp4")
    clip(tmp_path / "out" / "clip.mp4")
    assert verify([ended("out/clip.mp4")], tmp_path, golden)[0].status == "done"
    clip(tmp_path / "out" / "clip.mp4", odd=24)
    (one,) = verify([ended("out/clip.mp4")], tmp_path, golden)
    assert one.facts["kind"] == "Differs"
    assert one.facts["difference"].endswith("clip.png")
    clip(tmp_path / "out" / "clip.mp4", frames=20)
    assert "number of frames" in verify([ended("out/clip.mp4")], tmp_path, golden)[0].facts["error"]


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        check_golden(tmp_path / "none")
