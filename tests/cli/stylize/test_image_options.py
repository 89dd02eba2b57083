"""The options of `stylecli image` about files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from stylecli.cli.app import suite
from stylecli.media.images.files import Encoding, encode_pages, picture_from_pixels, read_pages, read_picture
from stylecli.media.images.picture import Animation, Pages
from tests.media.images.metadata.test_kept import exif, file_of

Run = Callable[..., Result]
SIDECAR = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" tiff:Orientation="6"/>'


@pytest.fixture
def run(tiny_style: Path) -> Run:
    def invoke(*arguments: object, stdin: bytes | None = None) -> Result:
        line = ["image", *map(str, arguments), "-s", "tiny", "--styles-dir", str(tiny_style.parent), "--device", "cpu"]
        return CliRunner().invoke(suite, line, input=stdin)

    return invoke


@pytest.fixture
def folder(tmp_path: Path, photo: NDArray[np.uint8]) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.png").write_bytes(file_of(photo[:60, :80].copy(), ".png"))
    (folder / "b.jpg").write_bytes(file_of(photo[:60, :80].copy(), ".jpg", exif=exif(1)))
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_all_results_get_the_format_asked_for(run: Run, folder: Path, tmp_path: Path) -> None:
    assert run(folder, "-o", tmp_path / "out", "--format", "jpeg").exit_code == 0
    assert names(tmp_path / "out") == ["a-tiny.jpg", "b-tiny.jpg"]
    assert run(folder, "-o", tmp_path / "out", "--format", "gif").exit_code == 2


def test_stdout_gets_the_format_asked_for(run: Run, folder: Path) -> None:
    result = run("-", "-o", "-", "--format", "webp", stdin=(folder / "a.png").read_bytes())
    assert result.stdout_bytes[8:12] == b"WEBP"


def test_names_come_from_a_template(run: Run, folder: Path, tmp_path: Path) -> None:
    template = tmp_path / "out" / "{style}" / "{stem}_x.webp"
    assert run(folder, "-o", template).exit_code == 0
    assert names(tmp_path / "out") == ["tiny/a_x.webp", "tiny/b_x.webp"]
    assert "unknown field {colour}" in run(folder, "-o", tmp_path / "{stem}-{colour}.png").stderr


@pytest.mark.parametrize("name", ["50%dark.png", "trip [2019-2021].png", "a{b}.png"])
def test_a_name_that_only_looks_like_a_pattern_is_a_name(run: Run, folder: Path, tmp_path: Path, name: str) -> None:
    assert run(folder / "a.png", "-o", tmp_path / name).exit_code == 0
    assert (tmp_path / name).is_file()


def test_a_name_that_ends_with_a_slash_is_a_folder(run: Run, folder: Path, tmp_path: Path) -> None:
    assert run(folder / "a.png", "-o", f"{tmp_path}/my.folder/").exit_code == 0
    assert names(tmp_path / "my.folder") == ["a-tiny.png"]


def test_one_file_for_several_pictures_is_refused(run: Run, folder: Path, tmp_path: Path) -> None:
    result = run(folder / "a.png", folder / "b.jpg", "-o", tmp_path / "x.jpg")
    assert result.exit_code == 2
    assert "one file for 2 pictures" in result.stderr
    assert not (tmp_path / "x.jpg").exists()


def test_the_same_command_again_keeps_what_it_made(run: Run, folder: Path) -> None:
    assert run(folder).exit_code == 0
    first = names(folder)
    again = run(folder)
    assert (again.exit_code, names(folder)) == (0, first)
    assert again.stdout.count("(kept, it exists)") == 2
    assert "2 results of earlier runs" in again.stderr
    listed = run(*(folder / name for name in first))  # as a shell's *.png gives them
    assert (listed.exit_code, names(folder)) == (0, first)


def test_another_style_paints_no_results(
    run: Run, folder: Path, make_style: Callable[..., Path], tiny_style: Path
) -> None:
    run(folder)
    if not (tiny_style.parent / "other").exists():
        make_style(tiny_style.parent, "other")
    line = ["image", str(folder), "-s", "other", "--styles-dir", str(tiny_style.parent), "--device", "cpu"]
    assert CliRunner().invoke(suite, line).exit_code == 0
    assert names(folder) == ["a-other.png", "a-tiny.png", "a.png", "b-other.jpg", "b-tiny.jpg", "b.jpg"]


def test_results_in_a_folder_of_the_sources_are_no_sources(run: Run, folder: Path) -> None:
    for _ in range(2):
        assert run("-r", folder, "-o", folder / "out").exit_code == 0
    assert names(folder / "out") == ["a-tiny.png", "b-tiny.jpg"]


def test_two_kinds_of_one_name_are_told_apart(run: Run, folder: Path, tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    PIL.Image.fromarray(photo).save(folder / "a.gif")
    assert run(folder, "-o", tmp_path / "out").exit_code == 0
    assert names(tmp_path / "out") == ["a-gif-tiny.png", "a-tiny.png", "b-tiny.jpg"]


def test_what_is_no_picture_is_counted_by_kind(run: Run, folder: Path, tmp_path: Path) -> None:
    for name in ("x.txt", "y.txt", "Thumbs.db", ".DS_Store", "._a.png"):
        (folder / name).touch()
    assert "left out: 3 files that are no pictures: 2 .txt, 1 .db" in run(folder, "-o", tmp_path / "out").stderr


def test_some_files_are_left_out(run: Run, folder: Path, tmp_path: Path) -> None:
    assert run(folder, "-o", tmp_path / "out", "--exclude", "b*").exit_code == 0
    assert names(tmp_path / "out") == ["a-tiny.png"]


@pytest.mark.parametrize("end", [b"\n", b"\0"])
def test_inputs_come_from_a_list(run: Run, folder: Path, tmp_path: Path, end: bytes) -> None:
    listed = end.join(os.fsencode(folder / name) for name in ("a.png", "b.jpg"))
    (tmp_path / "list").write_bytes(listed)
    assert run("--files-from", tmp_path / "list", "-o", tmp_path / "out").exit_code == 0
    assert run("--files-from", "-", "-o", tmp_path / "out2", stdin=listed).exit_code == 0
    assert names(tmp_path / "out") == names(tmp_path / "out2") == ["a-tiny.png", "b-tiny.jpg"]
    assert run("-o", tmp_path / "out").exit_code == 2


def test_a_dry_run_makes_nothing(run: Run, folder: Path, tmp_path: Path) -> None:
    result = run(folder, "-o", tmp_path / "out", "--dry-run")
    assert result.stdout.split() == [str(tmp_path / "out" / name) for name in ("a-tiny.png", "b-tiny.jpg")]
    assert not (tmp_path / "out").exists()
    lines = [json.loads(line) for line in run(folder, "--dry-run", "--json").stdout.splitlines()]
    assert [line["status"] for line in lines] == ["planned", "planned"]


def test_a_quiet_run_says_only_faults(run: Run, folder: Path, tmp_path: Path) -> None:
    (folder / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    result = run(folder, "-o", tmp_path / "out", "--quiet")
    assert result.stdout == ""
    assert result.stderr.splitlines()[0].startswith(f"stylecli: {folder / 'bad.png'}: ")


def test_a_large_picture_is_made_smaller_and_keeps_its_metadata(run: Run, folder: Path, tmp_path: Path) -> None:
    assert run(folder, "-o", tmp_path / "out", "--max-size", 40).exit_code == 0
    assert read_picture(tmp_path / "out" / "a-tiny.png").pixels.shape == (30, 40, 3)
    assert PIL.Image.open(tmp_path / "out" / "b-tiny.jpg").getexif()[271] == "Acme"


def test_stripped_results_hold_no_metadata(run: Run, folder: Path, tmp_path: Path) -> None:
    assert run(folder / "b.jpg", "-o", tmp_path / "out.jpg", "--strip").exit_code == 0
    assert 271 not in PIL.Image.open(tmp_path / "out.jpg").getexif()


def test_results_get_the_times_of_their_sources(run: Run, folder: Path, tmp_path: Path) -> None:
    os.utime(folder / "a.png", (1_000_000_000, 1_100_000_000))
    assert run(folder / "a.png", "-o", tmp_path / "out.png", "--keep-times").exit_code == 0
    assert (tmp_path / "out.png").stat().st_mtime == 1_100_000_000


@pytest.mark.parametrize(("beside", "copied"), [("a.xmp", "out.xmp"), ("a.png.xmp", "out.png.xmp")])
def test_an_xmp_file_goes_along(run: Run, folder: Path, tmp_path: Path, beside: str, copied: str) -> None:
    (folder / beside).write_bytes(SIDECAR)
    assert run(folder / "a.png", "-o", tmp_path / "out.png", "--sidecars").exit_code == 0
    assert (tmp_path / copied).read_bytes() == SIDECAR.replace(b'"6"', b'"1"')


def test_all_frames_are_painted_or_the_one_asked_for(run: Run, tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    frames = tuple(picture_from_pixels(photo[at : at + 30, :40].copy()) for at in (0, 50, 100))
    (tmp_path / "a.webp").write_bytes(
        encode_pages(Pages(frames, Animation((100, 200, 300), 2)), ".webp", encoding=Encoding(lossless=True))
    )
    assert run(tmp_path / "a.webp", "-o", tmp_path / "all.png").exit_code == 0
    painted = read_pages(tmp_path / "all.png")
    assert painted.animation == Animation((100, 200, 300), 2)
    assert run(tmp_path / "a.webp", "-o", tmp_path / "two.png", "--page", 2).exit_code == 0
    np.testing.assert_array_equal(read_pages(tmp_path / "two.png").pictures[0].pixels, painted.pictures[1].pixels)
    told = run(tmp_path / "a.webp", "-o", tmp_path / "one.jpg")
    assert "not kept: 2 of 3 frames: JPEG holds one picture" in told.stderr
    assert run(tmp_path / "a.webp", "-o", tmp_path / "none.jpg", "--strict").exit_code == 4


def test_what_a_format_cannot_hold_is_said_before_painting(run: Run, tmp_path: Path) -> None:
    (tmp_path / "wide.png").write_bytes(file_of(np.zeros((1, 16_384, 3), np.uint8), ".png"))
    result = run(tmp_path / "wide.png", "-o", tmp_path / "wide.webp")
    assert result.exit_code == 4
    assert "at most 16383 a side" in result.stderr


def test_json_of_a_stream_goes_where_the_picture_does_not(run: Run, folder: Path, tmp_path: Path) -> None:
    data = (folder / "a.png").read_bytes()
    to_stdout = run("-", "-o", "-", "--json", stdin=data)
    assert to_stdout.stdout_bytes.startswith(b"\x89PNG")
    assert json.loads(to_stdout.stderr)["status"] == "done"
    to_file = run("-", "-o", tmp_path / "out.png", "--json", stdin=data)
    assert json.loads(to_file.stdout)["output"] == str(tmp_path / "out.png")
