"""Joins the new picture with all else of its source: sound, subtitles, chapters and tags."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg

from stylecli.media.video.clip import Clip
from stylecli.media.video.ffmpeg import run_ffmpeg, url
from stylecli.media.video.streams import MICROSECOND, announces_alpha, blamed_on_output, fraction, opened
from stylecli.media.video.writing.companions import Companion, is_attached, stream_options, title_of
from stylecli.media.video.writing.containers import Container
from stylecli.media.video.writing.muxing.mov_languages import write_languages
from stylecli.media.video.writing.muxing.timecode import later
from stylecli.media.video.writing.muxing.webp import end_animation_at

_NO_STREAM = "v:99?"  # a map that finds nothing and may: it makes ffmpeg-python open the file for its tags and chapters
_UNJOINED = "the picture and the other streams cannot be joined"
# Of the source's encoding: no longer true of the new picture.
_OUTDATED_TAGS = frozenset(
    {"alpha_mode", "bps", "duration", "encoder", "number_of_bytes", "number_of_frames", "rotate"}
)
_STATISTICS = ("BPS-", "DURATION-", "NUMBER_OF_", "_STATISTICS_")  # as mkvmerge writes them
GIF_RATE = 50  # frames a second: delays are hundredths of a second, and players take less than 2 of them for 10
_GIF_FILTER = "split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=new=1"
_WEBP_OPTIONS = {"quality:v:0": "90"}


@dataclass(frozen=True)
class Cut:
    """Which part of the source the picture shows, and what was taken off its timestamps; in seconds."""

    start: Fraction | None = None  # as players show it
    end: Fraction | None = None
    origin: Fraction = Fraction(0)


def join(
    picture: Path,
    target: Path,
    *,
    end: int,
    clip: Clip,
    container: Container,
    streams: Sequence[Companion],
    cut: Cut,
    output: Path,
) -> None:
    """Write `target` from the video in `picture` and the companions of `clip`; small files go beside it meanwhile.

    end: the tick of `clip` at which the last frame of `picture` ends.
    output: what faults are about.

    Raises MediaError with ffmpeg's own words. ffmpeg has ended when this returns or raises, whatever happens.
    """
    new = ffmpeg.input(url(picture), copyts=None)  # without copyts, each file would start at 0 by itself
    old = ffmpeg.input(url(clip.path), **clip.reading, **_reading(cut))
    tags = ffmpeg.input(url(_tag_file(picture, clip, cut, folder=target.parent)), f="ffmetadata")
    mapped = [companion for companion in streams if not is_attached(companion, container)]
    maps = [*(old[str(companion.stream.index)] for companion in mapped), *(file[_NO_STREAM] for file in (old, tags))]
    options: dict[str, Any] = {"f": container.muxer, "c": "copy", "bitexact": None}
    options |= {"map_metadata:g": "1:g", "map_metadata:s:v:0": "2:s:0", "map_chapters": "1"}
    options["disposition:v:0"] = "+".join(clip.dispositions) or "0"
    options["metadata"] = "timecode="  # of the file: no longer true of a range; that of the track stands in `tags`
    if clip.sample_aspect != 1:  # the codec may not know of it
        options["aspect:v:0"] = str(clip.sample_aspect * Fraction(clip.width, clip.height)).replace("/", ":")
    options |= _last_duration(picture, end * clip.time_base, container)
    if container.animates:
        options |= _animating(clip, container)
    for number, companion in enumerate(mapped, start=1):
        options |= stream_options(number, companion, container, source=1, is_cut=bool(cut.start))
    options |= _attaching(clip, container, streams, folder=target.parent)
    if container.has_edit_lists:
        # A start behind 0 is exact in the clock of the picture; ffmpeg before 9 rounds it to 1 ms.
        options |= {"movie_timescale": str(clip.time_base.denominator), "movflags": "+faststart"}
        # Such as com.apple.quicktime.make: the flag moves all tags to where these are kept, and leaves covers out.
        if clip.has_device_tags and not any(companion.stream.kind == "cover" for companion in mapped):
            options["movflags"] += "+use_metadata_tags"
    if cut.end is not None:
        options["t"] = _time(cut.end - (cut.start or 0))
    run_ffmpeg(ffmpeg.output(new["v:0"], *maps, url(target), **options), f"{output}: {_UNJOINED}", target=target)
    with blamed_on_output(output):
        if container.muxer == "mov":
            tags_of_tracks = (clip.tags, *(companion.stream.tags for companion in mapped))
            write_languages(target, [tags_of_track.get("language", "") for tags_of_track in tags_of_tracks])
        elif container.muxer == "webp":
            end_animation_at(target, round(1000 * end * clip.time_base))


def _last_duration(picture: Path, end: Fraction, container: Container) -> dict[str, str]:
    """The options by which the last frame is shown as long as it should be; MP4 knows by itself."""
    if container.muxer not in ("matroska", "webm", "gif"):
        return {}
    with opened(picture) as file:
        stream = file.streams.video[0]
        clock = fraction(stream.time_base, MICROSECOND)
        times = [(packet.pts, packet.dts) for packet in file.demux(stream) if packet.pts is not None]
    last = max(pts for pts, _ in times)
    duration = end - last * clock
    if container.muxer == "gif":
        return {"final_delay": str(max(1, round(100 * duration)))}
    if any(pts != dts for pts, dts in times):  # the last packet is another frame's, and tells the end (`end_at`)
        return {}
    return {"bsf:v:0": f"setts=duration=if(eq(PTS\\,{last})\\,{max(1, round(duration / clock))}\\,DURATION)"}


def _reading(cut: Cut) -> dict[str, str | None]:
    options: dict[str, str | None] = {}
    if cut.start:
        # ffmpeg's own trimming of decoded sound does not know of the offset and would leave nothing.
        options |= {"ss": _time(cut.start), "noaccurate_seek": None}
    if cut.origin:
        options["itsoffset"] = _time(-cut.origin)
    return options


def _tag_file(picture: Path, clip: Clip, cut: Cut, *, folder: Path) -> Path:
    """The tags of the picture in ffmpeg's own format of metadata, except those that the source's encoding left."""
    with opened(picture) as container:
        tags = {"alpha_mode": "1"} if announces_alpha(container.streams.video[0]) else {}
    for name, value in clip.tags.items():
        if name.lower() in _OUTDATED_TAGS or name.upper().startswith(_STATISTICS):
            continue
        label = value
        if name.lower() == "timecode":
            label = later(value, math.ceil((cut.start or 0) * clip.rate), clip.rate) or ""
        if label:
            tags[name] = label
    if title := title_of(clip.tags):
        tags["title"] = title
    file = folder / "tags.txt"
    lines = (f"{_escaped(name)}={_escaped(value)}" for name, value in tags.items())
    file.write_text("\n".join([";FFMETADATA1", "[STREAM]", *lines, ""]), encoding="utf-8")
    return file


def _escaped(text: str) -> str:
    return re.sub(r"([=;#\\\n])", r"\\\1", text)


def _animating(clip: Clip, container: Container) -> dict[str, str]:
    """The options that make an animation which runs for ever, each frame with the colours that suit it."""
    clock = {"enc_time_base:v:0": "1:1000", "fps_mode:v:0": "passthrough"}
    options = {"c:v:0": container.animates, "loop": "0", **clock}
    if container.animates != "gif":
        return options | _WEBP_OPTIONS
    thinning = f"fps={GIF_RATE}," if clip.rate > GIF_RATE else ""
    return options | {"vf": f"{thinning}{_GIF_FILTER}"}


def _attaching(clip: Clip, container: Container, streams: Sequence[Companion], *, folder: Path) -> dict[str, str]:
    """The options that attach covers as files, which are written into `folder`."""
    covers = [companion.stream for companion in streams if is_attached(companion, container)]
    before = sum(companion.stream.kind == "attachment" for companion in streams)
    options: dict[str, str] = {}
    for number, cover in enumerate(covers):
        suffix = {"mjpeg": "jpeg"}.get(cover.codec, cover.codec)
        file = folder / (f"cover.{suffix}" if number == 0 else f"cover{number + 1}.{suffix}")
        with opened(clip.path) as source:
            packet = next(packet for packet in source.demux(source.streams[cover.index]) if packet.size)
            file.write_bytes(bytes(packet))
        options[f"attach:{number}"] = url(file)
        options[f"metadata:s:t:{before + number}"] = f"mimetype=image/{suffix}"
    return options


def _time(seconds: Fraction) -> str:
    return f"{round(seconds / MICROSECOND)}us"
