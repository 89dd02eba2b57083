"""Joins the new picture with all else of its source: sound, subtitles, chapters and tags."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import ffmpeg

from stylecli.media.video.clip import Clip
from stylecli.media.video.containers import Container
from stylecli.media.video.ffmpeg import run_ffmpeg
from stylecli.media.video.streams import MICROSECOND, OtherStream, announces_alpha, opened

_BITS_A_CHANNEL = 96_000  # a second, for sound that must be converted: hard to tell from the source with AAC and Opus
_OPUS_LAYOUTS = "aformat=channel_layouts=7.1|5.1|stereo|mono"  # libopus refuses others, such as 5.1(side) of AC-3
_TEXT_SUBTITLES = frozenset({"ass", "eia_608", "mov_text", "ssa", "subrip", "subviewer", "text", "ttml", "webvtt"})
_DROP_EARLY = "noise=drop=lt(pts\\,0)"  # a seek arrives somewhat early: packets from before the cut go
_NO_STREAM = "v:99?"  # a map that finds nothing and may: it makes ffmpeg-python open the file for its tags and chapters
_UNJOINED = "the picture and the other streams cannot be joined"
_UNCUTTABLE = "a moving picture cannot be cut without another encoding"
# Of the source's encoding: no longer true of the new picture.
_OUTDATED_TAGS = frozenset(
    {"alpha_mode", "bps", "duration", "encoder", "number_of_bytes", "number_of_frames", "rotate"}
)
_STATISTICS = ("BPS-", "DURATION-", "NUMBER_OF_", "_STATISTICS_")  # as mkvmerge writes them
_GIF_OPTIONS = {"vf": "split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=new=1"}
_WEBP_OPTIONS = {"quality:v:0": "90"}


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


def companions(
    clip: Clip, container: Container, *, copies_videos: bool = False, is_cut: bool = False
) -> tuple[list[Companion], list[str]]:
    """Which streams of `clip` go into `container`, and a message for each that does not go as it is.

    copies_videos: further moving pictures go along, as they are.
    is_cut: a range is wanted; moving pictures cannot be cut without painting them.
    """
    kept: list[Companion] = []
    messages: list[str] = []
    for stream in clip.others:
        if _is_rebuilt(stream, clip):
            continue
        name = f"{stream.kind} stream {stream.index} ({stream.codec or 'unknown codec'})"
        encoder = _encoder(stream, container, clip)
        if stream.kind == "video" and (is_cut or not copies_videos):
            messages.append(f"{name} is left out: {_UNCUTTABLE if copies_videos else 'not asked for'}")
        elif not encoder:
            messages.append(f"{name} is left out: {_obstacle(stream, container)}")
        else:
            kept.append(Companion(stream, encoder))
            if encoder != "copy":
                messages.append(f"{name} does not fit into {container.muxer} and is converted with {encoder}")
            elif stream.kind == "video":
                messages.append(f"{name} is copied as it is: only video stream {clip.number} is stylized")
    return kept, messages


def join(
    picture: Path, target: Path, *, clip: Clip, container: Container, streams: Sequence[Companion], cut: Cut
) -> None:
    """Write `target` from the video in `picture` and the companions of `clip`; small files go beside it meanwhile.

    Raises MediaError with ffmpeg's own words. ffmpeg has ended when this returns or raises, whatever happens.
    """
    new = ffmpeg.input(str(picture.resolve()), copyts=None)  # without copyts, each file would start at 0 by itself
    old = ffmpeg.input(str(clip.path.resolve()), **_reading(cut))
    tags = ffmpeg.input(str(_tag_file(picture, clip, cut, folder=target.parent)), f="ffmetadata")
    mapped = [companion for companion in streams if not _is_attached(companion, container)]
    maps = [*(old[str(companion.stream.index)] for companion in mapped), *(file[_NO_STREAM] for file in (old, tags))]
    options = {"f": container.muxer, "c": "copy", "bitexact": None}
    options |= {"map_metadata:g": "1:g", "map_metadata:s:v:0": "2:s:0", "map_chapters": "1"}
    options["disposition:v:0"] = "+".join(clip.dispositions) or "0"
    if clip.sample_aspect != 1:  # the codec may not know of it
        options["aspect:v:0"] = str(clip.sample_aspect * Fraction(clip.width, clip.height)).replace("/", ":")
    if container.animates:
        options |= _animating(container)
    for number, companion in enumerate(mapped, start=1):
        options |= _converting(number, companion, is_cut=bool(cut.start))
    options |= _attaching(clip, container, streams, folder=target.parent)
    if container.has_edit_lists:
        # A start behind 0 is exact in the clock of the picture; ffmpeg before 9 rounds it to 1 ms.
        options |= {"movie_timescale": str(clip.time_base.denominator), "movflags": "+faststart"}
    if cut.end is not None:
        options["t"] = _time(cut.end - (cut.start or 0))
    command = ffmpeg.output(new["v:0"], *maps, str(target.resolve()), **options)
    run_ffmpeg(command.global_args("-nostdin", "-nostats", "-loglevel", "error"), f"{target.name}: {_UNJOINED}")


def unpack_animation(source: Path, target: Path) -> None:
    """Write an animated WebP, which libav before 9 does not decode, as a Matroska file without loss.

    Raises MediaError.
    """
    command = ffmpeg.input(str(source.resolve())).output(str(target.resolve()), f="matroska", **{"c:v": "png"})
    command = command.global_args("-nostdin", "-nostats", "-loglevel", "error")
    run_ffmpeg(command, f"{source}: cannot be read as an animated WebP")


def _encoder(stream: OtherStream, container: Container, clip: Clip) -> str:
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
        case "video" if stream.codec in container.videos:
            encoder = "copy"
        case "data" if container.data and container.muxer in clip.formats:  # no other family understands it
            encoder = "copy"
    return encoder


def _obstacle(stream: OtherStream, container: Container) -> str:
    match stream.kind:
        case "sound" if container.sound_encoder:
            return "it is damaged"
        case _:
            return f"{container.muxer} does not take it"


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
    # Since the tags of one stream are named, those of all must be.
    options = {f"c:{number}": companion.encoder, f"map_metadata:s:{number}": f"1:s:{companion.stream.index}"}
    if companion.stream.kind == "sound" and companion.encoder != "copy":
        options[f"b:{number}"] = str(_BITS_A_CHANNEL * companion.stream.channels)
        filters = ["atrim=start=0"] if is_cut else []
        filters += [_OPUS_LAYOUTS] if companion.encoder == "libopus" else []
        options |= {f"filter:{number}": ",".join(filters)} if filters else {}
    elif is_cut and companion.stream.kind in ("sound", "subtitles"):
        options[f"bsf:{number}"] = _DROP_EARLY
    return options


def _tag_file(picture: Path, clip: Clip, cut: Cut, *, folder: Path) -> Path:
    """The tags of the picture in ffmpeg's own format of metadata, except those that the source's encoding left."""
    with opened(picture) as container:
        tags = {"alpha_mode": "1"} if announces_alpha(container.streams.video[0]) else {}
    for name, value in clip.tags.items():
        is_outdated = name.lower() in _OUTDATED_TAGS or name.upper().startswith(_STATISTICS)
        if not is_outdated and not (name == "timecode" and cut.start):
            tags[name] = value
    file = folder / "tags.txt"
    lines = (f"{_escaped(name)}={_escaped(value)}" for name, value in tags.items())
    file.write_text("\n".join([";FFMETADATA1", "[STREAM]", *lines, ""]), encoding="utf-8")
    return file.resolve()


def _escaped(text: str) -> str:
    return re.sub(r"([=;#\\\n])", r"\\\1", text)


def _animating(container: Container) -> dict[str, str]:
    """The options that make an animation which runs for ever, each frame with the colours that suit it."""
    clock = {"enc_time_base:v:0": "1:1000", "fps_mode:v:0": "passthrough"}
    options = {"c:v:0": container.animates, "loop": "0", **clock}
    return options | (_GIF_OPTIONS if container.animates == "gif" else _WEBP_OPTIONS)


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
