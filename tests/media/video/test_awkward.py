"""Kinds of awkward videos that people really have: what must come of each, in every container."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.core.errors import MediaError, UsageError
from stylecli.media.frames.assemble import assemble_video
from stylecli.media.frames.split import split_video
from stylecli.media.frames.timing import read_timing
from stylecli.media.video.clip import probe
from stylecli.media.video.plan import VideoOptions, VideoResult
from stylecli.media.video.reading.reader import read_frames
from stylecli.media.video.writing.codecs import EncoderOptions
from stylecli.media.video.writing.companions import Companion, companions
from stylecli.media.video.writing.containers import container_for
from stylecli.media.video.writing.delivery import check_delivery
from stylecli.stylize.videos.video import stylize_video
from tests.support.clips import Made, codecs, ffmpeg, make_interlaced, make_video, pixels, times, with_sound

CHAPTERS = (
    ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=200\ntitle=One\n"
    "[CHAPTER]\nTIMEBASE=1/1000\nSTART=200\nEND=400\ntitle=Two\n"
)
# A program that ends well and leaves an empty file, as ffmpeg 9 does where a file is there already and no -y is given.
EMPTY_HANDED = '#!/bin/sh\nfor word; do case "$word" in file:*) target="${word#file:}";; esac; done\n: > "$target"\n'

CLEARLY_THE_SAME = 6.0  # steps of 255: the cost of scaling and of another encoding of a test picture

COLOR_BARS = ("-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=0.8", "-pix_fmt", "yuv420p")
TICK = Fraction(1, 1000)

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


def test_the_text_track_of_chapters_is_no_loss_where_it_lacks_one(video: Path, tmp_path: Path) -> None:
    source = tmp_path / "chapters.mp4"
    (tmp_path / "chapters.txt").write_text(CHAPTERS)
    ffmpeg("-i", video, "-i", tmp_path / "chapters.txt", "-map_chapters", "1", "-map", "0", "-c", "copy", source)
    content = bytearray(source.read_bytes())
    count = content.rindex(b"stts") + 12  # of the times of its samples: ffmpeg 5 leaves out the last one
    content[count : count + 4] = (1).to_bytes(4, "big")
    source.write_bytes(content)
    assert stylize(source, tmp_path / "out.mkv").messages == ()
    assert probe(tmp_path / "out.mkv").chapters == 2


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


def deliver(draft: Path, picture: Path, streams: Sequence[Companion]) -> None:
    check_delivery(draft, picture=picture, frames=10, clip=probe(picture), container=container_for(draft),
                   streams=streams, output=draft.with_name("out.mp4"))  # fmt: skip


def test_a_file_that_lacks_frames_or_time_is_not_delivered(video: Path, tmp_path: Path) -> None:
    short = make_video(tmp_path / "short.mp4", range(0, 4608, 512))
    fast = make_video(tmp_path / "fast.mp4", range(0, 2560, 256))
    for draft, fault in ((short, "9 frames of 10"), (fast, r"frames over 0\.18 s instead of 0\.36 s")):
        with pytest.raises(MediaError, match=fault):
            check_delivery(
                draft,
                picture=video,
                frames=10,
                clip=probe(video),
                container=container_for(draft),
                streams=[],
                output=tmp_path / "out.mp4",
            )


def test_a_file_that_lacks_a_stream_is_not_delivered(video: Path, tmp_path: Path) -> None:
    source = with_sound(video, tmp_path / "sound.mp4")
    streams, _ = companions(probe(source), container_for(source), folder=tmp_path)
    with pytest.raises(MediaError, match="0 of 1 sound streams"):
        check_delivery(
            video,
            picture=video,
            frames=10,
            clip=probe(video),
            container=container_for(source),
            streams=streams,
            output=tmp_path / "o.mp4",
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


# --- damage


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """Give a video of 100 frames, one of which cannot be decoded and is no other's reference."""
    source = tmp_path / "damaged.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=4", "-c:v", "mjpeg", source)
    with av.open(str(source)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    content = bytearray(source.read_bytes())
    position, size = packets[60]
    assert position is not None
    content[position : position + size] = bytes(size)
    source.write_bytes(content)
    return source


def test_one_bad_frame_costs_one_frame_and_is_told(damaged: Path, tmp_path: Path) -> None:
    result = stylize(damaged, tmp_path / "out.mp4")
    assert result.frames == 99
    assert result.messages == ("frames that cannot be decoded and are left out: 1, at 2.40 s",)
    assert [time * 25 for time in times(tmp_path / "out.mp4")] == [*range(60), *range(61, 100)]


def test_one_bad_frame_is_refused_by_the_strict(damaged: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"damaged\.mp4: a frame at 2\.4\d s cannot be decoded"):
        stylize(damaged, tmp_path / "out.mp4", VideoOptions(strict=True))
    assert not (tmp_path / "out.mp4").exists()


def test_many_bad_frames_are_refused_unless_what_is_there_is_wanted(tmp_path: Path) -> None:
    source = tmp_path / "damaged.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=4", "-c:v", "mjpeg", source)
    with av.open(str(source)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    content = bytearray(source.read_bytes())
    for position, size in packets[20:50]:
        assert position is not None
        content[position : position + size] = bytes(size)
    source.write_bytes(content)
    with pytest.raises(MediaError, match=r"30 of 100 frames cannot be decoded.*allow_truncated"):
        stylize(source, tmp_path / "out.mp4")
    assert stylize(source, tmp_path / "out.mp4", VideoOptions(allow_truncated=True)).frames == 70


def test_frames_that_are_missing_in_the_middle_are_told(tmp_path: Path) -> None:
    ticks = [*range(0, 40 * 50, 40), *range(40 * 62, 40 * 120, 40)]
    source = make_video(tmp_path / "in.mkv", ticks, Made(time_base=Fraction(1, 1000)))
    assert stylize(source, tmp_path / "out.mp4").messages == ("frames that the source lacks: 12, at 2.00 s",)
    with pytest.raises(MediaError, match="lacks: 12"):
        stylize(source, tmp_path / "strict.mp4", VideoOptions(strict=True))


def interlaced_parts(folder: Path) -> Path:
    """An interlaced broadcast whose size changes after a second."""
    content = b""
    for number, size in enumerate(("64x48", "96x64")):
        part = folder / f"part{number}.ts"
        ffmpeg("-f", "lavfi", "-i", f"testsrc2=size={size}:rate=50:duration=1", "-vf", "interlace", "-c:v",
               "mpeg2video", "-b:v", "2M", "-flags", "+ildct+ilme", "-output_ts_offset", str(number), part)  # fmt: skip
        content += part.read_bytes()
    (folder / "in.ts").write_bytes(content)
    return folder / "in.ts"


def test_an_interlaced_video_whose_size_changes_keeps_all_of_every_frame(tmp_path: Path) -> None:
    source = interlaced_parts(tmp_path)
    result = stylize(source, tmp_path / "out.mp4")
    assert result.frames in (49, 50)
    assert any("another size" in message for message in result.messages)
    ffmpeg("-i", tmp_path / "part1.ts", "-vf", "bwdif=send_frame,scale=64:48", "-c:v", "ffv1", tmp_path / "whole.mkv")
    shown, whole = pixels(tmp_path / "out.mp4")[-5], pixels(tmp_path / "whole.mkv")[-5]
    assert np.abs(shown.astype(float) - whole).mean() < CLEARLY_THE_SAME


def test_an_interlaced_video_that_is_cut_off_is_kept_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = make_interlaced(tmp_path / "whole.mkv", seconds=4)
    (tmp_path / "cut.mkv").write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    with pytest.raises(MediaError, match="cut off"):
        stylize(tmp_path / "cut.mkv", tmp_path / "out.mp4")
    assert 20 < stylize(tmp_path / "cut.mkv", tmp_path / "out.mp4", VideoOptions(allow_truncated=True)).frames < 90


# --- colours


@pytest.mark.parametrize(("transfer", "code"), [("arib-std-b67", 18), ("smpte2084", 16)])
def test_hdr_of_eight_bits_is_as_bright_as_hdr_of_ten(tmp_path: Path, transfer: str, code: int) -> None:
    means = []
    for pixel_format in ("yuv420p", "yuv420p10le"):
        source = tmp_path / f"{pixel_format}.mp4"
        ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=0.2", "-vf",
               f"format={pixel_format},setparams=color_trc={transfer}:color_primaries=bt2020:colorspace=bt2020nc",
               "-c:v", "libx264", "-color_trc", transfer, source)  # fmt: skip
        clip = probe(source)
        assert clip.color.transfer == code
        frame = next(read_frames(clip))
        assert frame.pixels.dtype == (np.uint8 if pixel_format == "yuv420p" else np.uint16)
        means.append(frame.pixels.mean() / np.iinfo(frame.pixels.dtype).max)
    assert means[0] == pytest.approx(means[1], abs=0.01)
    assert means[0] > 0.1


# --- the last frame


def ends(path: Path) -> float:
    """When the file ends, in seconds, as a player sees it."""
    duration = probe(path).duration
    assert duration is not None
    return float(duration)


@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.mkv", "out.webm", "out.gif"])
def test_the_last_frame_is_held_as_long_as_it_was(tmp_path: Path, name: str) -> None:
    video = make_video(tmp_path / "uneven.mkv", (0, 100, 150, 160, 350, 650, 750, 1450), Made(time_base=TICK))
    source = tmp_path / "in.gif"
    ffmpeg("-i", video, "-fps_mode", "passthrough", "-enc_time_base", "1:1000", "-final_delay", "300", source)
    assert ends(source) == pytest.approx(4.45, abs=0.02)
    stylize(source, tmp_path / name)
    assert ends(tmp_path / name) == pytest.approx(4.45, abs=0.02)
    assert [float(time) for time in times(tmp_path / name)] == pytest.approx(
        [float(time) for time in times(source)], abs=0.011
    )


@pytest.mark.parametrize("size", [(8, 200), (24, 400)])
def test_av1_refuses_a_narrow_picture_at_once_and_names_a_codec_that_takes_it(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    source = make_video(tmp_path / "in.mp4", made=Made(size=size))
    with pytest.raises(UsageError, match=r"too small for av1.*h264"):
        stylize(source, tmp_path / "out.mp4", VideoOptions(EncoderOptions(codec="av1")))


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


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".ts"])
def test_sound_that_an_edit_list_leaves_out_does_not_return(tmp_path: Path, suffix: str) -> None:
    long, source, output = (tmp_path / name for name in ("long.mp4", "in.mp4", f"out{suffix}"))
    sweep = "aevalsrc=0.5*sin(2*PI*(200+700*t)*t):s=48000:d=3"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=3", "-f", "lavfi", "-i", sweep, "-c:v", "libx264",
           "-g", "100", "-bf", "2", "-c:a", "aac", long)  # fmt: skip
    ffmpeg("-ss", "1.3", "-i", long, "-c", "copy", source)
    stylize(source, output)
    before, after = sound_after_the_first_frame(source), sound_after_the_first_frame(output)
    assert len(after) == pytest.approx(len(before), abs=2 * 1024)
    place = int(np.correlate(after, before[24000:28800], "valid").argmax())
    assert place == pytest.approx(24000, abs=480)


def sound_after_the_first_frame(path: Path) -> NDArray[np.float32]:
    """The samples of the sound from the time of the first frame on, as a player plays them."""
    with av.open(str(path)) as container:
        first = next(container.decode(video=0))
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
    assert frames[0].pts is not None
    assert first.pts is not None
    start = float(first.pts * first.time_base - frames[0].pts * frames[0].time_base)
    assert start == pytest.approx(0, abs=0.05)
    return np.concatenate([frame.to_ndarray().ravel() for frame in frames])[max(0, round(48000 * start)) :]


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


# --- names, starts, rates


@posix_only
@pytest.mark.parametrize(
    "name",
    [
        b"100% [1-2] %03d",
        b"a:b",
        b"x" * 251,
        b"caf\xe9",
        "\u65e5\u672c".encode() * 30,
        b"-y",
        b"q'uo\"te;\\",
        b"new\nline",
    ],
    ids=ascii,
)
def test_any_name_is_taken_and_made(video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: bytes) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.chdir(folder)  # relative names are the harder ones
    source, frames, output = (Path(os.fsdecode(name + suffix)) for suffix in (b".mp4", b"", b".mkv"))
    try:
        source.write_bytes(with_sound(video, tmp_path / "sound.mp4").read_bytes())
    except OSError:
        pytest.skip("this file system has no such names")
    assert stylize_video(source, output, paint=lambda picture: picture, fingerprint={"look": "none"}).frames == 10
    assert split_video(source, frames).frames == 10
    assert assemble_video(frames, output, like=source, overwrite=True).frames == 10
    assert {os.fsencode(path) for path in Path().iterdir()} == {os.fsencode(path) for path in (source, frames, output)}


@pytest.mark.parametrize("name", ["in.mkv", "in.flv"])
def test_a_late_start_makes_a_video_no_longer(video: Path, tmp_path: Path, name: str) -> None:
    source = tmp_path / name
    ffmpeg("-i", with_sound(video, tmp_path / "sound.mp4"), "-c", "copy", "-output_ts_offset", "30000", source)
    clip = probe(source)
    assert clip.duration is not None
    assert clip.duration < 2
    assert (clip.frames() or 0) < 50
    assert stylize(source, tmp_path / "out.mp4").frames == 10


def test_a_gif_plays_as_fast_as_a_video_of_more_than_50_frames_a_second(tmp_path: Path) -> None:
    source = make_video(
        tmp_path / "in.mp4", [number * 1000 for number in range(60)], Made(time_base=Fraction(1, 60000))
    )
    result = stylize(source, tmp_path / "out.gif")
    assert any("at most 50 frames a second" in message for message in result.messages)
    assert ends(tmp_path / "out.gif") == pytest.approx(1, abs=0.03)
    shown = times(tmp_path / "out.gif")
    assert min(later - time for time, later in pairwise(shown)) >= Fraction(1, 50)


# --- tags, covers, captions


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_tags_of_phones_are_kept(video: Path, tmp_path: Path, suffix: str) -> None:
    tags = {"com.apple.quicktime.make": "Fruit", "com.android.version": "16", "title": "Sea"}
    words = [word for name, value in tags.items() for word in ("-metadata", f"{name}={value}")]
    source = tmp_path / "phone.mov"
    ffmpeg("-i", video, "-c", "copy", "-movflags", "use_metadata_tags", *words, "-metadata",
           "creation_time=2024-05-06T07:08:09Z", source)  # fmt: skip
    stylize(source, tmp_path / f"out{suffix}")
    with av.open(str(tmp_path / f"out{suffix}")) as container:
        written = dict(container.metadata)
    assert {name: written.get(name) for name in tags} == tags
    assert written["creation_time"].startswith("2024-05-06T07:08:09")


def test_a_cover_goes_before_tags_of_phones_in_mp4(video: Path, tmp_path: Path) -> None:
    cover, source = tmp_path / "cover.png", tmp_path / "in.mkv"
    ffmpeg("-f", "lavfi", "-i", "color=red:size=32x32", "-frames:v", "1", cover)
    ffmpeg("-i", video, "-c", "copy", "-attach", cover, "-metadata:s:t:0", "mimetype=image/png", "-metadata",
           "com.android.version=16", source)  # fmt: skip
    (message,) = stylize(source, tmp_path / "out.mp4").messages
    assert message == "tags that mp4 has no place for: COM.ANDROID.VERSION"
    assert [other.kind for other in probe(tmp_path / "out.mp4").others] == ["cover"]


def test_both_covers_are_kept_in_matroska(video: Path, tmp_path: Path) -> None:
    source = tmp_path / "covers.mkv"
    attached: list[str | Path] = []
    for number, color in enumerate(("red", "blue")):
        cover = tmp_path / f"{color}.png"
        ffmpeg("-f", "lavfi", "-i", f"color={color}:size=32x32", "-frames:v", "1", cover)
        attached += ["-attach", cover, f"-metadata:s:t:{number}", "mimetype=image/png"]
    ffmpeg("-i", video, "-c", "copy", *attached, source)
    assert stylize(source, tmp_path / "out.mkv").messages == ()
    assert [other.kind for other in probe(tmp_path / "out.mkv").others] == ["cover", "cover"]


def test_chapters_that_a_broadcast_has_no_place_for_are_named(video: Path, tmp_path: Path) -> None:
    (tmp_path / "tags.txt").write_text(CHAPTERS)
    ffmpeg("-i", video, "-i", tmp_path / "tags.txt", "-map_chapters", "1", "-c", "copy", tmp_path / "in.mkv")
    assert stylize(tmp_path / "in.mkv", tmp_path / "out.ts").messages == ("mpegts has no chapters: they are left out",)


def test_a_playlist_with_segments_is_read_as_one_video_from_0_on(tmp_path: Path) -> None:
    ffmpeg(*COLOR_BARS, "-g", "5", "-f", "hls", "-hls_time", "0.2", "-hls_list_size", "0", tmp_path / "list.m3u8")
    result = stylize(tmp_path / "list.m3u8", tmp_path / "out.mp4")
    assert result.messages == ()
    assert times(tmp_path / "out.mp4") == [Fraction(number, 25) for number in range(20)]


def test_a_frame_that_is_half_a_frame_late_is_no_hole(tmp_path: Path) -> None:
    stamps = [0, *(number * 512 + 270 for number in range(1, 12))]  # as in the first fragment of a stream
    assert stylize(make_video(tmp_path / "in.mp4", stamps), tmp_path / "out.mp4").messages == ()


# --- colours of finer resolution than that of the result


@pytest.mark.parametrize(
    ("made_as", "options", "told"),
    [
        ("yuv444p", EncoderOptions(), "yuv444p and becomes that of yuv420p"),
        ("yuv422p", EncoderOptions(), "yuv422p and becomes that of yuv420p"),
        ("bgr0", EncoderOptions(), "bgr0 and becomes that of yuv420p"),
        ("yuv420p", EncoderOptions(), None),
        ("gray", EncoderOptions(), None),
        ("yuv444p", EncoderOptions(pixel_format="yuv444p"), None),
        ("yuv444p", EncoderOptions(pixel_format="yuv420p"), None),
        ("yuv444p", EncoderOptions("ffv1"), None),
    ],
)
def test_colors_that_become_coarser_are_told(
    tmp_path: Path, made_as: str, options: EncoderOptions, told: str | None
) -> None:
    source = tmp_path / "in.mkv"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=0.2", "-pix_fmt", made_as, "-c:v", "ffv1", source)
    messages = stylize(source, tmp_path / "out.mkv", VideoOptions(options)).messages
    assert ["resolution of the colours" in message for message in messages] == [True] * (told is not None)
    assert told is None or (told in messages[0] and '`pixel_format="yuv444p"` keeps it' in messages[0])


# --- a fragmented file, whose headers do not tell how long it is


@pytest.mark.parametrize(("box", "behind"), [(b"moof", 4), (b"mdat", 100)])  # bytes of the last one that are there
def test_a_file_that_ends_in_a_fragment_is_refused(video: Path, tmp_path: Path, box: bytes, behind: int) -> None:
    whole = tmp_path / "whole.mp4"
    ffmpeg("-i", video, "-c:v", "libx264", "-g", "5", "-movflags", "frag_keyframe+empty_moov", whole)
    assert stylize(whole, tmp_path / "out.mp4").frames == 10
    content = whole.read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(content[: content.rindex(box) + behind])
    with pytest.raises(MediaError, match="cut off after"):
        stylize(cut, tmp_path / "cut_out.mp4")
    kept = stylize(cut, tmp_path / "cut_out.mp4", VideoOptions(allow_truncated=True))
    assert 0 < kept.frames < 10
    assert "cut off" in kept.messages[-1]
