"""Kinds of awkward videos that people really have: what must come of each, in every container."""

from __future__ import annotations

import sys
from pathlib import Path

import av
import pytest

from stylecli.core.errors import MediaError
from stylecli.media.frames.assemble import assemble_video
from stylecli.media.frames.split import split_video
from stylecli.media.frames.timing import read_timing
from stylecli.media.video.clip import probe
from stylecli.media.video.containers import container_for
from stylecli.media.video.delivery import check_delivery
from stylecli.media.video.plan import VideoOptions, VideoResult
from stylecli.stylize.videos import stylize_video
from tests.support.clips import codecs, ffmpeg, make_video, times, with_sound

CHAPTERS = (
    ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=200\ntitle=One\n"
    "[CHAPTER]\nTIMEBASE=1/1000\nSTART=200\nEND=400\ntitle=Two\n"
)
# A program that ends well and leaves an empty file, as ffmpeg 9 does where a file is there already and no -y is given.
EMPTY_HANDED = '#!/bin/sh\nfor word; do case "$word" in file:*) target="${word#file:}";; esac; done\n: > "$target"\n'

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="needs shell scripts")


def stylize(source: Path, output: Path, options: VideoOptions | None = None) -> VideoResult:
    return stylize_video(source, output, paint=lambda picture: picture, options=options)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return make_video(tmp_path / "in.mp4")


def with_data_track(video: Path, path: Path, code: bytes) -> Path:
    """Copy a video and give it a data track of two samples with this four-letter code."""
    tags = path.with_name("chapters.txt")
    tags.write_text(CHAPTERS)
    ffmpeg("-i", video, "-i", tags, "-map_chapters", "1", "-map", "0", "-c", "copy", path)
    # The chapters of MP4 are such a track: under another code, and without the reference to it, it is a camera's.
    content = path.read_bytes().replace(b"chap", b"cdsc").replace(b"chpl", b"free").replace(b"text", code)
    path.write_bytes(content)
    return path


def data_streams(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(stream.type == "data" for stream in container.streams)


# --- nothing is delivered that was not read back


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_only_the_data_track_that_cannot_be_written_is_left_out(video: Path, tmp_path: Path, suffix: str) -> None:
    source = with_data_track(with_sound(video, tmp_path / "sound.mp4"), tmp_path / "mebx.mp4", b"mebx")
    assert data_streams(source) == 1
    result = stylize(source, tmp_path / f"out{suffix}")
    assert ["data" in message and "left out" in message for message in result.messages] == [True] * (suffix != ".mov")
    assert times(tmp_path / f"out{suffix}") == times(source)
    assert codecs(tmp_path / f"out{suffix}") == ["h264", "aac"]


def test_a_data_track_that_can_be_written_is_kept_beside_as_many_chapters(video: Path, tmp_path: Path) -> None:
    camera = with_data_track(video, tmp_path / "gpmd.mp4", b"gpmd")
    source = tmp_path / "chapters.mp4"
    (tmp_path / "chapters.txt").write_text(CHAPTERS.replace("One", "Calm").replace("Two", "Storm"))
    ffmpeg("-i", camera, "-i", tmp_path / "chapters.txt", "-map", "0", "-map_chapters", "1", "-c", "copy", source)
    assert data_streams(source) == 2
    assert stylize(source, tmp_path / "out.mp4").messages == ()
    assert data_streams(tmp_path / "out.mp4") == 2
    assert probe(tmp_path / "out.mp4").chapters == 2


@posix_only
@pytest.mark.parametrize("command", ["video", "assemble"])
def test_an_empty_file_never_replaces_a_good_one(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    output = tmp_path / "out.mp4"
    output.write_text("precious")
    split_video(video, tmp_path / "frames")
    (tmp_path / "ffmpeg").write_text(EMPTY_HANDED)
    (tmp_path / "ffmpeg").chmod(0o755)
    monkeypatch.setenv("STYLECLI_FFMPEG", str(tmp_path / "ffmpeg"))
    runs = {
        "video": lambda: stylize_video(video, output, paint=lambda picture: picture, overwrite=True),
        "assemble": lambda: assemble_video(tmp_path / "frames", output, like=video, overwrite=True),
    }
    with pytest.raises(MediaError, match=r"out\.mp4: what was written cannot be read back"):
        runs[command]()
    assert output.read_text() == "precious"


def test_a_file_that_lacks_frames_or_time_is_not_delivered(video: Path, tmp_path: Path) -> None:
    short = make_video(tmp_path / "short.mp4", range(0, 4608, 512))
    fast = make_video(tmp_path / "fast.mp4", range(0, 2560, 256))
    for draft, fault in ((short, "9 frames of 10"), (fast, r"frames over 0\.18 s instead of 0\.36 s")):
        with pytest.raises(MediaError, match=fault):
            check_delivery(
                draft, picture=video, frames=10, container=container_for(draft), streams=[], output=tmp_path / "out.mp4"
            )


def test_a_file_that_lacks_a_stream_is_not_delivered(video: Path, tmp_path: Path) -> None:
    from stylecli.media.video.companions import companions

    source = with_sound(video, tmp_path / "sound.mp4")
    streams, _ = companions(probe(source), container_for(source), folder=tmp_path)
    with pytest.raises(MediaError, match="0 of 1 sound streams"):
        check_delivery(
            video, picture=video, frames=10, container=container_for(source), streams=streams, output=tmp_path / "o.mp4"
        )


# --- clocks


def jumping(folder: Path, kind: str) -> Path:
    """Two recordings of two seconds in one file, the second with another clock."""
    parts = []
    for number, offset in enumerate(("0", {"back": "0", "forward": "36000"}[kind])):
        parts.append(folder / f"part{number}.ts")
        ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=2", "-f", "lavfi", "-i", "sine=duration=2",
               "-c:v", "mpeg2video", "-b:v", "2M", "-c:a", "mp2", "-output_ts_offset", offset, parts[-1])  # fmt: skip
    (folder / "in.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    return folder / "in.ts"


@pytest.mark.parametrize("kind", ["back", "forward"])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_clock_that_jumps_runs_on(tmp_path: Path, kind: str, suffix: str) -> None:
    result = stylize(jumping(tmp_path, kind), tmp_path / f"out{suffix}")
    assert ["clock" in message for message in result.messages] == [True]
    shown = times(tmp_path / f"out{suffix}")
    assert len(shown) in (99, 100)  # a demuxer may lose the frame at the seam
    assert float(shown[-1] - shown[0]) == pytest.approx(3.96, abs=0.1)
    with av.open(str(tmp_path / f"out{suffix}")) as container:
        sound = [float(one.pts * one.time_base) for one in container.demux(audio=0) if one.pts is not None]
    assert sound[-1] - float(shown[-1]) == pytest.approx(0, abs=0.1)


def test_a_clock_that_jumps_runs_on_in_frames(tmp_path: Path) -> None:
    result = split_video(jumping(tmp_path, "forward"), tmp_path / "frames")
    timing = read_timing(tmp_path / "frames")
    shown = [frame.pts * timing.time_base for frame in timing.frames]
    assert result.frames in (99, 100)
    assert float(shown[-1] - shown[0]) == pytest.approx(3.96, abs=0.1)


# --- sound


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_sound_that_begins_late_is_kept(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / "in.ts"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=12", "-itsoffset", "9", "-f", "lavfi",
           "-i", "sine=duration=2", "-map", "0", "-map", "1", "-c:v", "mpeg2video", "-b:v", "2M", "-c:a", "ac3",
           source)  # fmt: skip
    result = stylize(source, tmp_path / f"out{suffix}")
    assert result.messages == ()
    assert codecs(tmp_path / f"out{suffix}") == ["h264", "ac3"]
    with av.open(str(tmp_path / f"out{suffix}")) as container:
        packets = [packet for packet in container.demux() if packet.pts is not None]
        begins = [min(float(one.pts * one.time_base) for one in packets if one.stream.type == kind) for kind in
                  ("video", "audio")]  # fmt: skip
    assert begins[1] - begins[0] == pytest.approx(9, abs=0.05)


@pytest.mark.parametrize(
    ("name", "codec", "output", "heard"),
    [
        ("in.mov", "pcm_f32be", "out.mkv", "pcm_f32le"),
        ("in.mov", "pcm_s24le", "out.mp4", "flac"),
        ("in.mov", "pcm_s16le", "out.mov", "pcm_s16le"),
        ("in.mov", "adpcm_ima_qt", "out.mkv", "aac"),
        ("in.mkv", "flac", "out.mov", "pcm_s24le"),
        ("in.m2ts", "pcm_bluray", "out.mkv", "pcm_s24le"),
        ("in.mov", "pcm_s16le", "out.webm", "opus"),
    ],
)
def test_sound_that_the_muxer_refuses_is_converted_with_as_little_loss_as_it_can(
    video: Path, tmp_path: Path, name: str, codec: str, output: str, heard: str
) -> None:
    source = with_sound(video, tmp_path / name, codec=codec)
    result = stylize(source, tmp_path / output)
    assert codecs(tmp_path / output)[-1] == heard
    assert len(result.messages) == (codec != heard)


def test_sixteen_channels_are_kept(video: Path, tmp_path: Path) -> None:
    sine = "sine=duration=1,aformat=channel_layouts=hexadecagonal"
    ffmpeg("-i", video, "-f", "lavfi", "-i", sine, "-c:v", "copy", "-c:a", "pcm_s16le", tmp_path / "in.mov")
    stylize(tmp_path / "in.mov", tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.audio[0].channels == 16


def test_a_sound_codec_that_nobody_knows_is_called_unknown(video: Path, tmp_path: Path) -> None:
    source = with_sound(video, tmp_path / "apac.mp4")
    source.write_bytes(source.read_bytes().replace(b"mp4a", b"apac").replace(b"esds", b"free"))
    (message,) = stylize(source, tmp_path / "out.mp4").messages
    assert message == "sound stream 1 (unknown codec) is left out: its codec is unknown"
