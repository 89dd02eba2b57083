from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.core.errors import MediaError, UsageError
from stylecli.core.progress import Step
from stylecli.media.video.clip import Span, probe
from stylecli.media.video.plan import VideoOptions, VideoResult
from stylecli.media.video.writing.codecs import EncoderOptions
from stylecli.media.video.writing.containers import CONTAINERS
from stylecli.stylize.videos.video import stylize_video
from tests.support.clips import UNEVEN, Made, codecs, ffmpeg, make_video, pixels, ramp, sound_packets, times, with_sound
from tests.support.limits import files_no_larger_than

Pixels = NDArray[np.uint8]

TICK = Fraction(1, 1000)  # of Matroska and WebM
NEARLY_THE_SAME = 2.0  # steps of 255: the cost of another encoding of a soft picture
UNEVEN_FINE = (2881, 2899, 4001, 9999, 10000, 24000, 24001, 57599)  # ticks that fall between milliseconds
SUBTITLES = "1\n00:00:00,100 --> 00:00:00,300\nTo be\n\n2\n00:00:00,320 --> 00:00:00,390\nor not\n\n"
CHATTER = "seq 50000 >&2"  # 290 kB; pipes hold 64 kB

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="needs shell scripts, signals or resource limits")


def unchanged(picture: Pixels) -> Pixels:
    return picture


def stylize(source: Path, output: Path, *, span: Span | None = None) -> VideoResult:
    return stylize_video(source, output, paint=unchanged, options=VideoOptions(span=span))


@contextmanager
def nothing_left_in(folder: Path) -> Iterator[None]:
    """No thread and no file more than before, whatever happens."""
    files = set(folder.iterdir())
    yield
    # By their name: native libraries have threads of their own, which come and go.
    assert [thread for thread in threading.enumerate() if thread.name.startswith("stylecli")] == []
    assert set(folder.iterdir()) == files


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return make_video(tmp_path / "in.mp4")


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Give a film with all that goes along with a picture."""
    (tmp_path / "in.srt").write_text(SUBTITLES)
    (tmp_path / "tags.txt").write_text(
        ";FFMETADATA1\ntitle=The Wave\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=200\ntitle=Calm\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=200\nEND=400\ntitle=Storm\n"
    )
    sine = ("-f", "lavfi", "-i", "sine=440:sample_rate=48000:duration=1")
    inputs = ("-i", make_video(tmp_path / "picture.mp4"), *sine, "-i", tmp_path / "in.srt", "-i", tmp_path / "tags.txt")
    streams = ("-map", "0:v", "-map", "1:a", "-map", "2", "-c:v", "copy", "-c:a", "aac", "-c:s", "copy")
    languages = ("-metadata:s:0", "language=ita", "-metadata:s:1", "language=ger", "-metadata:s:2", "language=fra")
    tags = ("-map_metadata:g", "3:g", "-map_chapters", "3")
    ffmpeg(*inputs, *streams, *languages, *tags, tmp_path / "film.mkv")
    return tmp_path / "film.mkv"


# --- the picture


def test_every_frame_is_painted_once_and_in_order(video: Path, tmp_path: Path) -> None:
    seen: list[Pixels] = []

    def invert(picture: Pixels) -> Pixels:
        seen.append(picture)
        return 255 - picture

    result = stylize_video(video, tmp_path / "out.mp4", paint=invert)
    assert result.frames == len(seen) == 10
    for number, picture in enumerate(pixels(tmp_path / "out.mp4")):
        assert np.abs(picture.astype(float) - (255.0 - ramp(number))).mean() < NEARLY_THE_SAME


@pytest.mark.parametrize("name", ["out.mp4", "out.m4v", "out.mov"])
def test_timestamps_are_exact_in_mp4_and_mov(tmp_path: Path, name: str) -> None:
    source = make_video(tmp_path / "in.mp4", UNEVEN_FINE, Made(time_base=Fraction(1, 57600)))
    stylize(source, tmp_path / name)
    assert times(tmp_path / name) == [Fraction(tick, 57600) for tick in UNEVEN_FINE]


@pytest.mark.parametrize("name", ["out.mkv", "out.webm"])
def test_timestamps_are_the_nearest_tick_in_matroska(tmp_path: Path, name: str) -> None:
    source = make_video(tmp_path / "in.mp4", UNEVEN_FINE, Made(time_base=Fraction(1, 57600)))
    stylize(source, tmp_path / name)
    written = times(tmp_path / name)
    assert len(written) == len(UNEVEN_FINE)
    assert all(abs(new - Fraction(tick, 57600)) <= TICK / 2 for new, tick in zip(written, UNEVEN_FINE, strict=True))


def test_timestamps_of_matroska_are_exact_in_mp4(tmp_path: Path) -> None:
    source = make_video(tmp_path / "in.mkv", UNEVEN, Made(time_base=TICK))
    stylize(source, tmp_path / "out.mp4")
    assert times(tmp_path / "out.mp4") == [tick * TICK for tick in UNEVEN]


def test_a_rate_of_23976_does_not_drift(tmp_path: Path) -> None:
    source = make_video(tmp_path / "in.mp4", range(0, 1001 * 50, 1001), Made(time_base=Fraction(1, 24000)))
    stylize(source, tmp_path / "out.mp4")
    assert times(tmp_path / "out.mp4") == [Fraction(1001 * number, 24000) for number in range(50)]


def test_the_last_frame_is_shown_as_long_as_before(tmp_path: Path) -> None:
    still = tmp_path / "in.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=1/3:duration=9", still)
    stylize(still, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.duration == 9_000_000


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_players_compute_the_frame_rate_of_the_source(tmp_path: Path, suffix: str) -> None:
    random = np.random.default_rng(0)
    for count in (3, 6, 15, 21):  # of these x264 decodes some in another order than it shows them, up to the last
        source = tmp_path / f"{count}.avi"
        ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25/2", "-frames:v", str(count), source)
        veils = iter(random.integers(0, 40, (count, 48, 64, 3), np.uint8))
        output = tmp_path / f"{count}-out{suffix}"
        stylize_video(
            source, output, paint=lambda picture, veils=veils: picture // 2 + next(veils), options=VideoOptions()
        )
        with av.open(str(output)) as container:
            track = container.streams.video[0]
            assert (track.average_rate, container.duration) == (Fraction(25, 2), count * 80_000)


def test_an_uneven_video_is_declared_as_long_as_it_is(tmp_path: Path) -> None:
    source = make_video(tmp_path / "in.mkv", UNEVEN, Made(time_base=TICK))
    stylize(source, tmp_path / "out.mp4")
    stream_end = probe(tmp_path / "out.mp4").duration
    assert stream_end is not None
    assert stream_end > UNEVEN[-1] * TICK


def test_a_turned_video_is_written_upright_without_a_tag(video: Path, tmp_path: Path) -> None:
    ffmpeg("-display_rotation", "90", "-i", video, "-c", "copy", tmp_path / "turned.mp4")
    result = stylize(tmp_path / "turned.mp4", tmp_path / "out.mp4")
    assert (result.width, result.height) == (48, 64)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert next(container.decode(video=0)).rotation == 0
    before, after = pixels(tmp_path / "turned.mp4")[0], pixels(tmp_path / "out.mp4")[0]
    assert np.abs(before.astype(float) - after).mean() < NEARLY_THE_SAME


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.webm"])
def test_the_sample_aspect_is_kept(tmp_path: Path, name: str) -> None:
    source = make_video(tmp_path / "in.mp4", made=Made(settings={"sample_aspect_ratio": Fraction(3, 2)}))
    stylize(source, tmp_path / name)
    assert probe(tmp_path / name).sample_aspect == Fraction(3, 2)


@pytest.mark.parametrize("name", ["out.mp4", "out.webm"])
@pytest.mark.parametrize("range_code", [1, 2])
@pytest.mark.parametrize("matrix", [1, 5, 9])
def test_a_player_shows_the_same_colours(tmp_path: Path, name: str, range_code: int, matrix: int) -> None:
    tags = {"colorspace": matrix, "color_range": range_code, "color_primaries": 1, "color_trc": 1}
    source = make_video(tmp_path / "in.mkv", [0, 40], Made(settings=tags, time_base=TICK))
    stylize(source, tmp_path / name)
    assert probe(tmp_path / name).color == probe(source).color
    before, after = pixels(source)[0], pixels(tmp_path / name)[0]
    assert np.abs(before.astype(float) - after).mean() < NEARLY_THE_SAME


@pytest.mark.parametrize(("size", "code"), [((1280, 720), 1), ((64, 48), 6)])
def test_untagged_colours_are_tagged_as_players_take_them(tmp_path: Path, size: tuple[int, int], code: int) -> None:
    source = make_video(tmp_path / "in.mp4", [0], Made(size=size))
    stylize(source, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        frame = next(container.decode(video=0))
    assert (frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range) == (code, code, code, 1)


@pytest.mark.parametrize(("name", "said"), [("out.mp4", "63x47"), ("out.webm", "resolution of the colours")])
def test_an_odd_size_is_kept_and_what_it_costs_is_said(tmp_path: Path, name: str, said: str) -> None:
    source = make_video(tmp_path / "in.mkv", [0, 40], Made(size=(63, 47), pixel_format="yuv444p", time_base=TICK))
    result = stylize(source, tmp_path / name)
    assert (probe(tmp_path / name).width, probe(tmp_path / name).height) == (63, 47)
    assert [said in message for message in result.messages] == [True]


def test_an_even_size_is_written_as_every_player_shows_it(tmp_path: Path) -> None:
    stylize(make_video(tmp_path / "in.mp4", made=Made(pixel_format="yuv444p")), tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].pix_fmt == "yuv420p"


def test_remarks_about_the_picture_are_told(tmp_path: Path) -> None:
    heard: list[str] = []
    source = make_video(tmp_path / "in.mp4", made=Made(pixel_format="yuv420p10le"))
    result = stylize_video(source, tmp_path / "out.webm", paint=unchanged, notice=heard.append)
    assert result.messages == ('the video has 10 bits a channel and is written with 8; `codec="av1"` keeps more',)
    assert heard == list(result.messages)


def test_faults_found_while_reading_are_told(tmp_path: Path) -> None:
    heard: list[str] = []
    whole = tmp_path / "whole.mkv"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=4", "-bf", "0", whole)
    (tmp_path / "cut.mkv").write_bytes(whole.read_bytes()[: whole.stat().st_size * 95 // 100])
    result = stylize_video(tmp_path / "cut.mkv", tmp_path / "out.mp4", paint=unchanged, notice=heard.append)
    assert ["earlier than its header says" in message for message in result.messages] == [True]
    assert heard == list(result.messages)


# --- the container and the encoder


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "h264"), ("a.mov", "h264"), ("a.mkv", "h264"), ("a.m4v", "h264"), ("a.webm", "vp9"), ("A.MP4", "h264")],
)
def test_the_name_chooses_container_and_codec(video: Path, tmp_path: Path, name: str, codec: str) -> None:
    stylize(video, tmp_path / name)
    assert codecs(tmp_path / name) == [codec]
    with av.open(str(tmp_path / name)) as container:
        assert CONTAINERS[Path(name).suffix.lower()].muxer in container.format.name


def test_another_codec_can_be_chosen(video: Path, tmp_path: Path) -> None:
    stylize_video(video, tmp_path / "out.mkv", paint=unchanged, options=VideoOptions(EncoderOptions(codec="vp9")))
    assert codecs(tmp_path / "out.mkv") == ["vp9"]


def test_a_lower_crf_makes_a_larger_file(tmp_path: Path) -> None:
    source = make_video(tmp_path / "in.mp4", made=Made(size=(320, 240)))
    for crf in (5, 40):
        stylize_video(source, tmp_path / f"{crf}.mp4", paint=unchanged, options=VideoOptions(EncoderOptions(crf=crf)))
    assert (tmp_path / "5.mp4").stat().st_size > 1.5 * (tmp_path / "40.mp4").stat().st_size


@pytest.mark.parametrize("preset", ["ultrafast", "slow"])
def test_the_preset_reaches_the_encoder(video: Path, tmp_path: Path, preset: str) -> None:
    stylize_video(video, tmp_path / "out.mp4", paint=unchanged, options=VideoOptions(EncoderOptions(preset=preset)))
    # x264 writes its settings into the stream; only `ultrafast` does without CABAC.
    assert (b"cabac=0" in (tmp_path / "out.mp4").read_bytes()) == (preset == "ultrafast")


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (EncoderOptions(codec="vp9"), "codec vp9: not written into mov. Use h264"),
        (EncoderOptions(crf=99), "crf 99: outside the range of h264"),
        (EncoderOptions(preset="warp"), "preset warp: not a preset of h264"),
    ],
)
def test_settings_that_cannot_be_had_are_refused(
    video: Path, tmp_path: Path, options: EncoderOptions, fault: str
) -> None:
    with nothing_left_in(tmp_path), pytest.raises(UsageError) as refused:
        stylize_video(video, tmp_path / "out.mov", paint=unchanged, options=VideoOptions(options))
    assert fault in str(refused.value)


@pytest.mark.parametrize("name", ["out.wmv", "out"])
def test_an_unknown_suffix_names_the_known_ones(video: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"\.mp4, \.m4v, \.mov, \.mkv, \.webm"):
        stylize(video, tmp_path / name)


# --- sound, subtitles and the rest


@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.mkv"])
def test_sound_is_copied_bit_by_bit(video: Path, tmp_path: Path, name: str) -> None:
    source = with_sound(video, tmp_path / "sound.mp4")
    assert stylize(source, tmp_path / name).messages == ()
    assert sound_packets(tmp_path / name) == sound_packets(source)


@pytest.mark.parametrize(
    ("source_name", "codec", "name", "new_codec"),
    [("sound.mp4", "aac", "out.webm", "opus"), ("sound.mkv", "libvorbis", "out.mp4", "aac"),
     ("sound.mkv", "libmp3lame", "out.webm", "opus")],
)  # fmt: skip
def test_sound_that_a_container_refuses_is_converted_with_a_message(
    video: Path, tmp_path: Path, source_name: str, codec: str, name: str, new_codec: str
) -> None:
    source = with_sound(video, tmp_path / source_name, codec=codec)
    result = stylize(source, tmp_path / name)
    assert codecs(tmp_path / name)[1] == new_codec
    assert len(result.messages) == 1
    assert "is converted" in result.messages[0]
    with av.open(str(tmp_path / name)) as container:
        heard = sum(frame.samples / frame.sample_rate for frame in container.decode(container.streams.audio[0]))
    assert heard == pytest.approx(1.0, abs=0.05)  # a second of sine, within two packets


def test_surround_sound_is_converted_to_opus(video: Path, tmp_path: Path) -> None:
    ffmpeg("-i", video, "-f", "lavfi", "-i", "sine=duration=1", "-c:v", "copy", "-c:a", "ac3",
           "-af", "aformat=channel_layouts=5.1(side)", tmp_path / "sound.mkv")  # fmt: skip
    stylize(tmp_path / "sound.mkv", tmp_path / "out.webm")
    with av.open(str(tmp_path / "out.webm")) as container:
        assert container.streams.audio[0].channels == 6


def test_damaged_sound_does_not_stop_the_video(video: Path, tmp_path: Path) -> None:
    source = with_sound(video, tmp_path / "sound.mp4", codec="libmp3lame")
    with av.open(str(source)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(container.streams.audio[0]) if packet.size]
    damaged = bytearray(source.read_bytes())
    for position, size in places[5:12]:
        assert position is not None
        damaged[position : position + size] = bytes(size)
    source.write_bytes(damaged)
    for name in ("out.mp4", "out.webm"):
        assert stylize(source, tmp_path / name).frames == 10
        assert len(codecs(tmp_path / name)) == 2


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_a_late_picture_stays_in_step_with_the_sound(tmp_path: Path, name: str) -> None:
    late = make_video(tmp_path / "late.mp4", range(4800, 4800 + 24000, 2400), Made(time_base=Fraction(1, 57600)))
    ffmpeg("-copyts", "-i", late, "-f", "lavfi", "-i", "sine=duration=1", "-map", "0:v", "-map", "1:a",
           "-c:v", "copy", "-movie_timescale", "57600", tmp_path / "in.mp4")  # fmt: skip
    assert times(tmp_path / "in.mp4")[0] == Fraction(1, 12)
    stylize(tmp_path / "in.mp4", tmp_path / name)
    assert abs(times(tmp_path / name)[0] - Fraction(1, 12)) <= TICK / 2
    with av.open(str(tmp_path / name)) as container:
        assert container.streams.audio[0].start_time == 0


@pytest.mark.parametrize(
    ("name", "codec", "count"), [("out.mkv", "subrip", 0), ("out.mp4", "mov_text", 1), ("out.mov", "mov_text", 1)]
)
def test_subtitles_are_kept(film: Path, tmp_path: Path, name: str, codec: str, count: int) -> None:
    result = stylize(film, tmp_path / name)
    assert sum("subtitles" in message and codec in message for message in result.messages) == count
    ffmpeg("-i", tmp_path / name, "-map", "0:s", tmp_path / "out.srt")
    assert (tmp_path / "out.srt").read_text().strip() == SUBTITLES.strip()


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.webm"])
def test_chapters_title_and_languages_are_kept(film: Path, tmp_path: Path, name: str) -> None:
    stylize(film, tmp_path / name)
    with av.open(str(tmp_path / name)) as container:
        assert [chapter["metadata"]["title"] for chapter in container.chapters()] == ["Calm", "Storm"]
        assert container.metadata["title"] == "The Wave"
        languages = [stream.language for stream in container.streams if stream.type != "data"]
    assert languages == ["ita", "ger", "fra"]


def test_chapters_without_sound_are_kept(video: Path, tmp_path: Path, film: Path) -> None:
    ffmpeg("-i", video, "-i", film, "-map", "0:v", "-map_chapters", "1", "-c", "copy", tmp_path / "silent.mp4")
    result = stylize(tmp_path / "silent.mp4", tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert len(container.chapters()) == 2
    assert result.messages == ()


@pytest.mark.parametrize(("name", "is_kept"), [("out.mp4", True), ("out.mkv", True), ("out.webm", False)])
def test_cover_art_is_kept_or_missed_with_a_message(video: Path, tmp_path: Path, name: str, is_kept: bool) -> None:
    ffmpeg("-i", video, "-frames:v", "1", tmp_path / "cover.png")
    ffmpeg("-i", video, "-i", tmp_path / "cover.png", "-map", "0", "-map", "1", "-c", "copy",
           "-disposition:v:1", "attached_pic", tmp_path / "covered.mp4")  # fmt: skip
    result = stylize(tmp_path / "covered.mp4", tmp_path / name)
    assert ["cover" in message and "left out" in message for message in result.messages] == [True] * (not is_kept)
    assert [other.kind for other in probe(tmp_path / name).others] == ["cover"] * is_kept


def test_a_timecode_is_kept(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=0.4", "-timecode", "10:00:00:00",
           tmp_path / "in.mov")  # fmt: skip
    result = stylize(tmp_path / "in.mov", tmp_path / "out.mov")
    assert probe(tmp_path / "out.mov").tags["timecode"] == "10:00:00:00"
    assert result.messages == ()


# --- a range


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_a_range_starts_at_zero_and_cuts_copied_sound_alike(video: Path, tmp_path: Path, name: str) -> None:
    source = with_sound(video, tmp_path / "sound.mp4")
    stylize(source, tmp_path / name, span=(Fraction(1, 5), Fraction(2, 5)))
    assert times(tmp_path / name) == [Fraction(number, 25) for number in range(5)]
    before, after = sound_packets(source), sound_packets(tmp_path / name)
    first = before.index(after[0])
    assert after == before[first : first + len(after)]
    # AAC packets are 1024 samples long, and the first one of the file starts 1024 samples before 0.
    assert first == -(-Fraction(48000, 5) // 1024) + 1
    assert len(after) in (9, 10)


@pytest.mark.parametrize(
    ("source_name", "codec", "name"), [("sound.mp4", "aac", "out.webm"), ("sound.mkv", "libvorbis", "out.mp4")]
)
def test_a_range_cuts_converted_sound_alike(
    video: Path, tmp_path: Path, source_name: str, codec: str, name: str
) -> None:
    source = with_sound(video, tmp_path / source_name, codec=codec)
    stylize(source, tmp_path / name, span=(Fraction(1, 5), Fraction(2, 5)))
    with av.open(str(tmp_path / name)) as container:
        heard = sum(frame.samples / frame.sample_rate for frame in container.decode(container.streams.audio[0]))
    assert heard == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize("name", ["out.mkv", "out.mp4"])
def test_a_range_cuts_subtitles_alike(film: Path, tmp_path: Path, name: str) -> None:
    stylize(film, tmp_path / name, span=(Fraction(1, 5), None))
    ffmpeg("-i", tmp_path / name, "-map", "0:s", tmp_path / "out.srt")
    assert (tmp_path / "out.srt").read_text().split("\n")[1:3] == ["00:00:00,120 --> 00:00:00,190", "or not"]


@pytest.mark.parametrize("span", [(Fraction(-1), None), (Fraction(2), Fraction(1)), (Fraction(1), Fraction(1))])
def test_an_impossible_range_is_refused(video: Path, tmp_path: Path, span: Span) -> None:
    with nothing_left_in(tmp_path), pytest.raises(UsageError, match="range"):
        stylize(video, tmp_path / "out.mp4", span=span)


def test_a_range_behind_the_end_is_refused(video: Path, tmp_path: Path) -> None:
    with nothing_left_in(tmp_path), pytest.raises(UsageError, match=r"no frame lies in the range.*0\.40 s long"):
        stylize(video, tmp_path / "out.mp4", span=(Fraction(5), None))


# --- progress


def test_progress_counts_frames_up_to_the_total(video: Path, tmp_path: Path) -> None:
    steps: list[Step] = []
    stylize_video(video, tmp_path / "out.mp4", paint=unchanged, progress=steps.append)
    assert [step.done for step in steps] == [*range(1, 11), 10]
    assert {(step.total, step.unit) for step in steps} == {(10, "frames")}


# --- faults: nothing half, nothing left


def test_an_existing_output_is_kept(video: Path, tmp_path: Path) -> None:
    (tmp_path / "out.mp4").write_text("precious")
    with nothing_left_in(tmp_path), pytest.raises(UsageError, match="exists already"):
        stylize(video, tmp_path / "out.mp4")
    assert (tmp_path / "out.mp4").read_text() == "precious"


def test_an_existing_output_is_replaced_when_allowed(video: Path, tmp_path: Path) -> None:
    (tmp_path / "out.mp4").write_text("worthless")
    stylize_video(video, tmp_path / "out.mp4", paint=unchanged, overwrite=True)
    assert len(times(tmp_path / "out.mp4")) == 10


def test_an_existing_output_survives_a_failure(video: Path, tmp_path: Path) -> None:
    (tmp_path / "out.mp4").write_text("precious")
    with pytest.raises(ZeroDivisionError):
        stylize_video(video, tmp_path / "out.mp4", paint=_failing_at(3, ZeroDivisionError), overwrite=True)
    assert (tmp_path / "out.mp4").read_text() == "precious"


def test_the_source_is_not_overwritten_by_itself(video: Path) -> None:
    with pytest.raises(UsageError, match="is the source itself"):
        stylize_video(video, video.parent / "." / video.name, paint=unchanged, overwrite=True)
    assert len(times(video)) == 10


def test_a_missing_folder_is_named(video: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"nowhere.out\.mp4: cannot be written"):
        stylize(video, tmp_path / "nowhere" / "out.mp4")


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
@pytest.mark.parametrize("number", [1, 8, 100])
def test_a_failing_painter_leaves_nothing(tmp_path: Path, error: type[BaseException], number: int) -> None:
    source = make_video(tmp_path / "in.mp4", range(0, 100 * 512, 512))
    with nothing_left_in(tmp_path), pytest.raises(error):
        stylize_video(source, tmp_path / "out.mp4", paint=_failing_at(number, error))


def test_a_failing_listener_leaves_nothing_and_is_heard(video: Path, tmp_path: Path) -> None:
    def closed(_: Step) -> None:
        raise BrokenPipeError

    with nothing_left_in(tmp_path), pytest.raises(BrokenPipeError):
        stylize_video(video, tmp_path / "out.mp4", paint=unchanged, progress=closed)


def test_a_damaged_source_leaves_nothing(tmp_path: Path) -> None:
    whole = tmp_path / "whole.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=20", "-movflags", "+faststart", whole)
    (tmp_path / "cut.mp4").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with nothing_left_in(tmp_path), pytest.raises(MediaError, match=r"cut\.mp4: .*cut off"):
        stylize(tmp_path / "cut.mp4", tmp_path / "out.mp4")


@posix_only
@pytest.mark.parametrize("limit", [2_000, 60_000])
def test_a_full_disk_is_named_and_leaves_nothing(tmp_path: Path, limit: int) -> None:
    noise = np.random.default_rng(0)
    source = make_video(tmp_path / "in.mp4", range(0, 30 * 512, 512), Made(size=(320, 240)))

    def scatter(picture: Pixels) -> Pixels:
        return noise.integers(0, 255, picture.shape, np.uint8)

    fault = pytest.raises(MediaError, match=r"out\.mp4: cannot be written \(.*large")
    with nothing_left_in(tmp_path), fault, files_no_larger_than(limit):
        stylize_video(source, tmp_path / "out.mp4", paint=scatter)


@posix_only
def test_a_disk_that_fills_up_while_joining_is_named(video: Path, tmp_path: Path) -> None:
    source = with_sound(video, tmp_path / "sound.mov", codec="pcm_s16le")  # 190 kB beside a small picture
    fault = pytest.raises(MediaError, match=r"out\.mkv: .*cannot be joined")
    with nothing_left_in(tmp_path), fault, files_no_larger_than(50_000):
        stylize(source, tmp_path / "out.mkv")


def test_a_missing_ffmpeg_is_named_before_the_work(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STYLECLI_FFMPEG", str(tmp_path / "gone"))
    with nothing_left_in(tmp_path), pytest.raises(MediaError, match=r"gone: no such program.*STYLECLI_FFMPEG"):
        stylize_video(video, tmp_path / "out.mp4", paint=_failing_at(1, ZeroDivisionError))


@posix_only
def test_the_words_of_a_failing_ffmpeg_are_heard(video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install_ffmpeg(tmp_path, f"{CHATTER}; echo 'out of ink' >&2; exit 3")
    monkeypatch.setenv("STYLECLI_FFMPEG", str(tmp_path / "ffmpeg"))
    with nothing_left_in(tmp_path), pytest.raises(MediaError, match=r"out\.mp4: .*\(out of ink\)"):
        stylize(video, tmp_path / "out.mp4")


@posix_only
def test_an_interrupt_ends_ffmpeg_as_well(video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = tmp_path / "pid"
    pid.touch()
    # The chatter is more than a pipe holds: when it is through, stylecli is listening.
    _install_ffmpeg(tmp_path, f"{CHATTER}; trap '' INT; echo $$ > {pid}; kill -INT $PPID; exec sleep 600")
    monkeypatch.setenv("STYLECLI_FFMPEG", str(tmp_path / "ffmpeg"))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with nothing_left_in(tmp_path), pytest.raises(KeyboardInterrupt):
            stylize(video, tmp_path / "out.mp4")
    finally:
        signal.signal(signal.SIGINT, before)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def _failing_at(number: int, error: type[BaseException]) -> Callable[[Pixels], Pixels]:
    """Give a painter that fails at its picture `number`, counted from 1."""
    count = 0

    def paint(picture: Pixels) -> Pixels:
        nonlocal count
        count += 1
        if count == number:
            raise error
        return picture

    return paint


def _install_ffmpeg(folder: Path, script: str) -> None:
    (folder / "ffmpeg").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "ffmpeg").chmod(0o755)
