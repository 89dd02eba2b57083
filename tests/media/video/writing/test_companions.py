"""Sound as a user wants it: copied, left out, or in one codec; `test_containers` has what it becomes otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from stylecli.core.errors import UsageError
from stylecli.media.video.clip import probe
from stylecli.media.video.streams import OtherStream
from stylecli.media.video.writing.companions import Companion, companions, stream_options
from stylecli.media.video.writing.containers import CONTAINERS, container_for
from tests.support.clips import codecs, ffmpeg, make_video, sound_packets

OF_THEIR_OWN = {"pcm_bluray": ".m2ts", "pcm_dvd": ".vob"}  # containers; the others go into .mkv or .mov


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_video(tmp_path_factory.mktemp("video") / "video.mkv", range(0, 200, 40))


def with_codec(video: Path, folder: Path, making: str) -> Path:
    """The video with a fifth of a second of noise that `making` encodes."""
    encoder, *more = making.split()
    is_of_quicktime = encoder in ("nellymoser", "adpcm_ima_qt", "pcm_f32be", "pcm_s8")
    path = folder / f"in{OF_THEIR_OWN.get(encoder, '.mov' if is_of_quicktime else '.mkv')}"
    noise = ("-f", "lavfi", "-i", "anoisesrc=duration=0.2:sample_rate=48000:seed=1:amplitude=0.3")
    ffmpeg("-i", video, *noise, "-map", "0", "-map", "1", "-c:v", "mpeg2video" if encoder == "pcm_dvd" else "copy",
           "-c:a", encoder, "-strict", "-2", "-ac", "1" if more else "2", *more, path)  # fmt: skip
    return path


# --- as the user wants it


@pytest.fixture(scope="module")
def spoken(video: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_codec(video, tmp_path_factory.mktemp("spoken"), "pcm_s16le")


@pytest.mark.parametrize(
    ("audio", "suffix", "encoder"),
    [("copy", ".mkv", "copy"), ("aac", ".mkv", "aac"), ("opus", ".mp4", "libopus"), ("mp3", ".mp4", "libmp3lame"),
     ("flac", ".mp4", "flac"), ("pcm", ".mov", "pcm_s16le"), ("pcm_s16le", ".mov", "copy")],
)  # fmt: skip
def test_all_sound_gets_the_codec_that_is_asked_for(
    spoken: Path, tmp_path: Path, audio: str, suffix: str, encoder: str
) -> None:
    (kept,), messages = companions(probe(spoken), container_for(Path(f"o{suffix}")), folder=tmp_path, audio=audio)
    assert (kept.encoder, messages) == (encoder, [])


def test_no_sound_is_written_where_none_is_asked_for(spoken: Path, tmp_path: Path) -> None:
    assert companions(probe(spoken), CONTAINERS[".mp4"], folder=tmp_path, audio="none") == ([], [])


@pytest.mark.parametrize(
    ("audio", "suffix", "fault"),
    [("copy", ".webm", "cannot be copied into webm.*Leave `audio` out"),
     ("ac3", ".webm", 'cannot be written as ac3 into webm.*`audio="libopus"`'),
     ("no-such-codec", ".mp4", 'no-such-codec into mp4.*`audio="aac"`'),
     ("aac", ".gif", 'as aac into gif.*`audio="none"`')],
)  # fmt: skip
def test_sound_that_cannot_be_as_it_is_wanted_is_refused(
    spoken: Path, tmp_path: Path, audio: str, suffix: str, fault: str
) -> None:
    with pytest.raises(UsageError, match=fault):
        companions(probe(spoken), CONTAINERS[suffix], folder=tmp_path, audio=audio)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_not_taken_for_sound_that_nobody_can_hear(video: Path, tmp_path: Path) -> None:
    from stylecli.media.video.writing.companions import _sounds

    ffmpeg("-i", video, "-c", "copy", tmp_path / "silent.mkv")
    assert not _sounds(tmp_path / "silent.mkv")
    assert codecs(tmp_path / "silent.mkv") == ["h264"]
    assert sound_packets(with_codec(video, tmp_path, "flac"))


def test_encoders_hear_how_many_channels_there_are() -> None:
    sound = OtherStream(index=1, kind="sound", codec="speex", channels=1, samples=0, tags={})
    options = stream_options(1, Companion(sound, "aac"), container_for(Path("out.mp4")), source=1, is_cut=False)
    assert options["ac:1"] == "1"  # the decoder of Speex does not tell the layout, and AAC wants one
