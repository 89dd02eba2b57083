"""The table of docs/video.md that tells what reaches which container: each cell is tried."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from stylecli.media.video.clip import Clip, probe
from stylecli.media.video.plan import VideoResult
from stylecli.media.video.streams import OtherStream, dispositions
from stylecli.media.video.writing.codecs import CODECS
from stylecli.media.video.writing.companions import companions
from stylecli.media.video.writing.containers import CONTAINERS, container_for
from stylecli.stylize.videos.video import stylize_video
from tests.media.video.test_awkward import with_data_track
from tests.media.video.writing.test_companions import with_codec
from tests.support.clips import ffmpeg, make_transparent, make_video

DOCUMENT = Path(__file__).parents[3] / "docs/video.md"
SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".ts")
# The rows of sound, and ffmpeg's encoders for them.
SOUNDS = {
    "AAC": ["aac"],
    "AC-3, E-AC-3": ["ac3", "eac3"],
    "DTS": ["dca"],
    "MP2": ["mp2"],
    "MP3": ["libmp3lame"],
    "Opus": ["libopus"],
    "Vorbis": ["libvorbis"],
    "Nellymoser": ["nellymoser -ar 44100"],
    "ADPCM (QuickTime)": ["adpcm_ima_qt"],
    "ADPCM (Microsoft)": ["adpcm_ms"],
    "ALAC": ["alac"],
    "FLAC": ["flac"],
    "TrueHD, TTA, WavPack": ["truehd", "tta", "wavpack"],
    "PCM, 16 bits": ["pcm_s16le"],
    "PCM, 24 bits": ["pcm_s24be"],
    "PCM, float, big-endian": ["pcm_f32be"],
    "PCM, 8 bits": ["pcm_s8"],
    "PCM, mu-law": ["pcm_mulaw"],
    "PCM of Blu-ray, of DVD": ["pcm_bluray", "pcm_dvd"],
}
SUBTITLES = {"SubRip": "subrip", "ASS": "ass", "WebVTT": "webvtt", "pictures (DVB)": "dvb_subtitle"}
# The rows of words and pictures, and what a message must hold where they are named.
WORDS = {
    "cover picture": ("cover stream",),
    "fonts, attachments": ("attachment stream",),
    "chapters": ("chapters",),
    "title, artist": ("artist",),
    "date of creation": ("creation_time",),
    "language of a track": ("language",),
    "title of a track": ("its title", ", title"),
    "flag: forced": ("flag forced", "subtitles stream"),
    "flag: commentary": ("flag comment",),
    "tags of phones": ("com.apple.quicktime.make",),
    "timecode": ("timecode",),
    "camera data (gpmd)": ("data stream",),
}
CHAPTERS = (
    ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=200\ntitle=One\n"
    "[CHAPTER]\nTIMEBASE=1/1000\nSTART=200\nEND=400\ntitle=Two\n"
)
TAGS = ("-metadata", "title=The Wave", "-metadata", "artist=Hokusai")
PHONE = ("-metadata", "com.apple.quicktime.make=Fruit", "-movflags", "use_metadata_tags")
DATE = "2024-05-06T07:08:09"


@cache
def table() -> dict[str, dict[str, str]]:
    """The cells of each row, by the suffix of the container."""
    _, text = DOCUMENT.read_text(encoding="utf-8").split("## What reaches which container")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:2] == "| "]
    end = next(number for number, row in enumerate(rows) if row[0] == "camera data (gpmd)")
    assert rows[0] == ["", *SUFFIXES]
    return {row[0]: dict(zip(SUFFIXES, row[1:], strict=True)) for row in rows[2 : end + 1]}


def test_every_row_is_tried() -> None:
    others = ("codecs, the first by default", "transparency", *(f"subtitles: {name}" for name in SUBTITLES))
    assert set(table()) == {*SOUNDS, *WORDS, *others}


def test_the_containers_beside_the_table_are_as_it_says() -> None:
    assert CONTAINERS[".m4v"] == CONTAINERS[".mp4"]
    assert CONTAINERS[".m2ts"] == CONTAINERS[".ts"]
    for suffix in (".gif", ".webp"):
        container = CONTAINERS[suffix]
        assert not any((container.sound, container.subtitles, container.attachments, container.data))
    assert set(CONTAINERS) == {*SUFFIXES, ".m4v", ".m2ts", ".gif", ".webp"}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_codecs_are_those_of_the_table(suffix: str) -> None:
    codecs = [name for name in CONTAINERS[suffix].codecs if not CODECS[name].is_hardware]
    assert table()["codecs, the first by default"][suffix] == ", ".join(codecs)


# --- sound and subtitles, as they are planned


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_video(tmp_path_factory.mktemp("video") / "video.mkv", range(0, 200, 40))


def way(clip: Clip, suffix: str, folder: Path) -> str:
    """What becomes of the only other stream, in the words of the table."""
    kept, messages = companions(clip, container_for(Path(f"out{suffix}")), folder=folder)
    if not kept:
        assert any("left out" in message for message in messages)
        return "named"
    (companion,) = kept
    if companion.encoder == "copy":
        return "copied"
    assert any("is converted" in message for message in messages)
    return f"`{companion.encoder}`"


@pytest.mark.parametrize("row", SOUNDS)
def test_sound_becomes_what_the_table_says(video: Path, tmp_path: Path, row: str) -> None:
    for encoder in SOUNDS[row]:
        clip = probe(with_codec(video, tmp_path, encoder))
        assert {suffix: way(clip, suffix, tmp_path) for suffix in SUFFIXES} == table()[row]


@pytest.mark.parametrize("name", SUBTITLES)
def test_subtitles_become_what_the_table_says(video: Path, tmp_path: Path, name: str) -> None:
    stream = OtherStream(1, "subtitles", SUBTITLES[name], 0, 0, {})
    clip = replace(probe(video), others=(stream,))
    assert {suffix: way(clip, suffix, tmp_path) for suffix in SUFFIXES} == table()[f"subtitles: {name}"]


# --- the rest, as it is written


@pytest.fixture(scope="module")
def film(video: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a film with subtitles, a commentary, chapters, a cover, a font and tags."""
    folder = tmp_path_factory.mktemp("film")
    (folder / "in.srt").write_text("1\n00:00:00,000 --> 00:00:00,150\nHello\n")
    (folder / "chapters.txt").write_text(CHAPTERS)
    (folder / "font.ttf").write_bytes(b"as if it were a font")
    Image.fromarray(np.full((32, 32, 3), 90, np.uint8)).save(folder / "cover.png")
    inputs = ("-f", "lavfi", "-i", "sine=duration=0.4", "-i", folder / "in.srt", "-i", folder / "chapters.txt")
    ffmpeg("-i", video, *inputs, "-map", "0", "-map", "1", "-map", "2", "-map_chapters", "3", "-c:v", "copy", "-c:a",
           "aac", "-c:s", "srt", *TAGS, "-metadata", f"creation_time={DATE}Z", "-metadata:s:a:0", "language=deu",
           "-metadata:s:a:0", "title=Kommentar", "-disposition:a:0", "comment", "-disposition:s:0", "forced",
           "-attach", folder / "cover.png", "-metadata:s:t:0", "mimetype=image/png", "-attach", folder / "font.ttf",
           "-metadata:s:t:1", "mimetype=application/x-truetype-font", folder / "film.mkv")  # fmt: skip
    return folder / "film.mkv"


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a film of a camera, with timecode, a data track, and tags."""
    folder = tmp_path_factory.mktemp("camera")
    data = with_data_track(make_video(folder / "in.mp4"), folder / "data.mp4", b"gpmd")
    ffmpeg("-i", data, "-map", "0", "-c", "copy", "-timecode", "10:00:00:00", *PHONE, folder / "camera.mp4")
    return folder / "camera.mp4"


def stylize(source: Path, output: Path) -> VideoResult:
    return stylize_video(source, output, paint=lambda frame: frame)


def words_in(path: Path) -> set[str]:
    """The rows that a finished file keeps."""
    clip = probe(path)
    with av.open(str(path)) as container:
        tags = {name.lower(): value for name, value in container.metadata.items()}
        sound = next((stream for stream in container.streams if stream.type == "audio"), None)
        subtitles = next((stream for stream in container.streams if stream.type == "subtitle"), None)
        facts = {
            "chapters": len(container.chapters()) == 2,
            "title, artist": (tags.get("title"), tags.get("artist")) == ("The Wave", "Hokusai"),
            "tags of phones": tags.get("com.apple.quicktime.make") == "Fruit",
            "date of creation": tags.get("creation_time", "").startswith(DATE),
            "language of a track": sound is not None and sound.metadata.get("language") == "deu",
            "title of a track": sound is not None and "Kommentar" in sound.metadata.values(),
            "flag: commentary": sound is not None and "comment" in dispositions(sound),
            "flag: forced": subtitles is not None and "forced" in dispositions(subtitles),
        }
    kinds = [other.kind for other in clip.others if not other.is_rebuilt]
    facts |= {"cover picture": "cover" in kinds, "fonts, attachments": "attachment" in kinds}
    facts |= {"timecode": clip.tags.get("timecode", clip.tags.get("TIMECODE")) == "10:00:00:00"}
    facts |= {"camera data (gpmd)": "data" in kinds}
    return {name for name, is_kept in facts.items() if is_kept}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_words_and_pictures_are_kept_or_named_as_the_table_says(
    film: Path, camera: Path, tmp_path: Path, suffix: str
) -> None:
    outcomes = {}
    for source, rows in ((film, list(WORDS)[:-3]), (camera, list(WORDS)[-3:])):
        output = tmp_path / f"{source.stem}{suffix}"
        said = "\n".join(stylize(source, output).messages)
        kept = words_in(output)
        for row in rows:
            is_named = any(word in said.lower() for word in WORDS[row])
            outcomes[row] = "kept" if row in kept else "named" if is_named else "lost"
    assert outcomes == {row: table()[row][suffix] for row in WORDS}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_transparency_is_kept_or_named_as_the_table_says(tmp_path: Path, suffix: str) -> None:
    source = make_transparent(tmp_path / "in.webm")
    result = stylize(source, tmp_path / f"out{suffix}")
    if probe(result.path).has_alpha:
        assert table()["transparency"][suffix] == f"kept ({result.codec})"
    else:
        assert any("transparency" in message for message in result.messages)
        assert table()["transparency"][suffix] == "named"
