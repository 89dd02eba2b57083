"""What a worker makes of an item: the very bytes of `stylecli image` and `stylecli video`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from stylecli.cli.app import suite
from stylecli.packs.pack import StylePack
from stylecli.stylize.batch.manifests.files import is_sequence
from stylecli.stylize.batch.manifests.rows import items_of
from stylecli.stylize.batch.workers.worker import Worker
from tests.support.clips import make_video, ramp

FRAMES = 3

Do = Callable[..., dict[str, Any]]


@pytest.fixture
def do(tmp_path: Path, tiny_style: Path) -> Do:
    """Do one row, in this process."""
    worker = Worker("cpu", None, tiny_style.parent)

    def do_row(source: str, output: str, **columns: Any) -> dict[str, Any]:
        row = {"input": source, "output": output, "style": "tiny", **columns}
        (item,) = items_of(row, is_sequence=is_sequence(tmp_path / source))
        paths = {"input": str(tmp_path / source), "output": str(tmp_path / output), "folder": str(tmp_path)}
        names = {"kind": item.kind, "style": item.style, "variant": None, "style_sha256": "", "mask": None}
        return worker.do({**item.options(), **names, **paths, "overwrite": False})

    return do_row


@pytest.fixture
def command(tmp_path: Path, tiny_style: Path) -> Callable[..., dict[str, Any]]:
    """The command that makes a single result, and the event that it tells."""

    def run(name: str, source: str, output: str, *options: str, style: str = "tiny") -> dict[str, Any]:
        line = [name, str(tmp_path / source), "-s", style, "-o", str(tmp_path / output), *options, "--json"]
        result = CliRunner().invoke(suite, [*line, "--styles-dir", str(tiny_style.parent), "--device", "cpu"])
        assert result.exit_code == 0, result.output
        events: list[dict[str, Any]] = [json.loads(line) for line in result.stdout.splitlines()]
        return next(event for event in events if event["event"] == "result")

    return run


@pytest.mark.parametrize(
    ("source", "suffix", "columns", "options"),
    [
        ("a.gif", ".webp", {}, []),
        ("a.png", ".png", {}, []),
        ("a.webp", ".webp", {"lossless": True}, ["--lossless"]),
        ("a.avif", ".png", {"max_size": 40}, ["--max-size", "40"]),
        ("a.tif", ".tif", {"bits": 16}, ["--bits", "16"]),
        ("a.webp", ".png", {"detail": 1}, ["--detail", "1"]),
    ],
)
def test_all_frames_and_pages_are_painted_as_by_the_command(
    tmp_path: Path,
    photo: NDArray[np.uint8],
    do: Do,
    command: Do,
    source: str,
    suffix: str,
    columns: dict[str, Any],
    options: list[str],
) -> None:
    frames = [PIL.Image.fromarray(np.roll(photo[:60, :80], 20 * number, 1)) for number in range(FRAMES)]
    frames[0].save(tmp_path / source, save_all=True, append_images=frames[1:])
    answer = do(source, f"batch{suffix}", **columns)
    assert (answer["status"], answer["frames"]) == ("done", FRAMES)
    event = command("image", source, f"image{suffix}", *options)
    assert (tmp_path / f"batch{suffix}").read_bytes() == (tmp_path / f"image{suffix}").read_bytes()
    assert answer["warnings"] == [f"not kept: {lost}" for lost in event["lost"]]
    assert (answer["width"], answer["height"]) == (event["width"], event["height"])


def test_what_a_format_does_not_hold_is_told(tmp_path: Path, photo: NDArray[np.uint8], do: Do) -> None:
    frames = [PIL.Image.fromarray(np.roll(photo[:60, :80], 20 * number, 1)) for number in range(FRAMES)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    answer = do("a.gif", "a.jpg")
    assert answer["frames"] == 1
    assert any(warning.startswith("not kept: ") for warning in answer["warnings"])
    assert do("a.gif", "strict.jpg", strict=True)["status"] == "failed"
    assert not (tmp_path / "strict.jpg").exists()


def test_one_page_is_painted_where_it_is_asked_for(tmp_path: Path, photo: NDArray[np.uint8], do: Do) -> None:
    frames = [PIL.Image.fromarray(photo[:60, :80]), PIL.Image.fromarray(photo[:30, :50])]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    answer = do("a.tif", "second.png", page=2)
    assert (answer["width"], answer["height"], answer["frames"]) == (50, 30, 1)


def test_the_frames_of_a_sequence_are_those_of_the_command(
    tmp_path: Path, normalizing_pack: StylePack, do: Do, command: Do
) -> None:
    for number in range(FRAMES):
        PIL.Image.fromarray(ramp(3 * number)).save(tmp_path / f"shot.{number:04}.png")
    style = str(normalizing_pack.folder)
    answer = do("shot.%04d.png", "batch/%04d.png", style=style)
    assert (answer["status"], answer["frames"]) == ("done", FRAMES)
    command("image", "shot.%04d.png", "image/%04d.png", style=style)
    for number in range(FRAMES):
        name = f"{number:04}.png"
        assert (tmp_path / "batch" / name).read_bytes() == (tmp_path / "image" / name).read_bytes()
    do("shot.0002.png", "alone.png", style=style)  # with its own statistics
    assert (tmp_path / "alone.png").read_bytes() != (tmp_path / "batch" / "0002.png").read_bytes()


def test_a_broken_frame_of_a_sequence_is_named_and_the_others_are_painted(
    tmp_path: Path, photo: NDArray[np.uint8], do: Do
) -> None:
    for number in range(FRAMES):
        PIL.Image.fromarray(photo[:60, :80]).save(tmp_path / f"shot.{number:04}.png")
    (tmp_path / "shot.0001.png").write_bytes(b"no picture")
    answer = do("shot.%04d.png", "out/%04d.png")
    assert answer["status"] == "failed"
    assert f"1 of {FRAMES} frames failed: {tmp_path}/shot.0001.png" in answer["error"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0000.png", "0002.png"]


def test_a_video_is_that_of_the_command(tmp_path: Path, do: Do, command: Do) -> None:
    make_video(tmp_path / "clip.mp4")
    answer = do("clip.mp4", "batch.mkv", crf=30, fps=5, detail=1)
    event = command("video", "clip.mp4", "video.mkv", "--crf", "30", "--fps", "5", "--detail", "1")
    assert answer["frames"] == event["frames"]
    assert (tmp_path / "batch.mkv").read_bytes() == (tmp_path / "video.mkv").read_bytes()


@pytest.mark.parametrize(
    ("source", "kind"), [("none.png", "MediaError"), ("text.png", "MediaError"), ("text.mp4", "MediaError")]
)
def test_a_fault_is_an_answer(tmp_path: Path, do: Do, source: str, kind: str) -> None:
    for name in ("text.png", "text.mp4"):
        (tmp_path / name).write_text("no picture")
    answer = do(source, f"out{Path(source).suffix}")
    assert (answer["status"], answer["kind"]) == ("failed", kind)
    assert source in answer["error"]


def test_the_folder_of_a_manifest_that_goes_away_is_not_made_again(
    tmp_path: Path, photo: NDArray[np.uint8], tiny_style: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mount = tmp_path / "mount"
    PIL.Image.fromarray(photo[:60, :80]).save(tmp_path / "a.png")
    row = {"input": "a.png", "output": "out/a.png", "style": "tiny"}
    (item,) = items_of(row, is_sequence=False)
    paths = {"input": str(tmp_path / "a.png"), "output": str(mount / "out" / "a.png"), "folder": str(mount)}
    names = {"kind": item.kind, "style": item.style, "variant": None, "style_sha256": "", "mask": None}
    is_dir = Path.is_dir
    monkeypatch.setattr(Path, "is_dir", lambda path: path == mount or is_dir(path))  # it goes right after this check
    answer = Worker("cpu", None, tiny_style.parent).do({**item.options(), **names, **paths, "overwrite": False})
    assert answer["status"] == "failed"
    assert "mount" in answer["error"]
    assert not mount.exists()
