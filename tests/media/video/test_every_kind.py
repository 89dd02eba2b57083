"""A table of the kinds of video: of each, what must be the same in the result as in the source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from _pytest.mark.structures import ParameterSet
from PIL import Image

from stylecli.core.errors import UsageError
from stylecli.media.video.clip import Clip, probe
from stylecli.media.video.plan import VideoOptions
from stylecli.media.video.writing.codecs import EncoderOptions
from stylecli.media.video.writing.containers import container_for
from stylecli.stylize.videos.video import stylize_video
from tests.support.clips import SIZE, UNEVEN, Made, ffmpeg, make_interlaced, make_transparent, make_video, pixels

PICTURE = ("-f", "lavfi", "-i", f"testsrc2=size={SIZE[0]}x{SIZE[1]}:rate=25:duration=0.6")
SINE = ("-f", "lavfi", "-i", "sine=440:sample_rate=48000:duration=0.6")
NEARLY_THE_SAME = 2.0  # steps of 255: the cost of another encoding of a soft picture
TICK = Fraction(1, 1000)  # of Matroska and WebM
HDR_TAGS = ("-color_primaries", "bt2020", "-colorspace", "bt2020nc")
CHAPTERS = (
    ";FFMETADATA1\ntitle=Film\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=300\ntitle=One\n"
    "[CHAPTER]\nTIMEBASE=1/1000\nSTART=300\nEND=600\ntitle=Two\n"
)
ALL_STREAMS = ("-map", "0:v", "-map", "1:a", "-map", "1:a", "-c:a", "aac", "-metadata:s:a:0", "language=ger",
               "-metadata:s:a:1", "language=fra", "-disposition:a:1", "comment")  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """How a source is made (ffmpeg's arguments, or a name of `_made`), how it is written, what may differ."""

    name: str  # of the source
    making: Sequence[str] | str
    output: str
    encoder: EncoderOptions = field(default_factory=EncoderOptions)
    differs: frozenset[str] = frozenset()
    messages: int = 0


def kind(
    name: str, making: Sequence[str] | str, output: str, *, codec: str = "", differs: str = "", messages: int = 0
) -> ParameterSet:
    """One line of the table."""
    case = Kind(name, making, output, EncoderOptions(codec=codec or None), frozenset(differs.split()), messages)
    return pytest.param(case, id=f"{making if isinstance(making, str) else name} -> {output} {codec}".strip())


KINDS = [
    kind("in.mp4", "plain", "out.mp4"),
    kind("in.mp4", "variable rate", "out.mp4", differs="duration"),
    kind("in.mp4", "variable rate", "out.mkv", differs="duration"),
    kind("in.mp4", "late", "out.mp4"),
    kind("in.mp4", "late", "out.mkv", differs="duration"),
    kind("in.mp4", "anamorphic", "out.mp4"),
    kind("in.mp4", "anamorphic", "out.webm"),
    kind("in.mp4", "odd", "out.webm", differs="format", messages=1),
    kind("in.mp4", "odd", "out.mp4", differs="format", messages=1),
    kind("in.mp4", "turned", "out.mp4", differs="shape"),
    kind("in.mp4", "full range", "out.mp4"),
    kind("in.mp4", "10 bits", "out.mkv", codec="hevc"),
    kind("in.mp4", "10 bits", "out.mp4", codec="av1"),
    kind("in.mp4", "10 bits", "out.mov", codec="prores", differs="format"),
    kind("in.mp4", "10 bits, large", "out.mov", codec="dnxhr", differs="format colour"),
    kind("in.mp4", "10 bits", "out.mkv", codec="ffv1"),
    kind("in.mp4", "PQ", "out.mp4", codec="hevc", differs="colour", messages=1),
    kind("in.mp4", "HLG", "out.mp4", codec="hevc", differs="colour", messages=1),
    kind("in.mp4", "interlaced", "out.mp4", messages=1),
    kind("in.mov", "ProRes 4444", "out.mov", differs="format", messages=2),
    kind("in.webm", "VP9 with alpha", "out.webm"),
    kind("in.webm", "VP9 with alpha", "out.mkv", differs="streams", messages=1),
    kind("in.webm", "VP9 with alpha", "out.mp4", differs="alpha format streams", messages=1),
    kind("in.webm", "VP9 with alpha", "out.mov", differs="format depth streams", messages=1),
    kind("in.mov", "timecode", "out.mov"),
    kind("in.mkv", "chapters", "out.mkv"),
    kind("in.mkv", "chapters", "out.mp4", differs="duration"),
    kind("in.mkv", "languages", "out.mkv"),
    kind("in.mkv", "languages", "out.mp4", differs="streams"),
    kind("in.mp4", "languages", "out.mp4"),
    kind("in.mkv", "two pictures", "out.mkv", messages=1),
    kind("in.mkv", "subtitles and a font", "out.mkv"),
    kind("in.mkv", "subtitles and a font", "out.mp4", differs="streams", messages=2),
    kind("in.mp4", "cover", "out.mp4"),
    kind("in.mp4", "cover", "out.mkv", differs="streams"),
    kind("in.mkv", "cover", "out.mkv"),
    kind("in.mp4", "edit list", "out.mp4"),
    kind("in.mp4", "edit list", "out.mkv", differs="duration"),
    kind("in.ts", [*PICTURE, *SINE, "-c:v", "libx264", "-c:a", "aac"], "out.ts", differs="start"),
    kind("in.gif", [*PICTURE], "out.gif", differs="colour"),
    kind("in.webp", [*PICTURE, "-c:v", "libwebp_anim", "-loop", "0"], "out.mp4", differs="all", messages=1),
]


def _make(case: Kind, folder: Path) -> Path:  # noqa: PLR0912, PLR0915 (a table)
    source = folder / case.name
    plain = make_video(folder / "plain.mp4")
    match case.making:
        case "variable rate":
            make_video(source, UNEVEN, Made(time_base=TICK))
        case "late":
            make_video(source, range(4800, 4800 + 24000, 2400), Made(time_base=Fraction(1, 57600)))
        case "anamorphic":
            make_video(source, made=Made(settings={"sample_aspect_ratio": Fraction(3, 2)}))
        case "odd":
            make_video(source, made=Made(size=(63, 47), pixel_format="yuv444p"))
        case "turned":
            ffmpeg("-display_rotation", "90", "-i", plain, "-c", "copy", source)
        case "full range":
            make_video(source, made=Made(settings={"color_range": 2, "colorspace": 1}))
        case "10 bits":
            make_video(source, made=Made(pixel_format="yuv420p10le"))
        case "10 bits, large":
            make_video(source, made=Made(size=(256, 144), pixel_format="yuv420p10le"))
        case "PQ" | "HLG" as transfer:
            name = {"PQ": "smpte2084", "HLG": "arib-std-b67"}[transfer]
            ffmpeg(*PICTURE, "-vf", f"setparams=color_trc={name}:color_primaries=bt2020:colorspace=bt2020nc", "-c:v",
                   "libx264", "-pix_fmt", "yuv420p10le", "-color_trc", name, *HDR_TAGS, source)  # fmt: skip
        case "interlaced":
            make_interlaced(source)
        case "ProRes 4444":
            make_transparent(source, encoder="prores_ks", pixel_format="yuva444p10le")
        case "VP9 with alpha":
            make_transparent(source)
        case "timecode":
            ffmpeg(*PICTURE, "-timecode", "10:00:00:00", source)
        case "chapters":
            (folder / "tags.txt").write_text(CHAPTERS)
            ffmpeg("-i", plain, "-i", folder / "tags.txt", "-map_metadata", "1", "-c", "copy", source)
        case "languages":
            ffmpeg("-i", plain, *SINE, *ALL_STREAMS, "-c:v", "copy", source)
        case "subtitles and a font":
            (folder / "text.srt").write_text("1\n00:00:00,000 --> 00:00:00,400\nHello\n")
            (folder / "font.ttf").write_bytes(b"as if it were a font")
            ffmpeg("-i", plain, "-i", folder / "text.srt", "-map", "0", "-map", "1", "-c", "copy", "-metadata:s:s:0",
                   "language=ger", "-disposition:s:0", "forced", "-attach", folder / "font.ttf", "-metadata:s:t:0",
                   "mimetype=application/x-truetype-font", source)  # fmt: skip
        case "cover":
            Image.fromarray(np.full((48, 48, 3), (200, 80, 20), np.uint8)).save(folder / "cover.png")
            with_cover = ("-map", "0", "-map", "1", "-c", "copy", "-disposition:v:1", "attached_pic")
            attached = ("-c", "copy", "-attach", folder / "cover.png", "-metadata:s:t:0", "mimetype=image/png")
            more = attached if source.suffix == ".mkv" else ("-i", folder / "cover.png", *with_cover)
            ffmpeg("-i", plain, *more, source)
        case "edit list":
            ffmpeg("-i", plain, *SINE, "-c:v", "libx264", "-bf", "2", "-c:a", "aac", folder / "long.mp4")
            ffmpeg("-ss", "0.2", "-i", folder / "long.mp4", "-c", "copy", source)
        case "two pictures":
            ffmpeg("-i", plain, "-i", plain, "-map", "0:v", "-map", "1:v", "-c", "copy", source)
        case "plain":
            return plain
        case str(name):
            raise AssertionError(name)
        case making:
            ffmpeg(*making, source)
    return source


@pytest.mark.parametrize("case", KINDS)
def test_what_a_video_is_it_stays(case: Kind, tmp_path: Path) -> None:
    source, output = _make(case, tmp_path), tmp_path / case.output
    options = VideoOptions(case.encoder)
    result = stylize_video(source, output, paint=lambda picture: picture, options=options)
    assert len(result.messages) == case.messages, result.messages
    seen = [_seen(probe(source), source), _seen(probe(output), output)] if case.name != "in.webp" else []
    for name in () if "all" in case.differs or not seen else set(seen[0]) - case.differs:
        assert seen[1][name] == seen[0][name], name
    before, after = _times(source), _times(output)
    assert len(after) == result.frames
    if before:  # libav reads no animated WebP
        is_coarse = container_for(output).muxer in ("matroska", "webm")
        zero = before[0] - after[0] if case.name.endswith(".ts") else 0
        assert len(after) == len(before)
        tolerance = TICK if is_coarse else 0
        assert all(abs(old - zero - new) <= tolerance for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize("matrix", [1, 6])
def test_dnxhr_shows_the_same_colours(tmp_path: Path, matrix: int) -> None:
    tags = {"colorspace": matrix, "color_range": 1}
    source = make_video(tmp_path / "in.mp4", [0, 512], Made(size=(256, 144), settings=tags))
    options = VideoOptions(EncoderOptions(codec="dnxhr"))
    stylize_video(source, tmp_path / "out.mov", paint=lambda picture: picture, options=options)
    before, after = pixels(source)[0], pixels(tmp_path / "out.mov")[0]
    assert np.abs(before.astype(float) - after).mean() < NEARLY_THE_SAME


@pytest.mark.parametrize(("codec", "size"), [("hevc", (14, 14)), ("av1", (2, 2)), ("dnxhr", SIZE)])
def test_a_picture_that_is_too_small_for_a_codec_is_refused(codec: str, size: tuple[int, int], tmp_path: Path) -> None:
    source = make_video(tmp_path / "in.mp4", made=Made(size=size))
    options = VideoOptions(EncoderOptions(codec=codec))
    with pytest.raises(UsageError, match=f"too small for {codec}"):
        stylize_video(source, tmp_path / "out.mkv", paint=lambda picture: picture, options=options)
    assert [file.name for file in tmp_path.iterdir()] == ["in.mp4"]


def _seen(clip: Clip, path: Path) -> dict[str, object]:
    """What two videos are compared by."""
    with av.open(str(path)) as container:
        streams = [
            (stream.type, stream.metadata.get("language", "und"), int(stream.disposition))
            for stream in container.streams
            if stream.type != "data"  # chapters and timecode, which are looked at apart
        ]
        chapters = [(chapter["start"] * chapter["time_base"], chapter["metadata"]) for chapter in container.chapters()]
    return {
        "shape": (clip.width, clip.height, clip.sample_aspect),
        "turn": probe(path).turn if path.name.startswith("out") else type(clip.turn)(),
        "colour": clip.color,
        "format": (clip.pixel_format, clip.bits),
        "depth": clip.bits > 8,
        "alpha": clip.has_alpha,
        "streams": streams,
        "chapters": chapters,
        "timecode": clip.tags.get("timecode"),
        "duration": clip.duration and round(clip.duration, 1),
    }


def _times(path: Path) -> list[Fraction]:
    """When each frame is shown; nothing of what libav does not read."""
    if path.suffix == ".webp":
        return []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        return [frame.pts * stream.time_base for frame in frames if frame.pts is not None and stream.time_base]
