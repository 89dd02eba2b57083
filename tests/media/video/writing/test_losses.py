"""Words of a source in every container: they are in the result, or a message names them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest

from stylecli.media.video.clip import probe
from stylecli.media.video.plan import VideoOptions, VideoResult
from stylecli.media.video.writing.codecs import EncoderOptions
from stylecli.media.video.writing.muxing.mov_languages import write_languages
from stylecli.stylize.videos.video import stylize_video
from tests.support.clips import ffmpeg, make_video

WORDS = ("-metadata", "title=The Wave", "-metadata", "artist=Hokusai", "-metadata:s:a:0", "language=deu",
         "-metadata:s:a:0", "title=Deutsch", "-metadata:s:s:0", "language=tlh", "-disposition:s:0", "forced",
         "-disposition:a:0", "comment")  # fmt: skip
# What each container has no place for, of the film's words.
NAMED = {
    ".mkv": [],
    ".mp4": [],
    ".mov": ["sound stream 1: mov has no place for its flag comment",
             "subtitles stream 2: mov has no place for its flag forced"],
    ".webm": ["sound stream 1: webm has no place for its flag comment"],
    ".ts": ["tags that mpegts has no place for: ARTIST, title",
            "sound stream 1: mpegts has no place for its title, flag comment"],
}  # fmt: skip


def stylize(source: Path, output: Path, options: VideoOptions | None = None) -> VideoResult:
    return stylize_video(source, output, paint=lambda frame: frame, options=options)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a film with sound in German, subtitles in Klingon, and tags. Read only."""
    folder = tmp_path_factory.mktemp("film")
    (folder / "in.srt").write_text("1\n00:00:00,100 --> 00:00:00,300\nnuqneH\n")
    sine = ("-f", "lavfi", "-i", "sine=duration=0.4:sample_rate=48000")
    ffmpeg("-i", make_video(folder / "in.mp4"), *sine, "-i", folder / "in.srt", "-map", "0", "-map", "1", "-map", "2",
           "-c:v", "copy", "-c:a", "libopus", "-c:s", "srt", *WORDS, folder / "film.mkv")  # fmt: skip
    return folder / "film.mkv"


@pytest.mark.parametrize("suffix", NAMED)
def test_words_are_kept_or_named(film: Path, tmp_path: Path, suffix: str) -> None:
    output = tmp_path / f"out{suffix}"
    told = [message for message in stylize(film, output).messages if "no place" in message]
    assert told == NAMED[suffix]
    with av.open(str(output)) as container:
        tags = {name.lower(): value for name, value in container.metadata.items()}
        languages = [stream.metadata.get("language", "und") for stream in container.streams]
    assert languages == ["und", "deu", "tlh"][: len(languages)]
    if suffix != ".ts":
        assert (tags["title"], tags["artist"]) == ("The Wave", "Hokusai")


def test_every_language_is_written_into_quicktime(film: Path, tmp_path: Path) -> None:
    stylize(film, tmp_path / "out.mov")
    write_languages(tmp_path / "out.mov", ["haw", "en-US", "zho"])
    with av.open(str(tmp_path / "out.mov")) as container:
        assert [stream.metadata.get("language") for stream in container.streams] == ["haw", "deu", "zho"]
        assert sum(1 for packet in container.demux(video=0) if packet.size) == 10


@pytest.mark.parametrize(("suffix", "span", "label"), [
    (".mov", None, "10:00:00:20"), (".mov", (Fraction(1, 5), None), "10:00:01:00"),
    (".mp4", (Fraction(1, 5), None), "10:00:01:00"),
])  # fmt: skip
def test_timecode_counts_from_the_first_frame_of_a_range(
    tmp_path: Path, suffix: str, span: tuple[Fraction, None] | None, label: str
) -> None:
    source = tmp_path / "in.mov"
    ffmpeg("-i", make_video(tmp_path / "in.mp4"), "-c", "copy", "-timecode", "10:00:00:20", source)
    assert stylize(source, tmp_path / f"out{suffix}", VideoOptions(span=span)).messages == ()
    assert probe(tmp_path / f"out{suffix}").tags["timecode"] == label


@pytest.mark.parametrize(("span", "label"), [(None, "10:00:00:00"), ((Fraction(1, 5), None), "10:00:00:05")])
def test_timecode_of_the_file_becomes_that_of_the_track(
    tmp_path: Path, span: tuple[Fraction, None] | None, label: str
) -> None:
    picture = ("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=25:duration=0.4", "-c:v", "mpeg2video")
    ffmpeg(*picture, "-timecode", "10:00:00:00", tmp_path / "in.mxf")  # as a tag of the file
    result = stylize(tmp_path / "in.mxf", tmp_path / "out.mp4", VideoOptions(span=span))
    assert not any("timecode" in message for message in result.messages)
    assert probe(tmp_path / "out.mp4").tags["timecode"] == label


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_titles_of_tracks_go_from_mp4_on(tmp_path: Path, suffix: str) -> None:
    """Libav calls them `name` when it reads MP4, and `title` when it writes it."""
    source = tmp_path / "in.mp4"
    titles = ("-metadata:s:0", "title=Camera 1", "-metadata:s:1", "title=Microphone")
    sine = ("-f", "lavfi", "-i", "sine=duration=0.4:sample_rate=48000")
    ffmpeg("-i", make_video(tmp_path / "plain.mp4"), *sine, "-c:v", "copy", "-c:a", "aac", *titles, source)
    output = tmp_path / f"out{suffix}"
    assert not any("no place" in message for message in stylize(source, output).messages)
    with av.open(str(output)) as container:
        found = [stream.metadata.get("title", stream.metadata.get("name")) for stream in container.streams]
    assert found == ["Camera 1", "Microphone"]


def test_a_date_of_creation_among_tags_of_phones_is_kept(tmp_path: Path) -> None:
    tags = ("-metadata", "com.apple.quicktime.make=Apple", "-metadata", "creation_time=2020-01-02T03:04:05Z")
    source = tmp_path / "in.mov"
    ffmpeg("-i", make_video(tmp_path / "in.mp4"), "-c", "copy", *tags, "-movflags", "use_metadata_tags", source)
    assert stylize(source, tmp_path / "out.mp4").messages == ()


# --- HDR


@pytest.fixture(scope="module")
def mastered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a PQ video with its mastering display and content light level. Read only."""
    path = tmp_path_factory.mktemp("hdr") / "in.mp4"
    display = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=0.2", "-vf", "format=yuv420p10le,setparams="
           "color_trc=smpte2084:color_primaries=bt2020:colorspace=bt2020nc:range=tv", "-c:v", "libx265", "-x265-params",
           f"log-level=none:hdr10=1:{display}:max-cll=1000,400", path)  # fmt: skip
    return path


@pytest.mark.parametrize(("codec", "suffix"), [
    ("h264", ".mp4"), ("hevc", ".mov"), ("av1", ".mkv"), ("vp9", ".webm"), ("ffv1", ".mkv"), ("prores", ".mov"),
])  # fmt: skip
def test_the_mastering_display_is_kept_or_named(mastered: Path, tmp_path: Path, codec: str, suffix: str) -> None:
    light = probe(mastered).light
    assert light
    assert light.display
    assert light.content == (1000, 400)
    output = tmp_path / f"out{suffix}"
    result = stylize(mastered, output, VideoOptions(EncoderOptions(codec=codec), hdr="keep"))
    told = any("mastering display and the content light level: left out" in message for message in result.messages)
    written = probe(output, hdr="keep").light
    assert written
    if told:
        assert (codec, written.display, written.content) in [(name, None, None) for name in ("vp9", "ffv1", "prores")]
    else:
        assert written.content == light.content
        assert written.display
        assert written.display.brightest == pytest.approx(light.display.brightest, rel=1e-3)
        for written_place, place in zip(written.display.places, light.display.places, strict=True):
            assert written_place == pytest.approx(place, abs=1e-3)


# --- animated WebP


def test_the_last_frame_of_an_animated_webp_is_held_as_long_as_it_was(tmp_path: Path) -> None:
    source = tmp_path / "in.gif"
    video = make_video(tmp_path / "in.mp4")
    ffmpeg("-i", video, "-fps_mode", "passthrough", "-enc_time_base", "1:1000", "-final_delay", "300", source)
    stylize(source, tmp_path / "out.webp")
    content = (tmp_path / "out.webp").read_bytes()
    durations, place = [], content.find(b"ANMF")
    while place >= 0:
        durations.append(int.from_bytes(content[place + 20 : place + 23], "little"))
        place = content.find(b"ANMF", place + 4)
    assert sum(durations) == pytest.approx(3360, abs=20)
    assert durations[-1] >= 2900
