"""Which streams go along with the new picture, and how: copied, converted or left out.

Where the list of a container is not enough to tell, ffmpeg itself is asked to write the beginning of the stream.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import ffmpeg

from stylecli.core.errors import MediaError, UsageError
from stylecli.media.video.clip import Clip
from stylecli.media.video.ffmpeg import run_ffmpeg, url
from stylecli.media.video.streams import OtherStream, opened
from stylecli.media.video.writing.containers import Container

_TRIAL_SECONDS = "0.2"  # of a stream: enough for a muxer to write its header
_TRIAL_FRAMES = "2"  # of sound, wherever it begins
_RATED_ENCODERS = ("aac", "libmp3lame", "libopus")  # they get a bit rate; the others choose a good one themselves
_ENCODERS_OF_CODECS = {"mp3": "libmp3lame", "opus": "libopus", "vorbis": "libvorbis"}  # where ffmpeg has several
_LOSSLESS_CODECS = re.compile(r"pcm_.+|flac|alac|truehd|mlp|tta|wavpack|ape|shorten|wmalossless")
_BITS_A_CHANNEL = 96_000  # a second, for sound that must be converted: hard to tell from the source with AAC and Opus
_OPUS_LAYOUTS = "aformat=channel_layouts=7.1|5.1|stereo|mono"  # libopus refuses others, such as 5.1(side) of AC-3
_TEXT_SUBTITLES = frozenset({"ass", "eia_608", "mov_text", "ssa", "subrip", "subviewer", "text", "ttml", "webvtt"})
_CHANNELS_WITH_ONE_LAYOUT = 2  # some decoders, as that of Speex, do not tell it, and encoders refuse what is not told
_DROP_EARLY = "noise=drop=lt(pts\\,0)"  # a seek arrives somewhat early: packets from before the cut go
# What an edit list leaves out would be heard in MPEG-TS, which has neither those nor a delay of the track.
# Decoders want some sound before 0: AAC 2112 samples at 44100 Hz, which is 48 ms.
_DROP_TRIMMED = "noise=drop=lt(pts*tb\\,-0.05)"
_UNCUTTABLE = "a moving picture cannot be cut without another encoding"


@dataclass(frozen=True)
class Companion:
    """A stream that goes along with the picture, and how: `copy` or the name of an encoder."""

    stream: OtherStream
    encoder: str = "copy"


Trial = Callable[[Companion], bool]  # whether a stream can be written in that way


def companions(
    clip: Clip,
    container: Container,
    *,
    folder: Path,
    copies_videos: bool = False,
    is_cut: bool = False,
    audio: str | None = None,
) -> tuple[list[Companion], list[str]]:
    """Which streams of `clip` go into `container`, and a message for each that does not go as it is.

    folder: for small files, which are removed.
    copies_videos: further moving pictures go along, as they are.
    is_cut: a range is wanted; moving pictures cannot be cut without painting them.
    audio: "copy", "none", or the codec that all sound is to have; None: as it is, converted where it must be.

    Raises:
        UsageError: the sound cannot be written as `audio` wants it.
    """
    kept: list[Companion] = []
    messages: list[str] = []
    answers: dict[tuple[str, str, int, str, int], bool] = {}

    def is_taken(companion: Companion) -> bool:
        stream = companion.stream
        alike = stream.index if stream.kind == "data" else -1  # nothing tells what data streams hold
        question = (stream.kind, stream.codec, stream.channels, companion.encoder, alike)
        if question not in answers:
            answers[question] = _is_written(companion, clip, container, folder=folder)
        return answers[question]

    for stream in clip.others:
        if stream.is_rebuilt:
            continue
        name = f"{stream.kind} stream {stream.index} ({stream.codec or 'unknown codec'})"
        if stream.kind == "video" and (is_cut or not copies_videos):
            messages.append(f"{name} is left out: {_UNCUTTABLE if copies_videos else 'not asked for'}")
            continue
        if stream.kind == "sound" and audio:
            if audio != "none":
                way = Companion(stream, _wanted_encoder(stream, audio))
                if not is_taken(way):
                    raise _untaken(clip.path, name, way, container)
                kept.append(way)
            continue
        ways = (Companion(stream, encoder) for encoder in _encoders(stream, container, clip))
        companion = next((way for way in ways if is_taken(way)), None)
        if companion is None:
            messages.append(f"{name} is left out: {_obstacle(stream, container)}")
            continue
        kept.append(companion)
        if companion.encoder != "copy":
            messages.append(f"{name} does not fit into {container.muxer} and is converted with {companion.encoder}")
        elif stream.kind == "video":
            messages.append(f"{name} is copied as it is: only video stream {clip.number} is stylized")
        elif stream.kind == "sound" and container.sound is not None and stream.codec not in container.sound:
            messages.append(f"{name} is copied, though many players do not play it in {container.muxer}")
    return kept, messages


def is_attached(companion: Companion, container: Container) -> bool:
    """Whether a cover is a file inside the container; as a stream it would be a video of one frame there."""
    return companion.stream.kind == "cover" and container.cover == "attachment"


def stream_options(
    number: int, companion: Companion, container: Container, *, source: int, is_cut: bool
) -> dict[str, str]:
    """The options of ffmpeg for output stream `number`, which comes from input `source`."""
    # Since the tags of one stream are named, those of all must be.
    options = {f"c:{number}": companion.encoder, f"map_metadata:s:{number}": f"{source}:s:{companion.stream.index}"}
    if title := title_of(companion.stream.tags):
        options[f"metadata:s:{number}"] = f"title={title}"
    if companion.stream.kind == "sound" and companion.encoder != "copy":
        if companion.encoder in _RATED_ENCODERS:
            options[f"b:{number}"] = str(_BITS_A_CHANNEL * companion.stream.channels)
        if companion.stream.channels <= _CHANNELS_WITH_ONE_LAYOUT:
            options[f"ac:{number}"] = str(companion.stream.channels)
        filters = ["atrim=start=0"] if is_cut else []
        filters += [_OPUS_LAYOUTS] if companion.encoder == "libopus" else []
        options |= {f"filter:{number}": ",".join(filters)} if filters else {}
    elif is_cut and companion.stream.kind in ("sound", "subtitles"):
        options[f"bsf:{number}"] = _DROP_EARLY
    elif companion.stream.kind == "sound" and container.muxer == "mpegts":
        options[f"bsf:{number}"] = _DROP_TRIMMED
    return options


def title_of(tags: Mapping[str, str]) -> str:
    """The title of a track; libav reads it as `name` of MP4, and writes only `title` there."""
    return tags.get("title") or tags.get("name", "")


def _is_written(companion: Companion, clip: Clip, container: Container, *, folder: Path) -> bool:
    """Whether ffmpeg can write the beginning of a stream, and it can be read; only kinds that vary widely are tried."""
    if companion.stream.kind not in ("sound", "data", "video"):
        return True
    source = ffmpeg.input(url(clip.path), **clip.reading)[str(companion.stream.index)]
    trial = folder / "trial"
    limit = {"frames:0": _TRIAL_FRAMES} if companion.stream.kind == "sound" else {"t": _TRIAL_SECONDS}
    options = {"f": container.muxer, **stream_options(0, companion, container, source=0, is_cut=False), **limit}
    try:
        run_ffmpeg(
            ffmpeg.output(source, url(trial), **options), f"{clip.path}: not taken by {container.muxer}", target=trial
        )
        return companion.stream.kind != "sound" or not companion.stream.channels or _sounds(trial)
    except MediaError:
        return False
    finally:
        trial.unlink(missing_ok=True)


def _sounds(path: Path) -> bool:
    """Whether a file holds sound of a known codec."""
    with opened(path) as container:
        return any(stream.codec_context is not None for stream in container.streams.audio)


def _encoders(stream: OtherStream, container: Container, clip: Clip) -> Iterator[str]:
    """`copy` or names of encoders, the best first; nothing for a stream that must be left out."""
    match stream.kind:
        case "sound":
            if stream.codec and stream.channels:
                yield from _sound_encoders(stream, container)
        case "subtitles":
            if stream.codec in container.subtitles:
                yield "copy"
            elif stream.codec in _TEXT_SUBTITLES and container.text_encoder:
                yield container.text_encoder
        case "cover" if container.cover != "none":
            yield "copy"
        case "attachment" if container.attachments:
            yield "copy"
        case "video" if stream.codec in container.videos:
            yield "copy"
        case "data" if container.data and container.muxer in clip.formats:  # no other family understands it
            yield "copy"


def _wanted_encoder(stream: OtherStream, audio: str) -> str:
    """The encoder that makes of a stream what the user wants; what has the codec already is copied."""
    if audio in ("copy", stream.codec):
        return "copy"
    return _pcm_encoder(stream.codec) if audio == "pcm" else _ENCODERS_OF_CODECS.get(audio, audio)


def _untaken(source: Path, name: str, way: Companion, container: Container) -> UsageError:
    if way.encoder == "copy":
        fault, hint = f"cannot be copied into {container.muxer}", "Leave `audio` out, and it is converted."
    else:
        fault = f"cannot be written as {way.encoder} into {container.muxer}"
        hint = f'Use `audio="{container.sound_encoder or "none"}"`.'
    return UsageError(f"{source}: {name} {fault}", hint=hint)


def _sound_encoders(stream: OtherStream, container: Container) -> Iterator[str]:
    """Ways to keep sound: as it is, without loss if it had none, then with loss, at last in a form that few play."""
    if container.sound is None or stream.codec in container.sound:
        yield "copy"
    if _LOSSLESS_CODECS.fullmatch(stream.codec):
        if container.takes_pcm:
            yield _pcm_encoder(stream.codec)
        if container.takes_flac:
            yield "flac"
    if container.sound_encoder:
        yield container.sound_encoder
        yield "copy"


def _pcm_encoder(codec: str) -> str:
    """The little-endian PCM that holds all of a lossless codec."""
    if found := re.match(r"pcm_(f32|f64|s32)", codec):
        return f"pcm_{found[1]}le"
    is_short = re.match(r"pcm_(s16|s8|u8|u16|alaw|mulaw)", codec)
    return "pcm_s16le" if is_short else "pcm_s24le"


def _obstacle(stream: OtherStream, container: Container) -> str:
    if stream.kind == "sound" and not stream.codec:
        return "its codec is unknown"
    if stream.kind == "sound" and container.sound_encoder and not stream.channels:
        return "no sound can be read of it"
    return f"{container.muxer} does not take it"
