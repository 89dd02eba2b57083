"""What each video container holds: its codecs, and the sound, subtitles and pictures that it takes as they are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from stylecli.core.errors import UsageError
from stylecli.media.video.color import holds_alpha
from stylecli.media.video.writing.codecs import CODECS, Codec, EncoderOptions
from stylecli.media.video.writing.encoder import Encoder


@dataclass(frozen=True)
class Container:
    """A container of libav and what can be copied into it; everything else is converted or left out with a message."""

    muxer: str
    codecs: tuple[str, ...]  # the default first
    sound: frozenset[str] | None  # None: any
    sound_encoder: str  # for sound with loss that it does not take; empty: it holds no sound
    subtitles: frozenset[str]
    text_encoder: str  # for subtitles that are text; those that are pictures cannot be converted
    cover: Literal["picture", "attachment", "none"] = "none"
    attachments: bool = False
    data: bool = False  # whether data streams of the same family can be copied
    videos: frozenset[str] = frozenset()  # codecs of further moving pictures that are copied
    takes_pcm: bool = False  # what sound without loss is converted to; PCM is preferred
    takes_flac: bool = False
    has_alpha_beside: bool = False  # whether it carries the transparency that some codecs put beside their packets
    has_edit_lists: bool = False  # whether it says when a track starts by an edit list, as the MP4 family does
    animates: str = ""  # the ffmpeg encoder of a format that is an animation, and made from lossless frames

    def codec(self, name: str) -> Codec:
        """One of its codecs, with the formats that survive in it."""
        codec = CODECS[name]
        if codec.has_alpha_beside and not self.has_alpha_beside:
            return replace(codec, formats=tuple(one for one in codec.formats if not holds_alpha(one)))
        return codec


_MP4_SOUND = frozenset({"aac", "ac3", "alac", "dts", "eac3", "flac", "mp2", "mp3", "opus"})
_MOV_SOUND = frozenset(
    {"aac", "ac3", "alac", "eac3", "mp3", "pcm_f32le", "pcm_s16be", "pcm_s16le", "pcm_s24be", "pcm_s24le", "pcm_s32le"}
)
_MKV_SUBTITLES = frozenset({"ass", "dvb_subtitle", "dvd_subtitle", "hdmv_pgs_subtitle", "subrip", "webvtt"})

_HARDWARE = tuple(f"{codec}_{maker}" for maker in ("nvenc", "qsv", "amf") for codec in ("h264", "hevc", "av1"))
_MP4_VIDEOS = frozenset({"av1", "h264", "hevc", "mpeg4", "vp9"})

_MP4 = Container(
    muxer="mp4",
    codecs=("h264", "hevc", "av1", "vp9", *_HARDWARE),
    sound=_MP4_SOUND,
    sound_encoder="aac",
    subtitles=frozenset({"dvd_subtitle", "mov_text"}),
    text_encoder="mov_text",
    cover="picture",
    takes_flac=True,
    data=True,
    videos=_MP4_VIDEOS,
    has_edit_lists=True,
)
_TS = Container(
    muxer="mpegts",
    codecs=("h264", "hevc", *(name for name in _HARDWARE if not name.startswith("av1"))),
    sound=frozenset({"aac", "ac3", "dts", "eac3", "mp2", "mp3", "opus"}),
    sound_encoder="aac",
    subtitles=frozenset({"dvb_subtitle", "dvb_teletext"}),
    text_encoder="",
    data=True,
    videos=frozenset({"h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4"}),
)


def _animation(muxer: str, encoder: str) -> Container:
    return Container(
        muxer=muxer,
        codecs=(muxer,),
        sound=frozenset(),
        sound_encoder="",
        subtitles=frozenset(),
        text_encoder="",
        animates=encoder,
    )


CONTAINERS = {
    ".mp4": _MP4,
    ".m4v": _MP4,
    ".mov": Container(
        muxer="mov",
        codecs=("h264", "hevc", "prores", "dnxhr", *(name for name in _HARDWARE if not name.startswith("av1"))),
        sound=_MOV_SOUND,
        sound_encoder="aac",
        subtitles=frozenset({"mov_text"}),
        text_encoder="mov_text",
        data=True,
        takes_pcm=True,
        videos=frozenset({"dnxhd", "h264", "hevc", "mpeg4", "prores", "qtrle"}),
        has_edit_lists=True,
    ),
    ".mkv": Container(
        muxer="matroska",
        codecs=("h264", "hevc", "av1", "vp9", "prores", "dnxhr", "ffv1", *_HARDWARE),
        sound=None,
        sound_encoder="aac",
        subtitles=_MKV_SUBTITLES,
        text_encoder="subrip",
        cover="attachment",
        attachments=True,
        takes_pcm=True,
        takes_flac=True,
        has_alpha_beside=True,
        videos=frozenset({"av1", "dnxhd", "ffv1", "h264", "hevc", "mpeg2video", "mpeg4", "prores", "vp8", "vp9"}),
    ),
    ".webm": Container(
        muxer="webm",
        codecs=("vp9", "av1", *(name for name in _HARDWARE if name.startswith("av1"))),
        sound=frozenset({"opus", "vorbis"}),
        sound_encoder="libopus",
        subtitles=frozenset({"webvtt"}),
        text_encoder="webvtt",
        has_alpha_beside=True,
        videos=frozenset({"av1", "vp8", "vp9"}),
    ),
    ".ts": _TS,
    ".m2ts": _TS,
    ".gif": _animation("gif", "gif"),
    ".webp": _animation("webp", "libwebp_anim"),
}


def container_for(output: Path) -> Container:
    """The container that the name of `output` asks for; UsageError where there is none."""
    try:
        return CONTAINERS[output.suffix.lower()]
    except KeyError:
        fault = f"no video is written as {output.suffix!r}" if output.suffix else "the name has no suffix"
        raise UsageError(f"{output}: {fault}", hint=f"Write one of {', '.join(CONTAINERS)}.") from None


def encoder_for(container: Container, options: EncoderOptions, *, has_alpha: bool = False) -> Encoder:
    """The codec and settings that `options` ask for within `container`.

    Where the user is silent and something is transparent, it is the first codec that keeps it, if there is one.
    Raises UsageError where what is asked for cannot be had.
    """
    codecs = container.codecs
    keeping = [name for name in codecs if container.codec(name).has_alpha()] if has_alpha else []
    name = options.codec or (keeping or codecs)[0]
    if name not in codecs:
        raise UsageError(f"codec {name}: not written into {container.muxer}", hint=f"Use {_either(codecs)}.")
    codec = container.codec(name)
    crf = codec.crf if options.crf is None else options.crf
    if crf is not None and codec.crf is None:
        raise UsageError(f"crf {crf}: {name} has no such scale", hint="Leave `crf` out.")
    if crf is not None and not 0 <= crf <= codec.worst_crf:
        raise UsageError(f"crf {crf}: outside the range of {name}", hint=f"Use 0 (best) to {codec.worst_crf} (worst).")
    preset = options.preset or codec.preset
    if preset not in (codec.presets or ("",)):
        choices = f"Use one of {', '.join(codec.presets)}." if codec.presets else "Leave `preset` out."
        raise UsageError(f"preset {preset}: not a preset of {name}", hint=choices)
    if options.pixel_format and options.pixel_format not in codec.formats:
        fault = f"pixel format {options.pixel_format}: not written with {name} into {container.muxer}"
        raise UsageError(fault, hint=f"Use {' or '.join(codec.formats)}.")
    return Encoder(name, codec, crf, preset, options.pixel_format)


def _either(names: tuple[str, ...]) -> str:
    return " or ".join(name for name in names if not CODECS[name].is_hardware)
