"""Joins the new picture with the sound, subtitles, chapters and tags of its source; the only user of ffmpeg-python."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import ffmpeg

from stylecli.containers import Container
from stylecli.errors import MediaError
from stylecli.video import MICROSECOND, Clip, OtherStream, opened

PROGRAM_VARIABLE = "STYLECLI_FFMPEG"

_BITS_A_CHANNEL = 96_000  # a second, for sound that must be converted: hard to tell from the source with AAC and Opus
_OPUS_LAYOUTS = "aformat=channel_layouts=7.1|5.1|stereo|mono"  # libopus refuses others, such as 5.1(side) of AC-3
_TEXT_SUBTITLES = frozenset({"ass", "eia_608", "mov_text", "ssa", "subrip", "subviewer", "text", "ttml", "webvtt"})
_DROP_EARLY = "noise=drop=lt(pts\\,0)"  # a seek arrives somewhat early: packets from before the cut go
SIGNAL_WAIT = 0.2  # seconds until an interrupt is seen at the latest
_NO_STREAM = "v:99?"  # a map that finds nothing and may: it makes ffmpeg-python open the file for its tags and chapters


@dataclass(frozen=True)
class Companion:
    """A stream that goes along with the picture, and how: `copy` or the name of an encoder."""

    stream: OtherStream
    encoder: str = "copy"


@dataclass(frozen=True)
class Cut:
    """Which part of the source the picture shows, and what was taken off its timestamps; in seconds."""

    start: Fraction | None = None  # as players show it
    end: Fraction | None = None
    origin: Fraction = Fraction(0)


def companions(clip: Clip, container: Container) -> tuple[list[Companion], list[str]]:
    """Which streams of `clip` go into `container`, and a message for each that does not go as it is."""
    kept: list[Companion] = []
    messages: list[str] = []
    for stream in clip.others:
        name = f"{stream.kind} stream {stream.index} ({stream.codec or 'unknown codec'})"
        encoder = _encoder(stream, container)
        if encoder:
            kept.append(Companion(stream, encoder))
            if encoder != "copy":
                messages.append(f"{name} does not fit into {container.muxer} and is converted with {encoder}")
        elif not _is_rebuilt(stream, clip):
            messages.append(f"{name} is left out: {_obstacle(stream, container)}")
    return kept, messages


def ffmpeg_program() -> str:
    """The ffmpeg to use: $STYLECLI_FFMPEG or the one that comes with imageio-ffmpeg. Raises MediaError."""
    if chosen := os.environ.get(PROGRAM_VARIABLE):
        if not (found := shutil.which(chosen)):
            raise MediaError(f"{chosen}: no such program", hint=f"Correct or unset {PROGRAM_VARIABLE}.")
        return found
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise MediaError("ffmpeg: not found", hint=f"Name one in {PROGRAM_VARIABLE}.") from error


def join(
    picture: Path, target: Path, *, clip: Clip, container: Container, streams: Sequence[Companion], cut: Cut
) -> None:
    """Write `target` from the video in `picture` and the companions of `clip`; a cover goes beside it meanwhile.

    Raises MediaError with ffmpeg's own words. ffmpeg has ended when this returns or raises, whatever happens.
    """
    new = ffmpeg.input(str(picture.resolve()), copyts=None)  # without copyts, each file would start at 0 by itself
    old = ffmpeg.input(str(clip.path.resolve()), **_reading(cut))
    mapped = [companion for companion in streams if not _is_attached(companion, container)]
    maps = [old[str(companion.stream.index)] for companion in mapped] or [old[_NO_STREAM]]
    options = {"f": container.muxer, "c": "copy", "map_metadata:g": "1:g", "map_chapters": "1"}
    for number, companion in enumerate(mapped, start=1):
        options |= _converting(number, companion, is_cut=bool(cut.start))
    options |= _tagging(clip, cut)
    options |= _attaching(clip, container, streams, folder=target.parent)
    if container.has_edit_lists:
        # A start behind 0 is exact in the clock of the picture; ffmpeg before 9 rounds it to 1 ms.
        options |= {"movie_timescale": str(clip.time_base.denominator), "movflags": "+faststart"}
    if cut.end is not None:
        options["t"] = _time(cut.end - (cut.start or 0))
    command = ffmpeg.output(new["v:0"], *maps, str(target.resolve()), **options)
    _run(command.global_args("-nostdin", "-nostats", "-loglevel", "error"), target)


def _encoder(stream: OtherStream, container: Container) -> str:
    """`copy`, the name of an encoder, or nothing for a stream that must be left out."""
    encoder = ""
    match stream.kind:
        case "sound" if stream.codec and stream.channels:
            takes_it = container.sound is None or stream.codec in container.sound
            encoder = "copy" if takes_it else container.sound_encoder
        case "subtitles" if stream.codec in container.subtitles:
            encoder = "copy"
        case "subtitles" if stream.codec in _TEXT_SUBTITLES:
            encoder = container.text_encoder
        case "cover" if container.cover != "none":
            encoder = "copy"
        case "attachment" if container.attachments:
            encoder = "copy"
    return encoder


def _obstacle(stream: OtherStream, container: Container) -> str:
    match stream.kind:
        case "video":
            return "only the first moving picture is stylized"
        case "sound":
            return "it is damaged"
        case _:
            return f"{container.muxer} does not take it"


def _run(command: ffmpeg.nodes.OutputStream, target: Path) -> None:
    process = command.run_async(cmd=ffmpeg_program(), pipe_stderr=True)
    try:
        chatter = _heard_from(process)
    finally:
        process.kill()  # does nothing to one that has ended
        process.wait()
    if process.returncode != 0:
        lines = chatter.decode(errors="replace").strip().splitlines()
        fault = lines[-1] if lines else f"ffmpeg ended with {process.returncode}"
        raise MediaError(f"{target.name}: the picture and the other streams cannot be joined ({fault})")


def _heard_from(process: subprocess.Popen[bytes]) -> bytes:
    """Wait for the end and return stderr, read all the while: a full pipe would stop ffmpeg for good.

    In short waits, since Python overlooks a ^C that comes just before a long one begins.
    """
    while True:
        try:
            return process.communicate(timeout=SIGNAL_WAIT)[1]
        except subprocess.TimeoutExpired:
            continue


def _reading(cut: Cut) -> dict[str, str | None]:
    options: dict[str, str | None] = {}
    if cut.start:
        # ffmpeg's own trimming of decoded sound does not know of the offset and would leave nothing.
        options |= {"ss": _time(cut.start), "noaccurate_seek": None}
    if cut.origin:
        options["itsoffset"] = _time(-cut.origin)
    return options


def _converting(number: int, companion: Companion, *, is_cut: bool) -> dict[str, str]:
    """The options for output stream `number`."""
    options = {f"c:{number}": companion.encoder}
    if companion.stream.kind == "sound" and companion.encoder != "copy":
        options[f"b:{number}"] = str(_BITS_A_CHANNEL * companion.stream.channels)
        filters = ["atrim=start=0"] if is_cut else []
        filters += [_OPUS_LAYOUTS] if companion.encoder == "libopus" else []
        options |= {f"filter:{number}": ",".join(filters)} if filters else {}
    elif is_cut and companion.stream.kind in ("sound", "subtitles"):
        options[f"bsf:{number}"] = _DROP_EARLY
    return options


def _tagging(clip: Clip, cut: Cut) -> dict[str, str]:
    """The tags of the picture. ffmpeg-python takes an option once, so each tag has another name of the same stream."""
    options = {}
    if title := clip.tags.get("title"):
        options["metadata:s:v:0"] = f"title={title}"
    if (timecode := clip.tags.get("timecode")) and not cut.start:
        options["metadata:s:0"] = f"timecode={timecode}"
    return options


def _is_attached(companion: Companion, container: Container) -> bool:
    """Whether a cover is a file inside the container; as a stream it would be a video of one frame there."""
    return companion.stream.kind == "cover" and container.cover == "attachment"


def _attaching(clip: Clip, container: Container, streams: Sequence[Companion], *, folder: Path) -> dict[str, str]:
    covers = [companion.stream for companion in streams if _is_attached(companion, container)]
    if not covers:
        return {}
    suffix = {"mjpeg": "jpeg"}.get(covers[0].codec, covers[0].codec)
    file = folder / f"cover.{suffix}"
    with opened(clip.path) as source:
        packet = next(source.demux(source.streams[covers[0].index]))
        file.write_bytes(bytes(packet))
    number = sum(companion.stream.kind == "attachment" for companion in streams)
    return {"attach": str(file.resolve()), f"metadata:s:t:{number}": f"mimetype=image/{suffix}"}


def _is_rebuilt(stream: OtherStream, clip: Clip) -> bool:
    """Whether ffmpeg writes this data stream anew: chapters of MP4 are a text track as well, and so is the timecode."""
    return stream.kind == "data" and (
        "timecode" in stream.tags or (clip.chapters > 0 and stream.samples in (0, clip.chapters))
    )


def _time(seconds: Fraction) -> str:
    return f"{round(seconds / MICROSECOND)}us"
