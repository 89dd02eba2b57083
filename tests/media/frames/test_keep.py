from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from stylecli.cli.app import suite
from stylecli.core.errors import UsageError
from stylecli.media.frames.assemble import assemble_video
from stylecli.media.frames.keep import JOURNAL, keeping_frames
from stylecli.media.frames.timing import read_timing
from stylecli.media.images.files import read_picture
from stylecli.media.video.clip import Clip, Frame, probe
from stylecli.media.video.reading.reader import read_frames
from stylecli.stylize.videos.video import stylize_video
from tests.support.clips import UNEVEN, make_video, pixels, times


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a video with uneven timestamps. Read only."""
    return make_video(tmp_path_factory.mktemp("video") / "clip.mp4", UNEVEN)


def test_the_painted_frames_are_kept_and_make_the_same_video_again(video: Path, tmp_path: Path) -> None:
    kept, output, again = tmp_path / "kept", tmp_path / "out.mp4", tmp_path / "again.mp4"
    stylize_video(video, output, paint=lambda frame: 255 - frame, keep_frames=kept)
    for file, frame in zip(sorted(kept.glob("*.png")), read_frames(probe(video)), strict=True):
        assert (read_picture(file).pixels == 255 - frame.pixels).all()
    assert not (kept / JOURNAL).exists()
    assemble_video(kept, again, like=video)
    assert times(again) == times(output)
    assert all((one == other).all() for one, other in zip(pixels(again), pixels(output), strict=True))


def test_the_command_keeps_frames(video: Path, tiny_style: Path, tmp_path: Path) -> None:
    line = ["video", video, "-s", tiny_style, "-o", tmp_path / "out.mp4", "--keep-frames", tmp_path / "kept"]
    result = CliRunner().invoke(suite, [*map(str, line), "--device", "cpu", "--range", "0:0.02"])
    assert result.exit_code == 0, result.output
    assert len(read_timing(tmp_path / "kept").frames) == len(list((tmp_path / "kept").glob("*.png"))) > 0


def test_a_folder_with_something_else_in_it_is_refused(video: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="something else"):
        stylize_video(video, tmp_path / "out.mp4", paint=np.copy, keep_frames=tmp_path / "kept")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept"]


def keep_and_interrupt(folder: Path, clip: Clip, frames: list[Frame]) -> None:
    with keeping_frames(folder, clip) as keep:
        for frame in frames:
            keep(frame)
        raise KeyboardInterrupt


def test_frames_of_an_interrupted_run_are_gone_on_with(video: Path, tmp_path: Path) -> None:
    clip = probe(video)
    frames = list(read_frames(clip))
    with pytest.raises(KeyboardInterrupt):
        keep_and_interrupt(tmp_path, clip, frames[:5])
    assert not (tmp_path / "timing.json").exists()
    with keeping_frames(tmp_path, clip, done=3) as keep:
        for frame in frames[3:]:
            keep(frame)
    assert [frame.pts for frame in read_timing(tmp_path).frames] == [frame.pts for frame in frames]
    assert len(list(tmp_path.glob("*.png"))) == len(frames)


def test_frames_that_should_be_there_and_are_not_are_told(video: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lacks frames"), keeping_frames(tmp_path, probe(video), done=3):
        pass
