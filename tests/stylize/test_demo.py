"""`stylecli demo`: everything is written, moves and sounds; twice is fine; nothing else is touched."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
from click.testing import CliRunner

from stylecli.cli.app import suite
from stylecli.core.errors import MediaError, PackError, UsageError
from stylecli.core.progress import Step
from stylecli.media.images.files import read_picture
from stylecli.packs.pack import StylePack
from stylecli.stylize.demo import Extent, make_demo

SMALL = Extent(picture=(120, 81), clip=(96, 64), frames=6, rate=Fraction(12))
FILES = ["photo.jpg", "photo-tiny.jpg", "sheet.jpg", "film.mp4", "film-tiny.mp4"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, tiny_pack: StylePack) -> Path:
    """Give the folder of a small demo. Read only."""
    folder = tmp_path_factory.mktemp("demo")
    make_demo(folder, [tiny_pack], device="cpu", extent=SMALL)
    return folder


def test_every_file_is_written_and_nothing_else(demo: Path) -> None:
    assert sorted(path.name for path in demo.iterdir()) == sorted(FILES)


def test_the_picture_is_stylized(demo: Path) -> None:
    photo, painted = (read_picture(demo / name).pixels for name in ("photo.jpg", "photo-tiny.jpg"))
    assert photo.shape == painted.shape == (81, 120, 3)
    assert np.abs(photo.astype(int) - painted).mean() > 10


@pytest.mark.parametrize("name", ["film.mp4", "film-tiny.mp4"])
def test_the_clip_has_every_frame_and_says_its_colours(demo: Path, name: str) -> None:
    with av.open(str(demo / name)) as container:
        (video,) = container.streams.video
        frames = list(container.decode(video))
        assert (video.codec_context.name, video.average_rate) == ("h264", SMALL.rate)
        assert (video.width, video.height, video.pix_fmt) == (96, 64, "yuv420p")
    assert [frame.time for frame in frames] == pytest.approx([index / 12 for index in range(6)])
    tags = {(frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc) for frame in frames}
    assert tags == {(1, 1, 1, 1)}  # BT.709, limited range


@pytest.mark.parametrize("name", ["film.mp4", "film-tiny.mp4"])
def test_the_clip_sounds(demo: Path, name: str) -> None:
    with av.open(str(demo / name)) as container:
        (sound,) = container.streams.audio
        samples = np.concatenate([frame.to_ndarray() for frame in container.decode(sound)], axis=1)
        assert (sound.codec_context.name, sound.rate, sound.layout.name) == ("aac", 48_000, "stereo")
    assert samples.shape[1] / 48_000 == pytest.approx(0.5, abs=0.1)  # AAC pads to whole blocks
    assert 0.05 < np.abs(samples).max() <= 1


def test_the_colours_of_the_clip_are_those_of_the_photo(demo: Path) -> None:
    from stylecli.media.video.clip import probe
    from stylecli.media.video.reading.reader import read_frames
    from stylecli.photos.film import sample_film

    decoded = next(iter(read_frames(probe(demo / "film.mp4")))).pixels
    rendered = next(sample_film(*SMALL.clip, SMALL.frames))
    # The mean over the frame: chroma subsampling moves colours about, a wrong matrix would shift them all.
    assert np.allclose(decoded.mean(axis=(0, 1)), rendered.mean(axis=(0, 1)), atol=1.5)


def test_a_second_time_replaces_the_demo_and_keeps_other_files(tmp_path: Path, tiny_pack: StylePack) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"old")
    (tmp_path / "mine.txt").write_text("keep me")
    written = make_demo(tmp_path, [tiny_pack], device="cpu", extent=SMALL)
    assert [path.name for path in written] == FILES
    assert read_picture(tmp_path / "photo.jpg").pixels.shape == (81, 120, 3)
    assert (tmp_path / "mine.txt").read_text() == "keep me"


def test_progress_rises_to_the_end(tmp_path: Path, tiny_pack: StylePack) -> None:
    steps: list[Step] = []
    make_demo(tmp_path, [tiny_pack], device="cpu", extent=SMALL, progress=steps.append)
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert {step.total for step in steps} == {steps[-1].done}
    assert list(dict.fromkeys(step.label for step in steps)) == FILES


def test_an_interrupted_clip_leaves_no_half_file(tmp_path: Path, tiny_pack: StylePack) -> None:
    def interrupt(step: Step) -> None:
        if step.label == "film.mp4" and step.done > 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_demo(tmp_path, [tiny_pack], device="cpu", extent=SMALL, progress=interrupt)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES[:3])


def test_without_any_style_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="no style was found"):
        make_demo(tmp_path, [])


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path, tiny_pack: StylePack) -> None:
    (tmp_path / "demo").write_text("a file")
    with pytest.raises(UsageError, match="is a file"):
        make_demo(tmp_path / "demo", [tiny_pack])


def test_a_full_disk_is_told_before_anything_is_painted(
    tmp_path: Path, tiny_pack: StylePack, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[Step] = []
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=20))
    with pytest.raises(MediaError, match="more are needed on its disk"):
        make_demo(tmp_path / "demo", [tiny_pack], extent=SMALL, progress=steps.append)
    assert steps == []


def test_the_command_prints_the_paths(tiny_style: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(tiny_style, tmp_path / "shelf" / "tiny")
    monkeypatch.setattr("stylecli.packs.shelves.bundled_shelf", lambda: tmp_path / "none")
    defaults = make_demo.__kwdefaults__ or {}
    monkeypatch.setitem(defaults, "extent", SMALL)
    options = ["--styles-dir", str(tmp_path / "shelf"), "-o", str(tmp_path / "out"), "--device", "cpu"]
    result = CliRunner().invoke(suite, ["demo", *options], catch_exceptions=False)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [str(tmp_path / "out" / name) for name in FILES]
