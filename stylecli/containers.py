"""What each video container holds: its codecs, and the sound, subtitles and pictures that it takes as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from stylecli.errors import UsageError


@dataclass(frozen=True)
class Codec:
    """A video encoder of libav, with what is set where the user is silent."""

    encoder: str
    crf: int  # constant quality on the codec's own scale; lower is better and larger
    worst_crf: int
    preset: str
    presets: tuple[str, ...]
    preset_option: str  # the name that the encoder has for its presets
    halves_odd_sizes: bool  # whether it encodes an odd width or height as 4:2:0
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Container:
    """A container of libav and what can be copied into it; everything else is converted or left out with a message."""

    muxer: str
    codecs: tuple[str, ...]  # the default first
    sound: frozenset[str] | None  # None: any
    sound_encoder: str
    subtitles: frozenset[str]
    text_encoder: str  # for subtitles that are text; those that are pictures cannot be converted
    cover: Literal["picture", "attachment", "none"]
    attachments: bool = False
    has_edit_lists: bool = False  # whether it says when a track starts by an edit list, as the MP4 family does


@dataclass(frozen=True)
class EncoderOptions:
    """What a user wants of the encoder; None leaves the choice to the container and the codec."""

    codec: str | None = None
    crf: int | None = None
    preset: str | None = None


AS_USUAL = EncoderOptions()


@dataclass(frozen=True)
class Encoder:
    """A codec with its settings chosen."""

    codec: Codec
    crf: int
    preset: str

    @property
    def options(self) -> dict[str, str]:
        """The options of the libav encoder."""
        return {**self.codec.options, "crf": str(self.crf), self.codec.preset_option: self.preset}


CODECS = {
    "h264": Codec(
        encoder="libx264",
        # On a 2-core laptop `medium` costs 87 ms a 720p frame, more than the network itself, and `veryfast` 36 ms.
        # The quality is held by the CRF, not by the preset: `veryfast` pays with a somewhat larger file.
        preset="veryfast",
        presets=("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"),
        preset_option="preset",
        crf=18,  # x264's own documentation: "visually lossless or nearly so"
        worst_crf=51,
        halves_odd_sizes=False,
    ),
    "vp9": Codec(
        encoder="libvpx-vp9",
        # libvpx at its default speed 1 takes seconds a frame; 4 with row-mt is the fastest that still looks ahead.
        preset="4",
        presets=("0", "1", "2", "3", "4", "5", "6", "7", "8"),
        preset_option="cpu-used",
        crf=24,
        worst_crf=63,
        halves_odd_sizes=True,
        options={"deadline": "good", "row-mt": "1", "b": "0"},  # b=0: the CRF alone sets the quality
    ),
}

_MP4_SOUND = frozenset({"aac", "ac3", "alac", "dts", "eac3", "flac", "mp2", "mp3", "opus"})
_MOV_SOUND = frozenset(
    {"aac", "ac3", "alac", "eac3", "mp3", "pcm_f32le", "pcm_s16be", "pcm_s16le", "pcm_s24be", "pcm_s24le", "pcm_s32le"}
)
_MKV_SUBTITLES = frozenset({"ass", "dvb_subtitle", "dvd_subtitle", "hdmv_pgs_subtitle", "subrip", "webvtt"})

_MP4 = Container(
    muxer="mp4",
    codecs=("h264", "vp9"),
    sound=_MP4_SOUND,
    sound_encoder="aac",
    subtitles=frozenset({"dvd_subtitle", "mov_text"}),
    text_encoder="mov_text",
    cover="picture",
    has_edit_lists=True,
)
CONTAINERS = {
    ".mp4": _MP4,
    ".m4v": _MP4,
    ".mov": Container(
        muxer="mov",
        codecs=("h264",),
        sound=_MOV_SOUND,
        sound_encoder="aac",
        subtitles=frozenset({"mov_text"}),
        text_encoder="mov_text",
        cover="none",
        has_edit_lists=True,
    ),
    ".mkv": Container(
        muxer="matroska",
        codecs=("h264", "vp9"),
        sound=None,
        sound_encoder="aac",
        subtitles=_MKV_SUBTITLES,
        text_encoder="subrip",
        cover="attachment",
        attachments=True,
    ),
    ".webm": Container(
        muxer="webm",
        codecs=("vp9",),
        sound=frozenset({"opus", "vorbis"}),
        sound_encoder="libopus",
        subtitles=frozenset({"webvtt"}),
        text_encoder="webvtt",
        cover="none",
    ),
}


def container_for(output: Path) -> Container:
    """The container that the name of `output` asks for; UsageError where there is none."""
    try:
        return CONTAINERS[output.suffix.lower()]
    except KeyError:
        fault = f"no video is written as {output.suffix!r}" if output.suffix else "the name has no suffix"
        raise UsageError(f"{output}: {fault}", hint=f"Write one of {', '.join(CONTAINERS)}.") from None


def encoder_for(container: Container, options: EncoderOptions) -> Encoder:
    """The codec and settings that `options` ask for within `container`; UsageError where they cannot be had."""
    name = options.codec or container.codecs[0]
    if name not in container.codecs:
        raise UsageError(
            f"codec {name}: not written into {container.muxer}", hint=f"Use {' or '.join(container.codecs)}."
        )
    codec = CODECS[name]
    crf = codec.crf if options.crf is None else options.crf
    if not 0 <= crf <= codec.worst_crf:
        raise UsageError(f"crf {crf}: outside the range of {name}", hint=f"Use 0 (best) to {codec.worst_crf} (worst).")
    preset = options.preset or codec.preset
    if preset not in codec.presets:
        raise UsageError(f"preset {preset}: not a preset of {name}", hint=f"Use one of {', '.join(codec.presets)}.")
    return Encoder(codec, crf, preset)
