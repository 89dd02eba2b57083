"""The video encoders that there are: pixel formats, quality scales, presets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stylecli.media.video.color import holds_alpha


@dataclass(frozen=True)
class Codec:
    """A video encoder of libav, with its defaults."""

    encoder: str
    formats: tuple[str, ...]  # pixel formats, the preferred first
    bits_a_pixel: float  # of a painted picture at the default quality, roughly: to estimate the disk space
    crf: int | None = None  # constant quality on the encoder's own scale, lower is better; None: it has no such scale
    worst_crf: int = 0
    crf_options: tuple[str, ...] = ("crf",)  # the encoder's names of that option
    preset: str = ""
    presets: tuple[str, ...] = ()
    preset_option: str = "preset"
    has_alpha_beside: bool = False  # alpha is a second stream in the side data of its packets
    smallest: tuple[int, int] = (1, 1)  # width and height in pixels
    halves_odd_sizes: bool = True  # whether it takes odd sizes with subsampled colour
    options: Mapping[str, str] = field(default_factory=dict)
    profiles: Mapping[str, str] = field(default_factory=dict)  # pixel format -> required profile
    matrices: tuple[int, ...] = ()  # colour matrices that its streams can signal, the default first; empty: all
    is_hardware: bool = False

    def has_alpha(self) -> bool:
        """Whether it supports transparency."""
        return any(map(holds_alpha, self.formats))


@dataclass(frozen=True)
class EncoderOptions:
    """The user's choice of encoder. None: the default of the container or codec.

    codec: such as "h264" or "prores"; an unknown one is refused with the list of all.
    crf: the quality, less is better; its range depends on the codec.
    preset: the speed of the encoder, such as "veryfast"; its names depend on the codec.
    pixel_format: such as "yuv420p10le".
    """

    codec: str | None = None
    crf: int | None = None
    preset: str | None = None
    pixel_format: str | None = None


_X264_PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
_EVERYWHERE = ("yuv420p", "yuv420p10le", "yuv444p", "yuv444p10le")  # 4:2:0 first: every player supports it

CODECS = {
    "h264": Codec(
        encoder="libx264",
        formats=_EVERYWHERE,
        bits_a_pixel=0.5,
        # On a 2-core laptop `medium` costs 87 ms a 720p frame, more than the network itself, and `veryfast` 36 ms.
        # The CRF sets the quality, not the preset; `veryfast` makes a somewhat larger file.
        preset="veryfast",
        presets=_X264_PRESETS,
        crf=18,  # x264's own documentation: "visually lossless or nearly so"
        worst_crf=51,
        halves_odd_sizes=False,
    ),
    "hevc": Codec(
        encoder="libx265",
        formats=_EVERYWHERE,
        bits_a_pixel=0.5,
        preset="fast",
        presets=_X264_PRESETS,
        crf=20,  # its documentation: 2 to 5 more than in x264 for the same quality
        worst_crf=51,
        smallest=(16, 16),
        halves_odd_sizes=False,
        options={"x265-params": "log-level=none"},  # else it writes to stderr
    ),
    "av1": Codec(
        encoder="libsvtav1",
        formats=("yuv420p", "yuv420p10le"),
        bits_a_pixel=0.4,
        preset="8",
        presets=tuple(map(str, range(14))),
        crf=24,
        worst_crf=63,
        # SVT-AV1 hangs at 16 x 200 and 24 x 400 pixels, not at 32 x 2160 (tried with PyAV 18).
        smallest=(32, 32),
    ),
    "vp9": Codec(
        encoder="libvpx-vp9",
        formats=("yuv420p", "yuva420p"),  # the libvpx in the wheels of PyAV 18 and 19 has no more than 8 bits
        has_alpha_beside=True,
        bits_a_pixel=0.5,
        # The default speed 1 takes seconds a frame; 4 with row-mt is the fastest that still uses lookahead.
        preset="4",
        presets=("0", "1", "2", "3", "4", "5", "6", "7", "8"),
        preset_option="cpu-used",
        crf=24,
        worst_crf=63,
        options={"deadline": "good", "row-mt": "1", "b": "0"},  # b=0: no bitrate, the CRF alone sets the quality
    ),
    "prores": Codec(
        encoder="prores_ks",
        formats=("yuv422p10le", "yuv444p10le", "yuva444p10le"),
        bits_a_pixel=5.0,
        preset="hq",
        presets=("proxy", "lt", "standard", "hq"),
        preset_option="profile",
        options={"vendor": "apl0"},
        profiles={"yuv444p10le": "4444", "yuva444p10le": "4444"},
    ),
    "dnxhr": Codec(
        encoder="dnxhd",
        formats=("yuv422p", "yuv422p10le"),
        bits_a_pixel=4.0,
        preset="dnxhr_hq",
        presets=("dnxhr_lb", "dnxhr_sq", "dnxhr_hq"),
        preset_option="profile",
        smallest=(256, 120),
        profiles={"yuv422p10le": "dnxhr_hqx"},
        matrices=(1, 9),  # BT.709 and BT.2020; decoders read any other as BT.709
    ),
    "ffv1": Codec(
        encoder="ffv1",
        formats=(
            *("yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le", "yuv420p12le"),
            *("yuv422p12le", "yuv444p12le", "gbrp10le", "gbrp12le", "bgr0"),
            *("yuva420p", "yuva422p", "yuva444p", "yuva444p10le", "yuva444p12le", "bgra"),
        ),
        bits_a_pixel=8.0,
        options={"level": "3", "slicecrc": "1", "g": "1"},
    ),
    "gif": Codec(encoder="ffv1", formats=("bgr0", "bgra"), bits_a_pixel=12.0),  # lossless, until it is converted
    "webp": Codec(encoder="ffv1", formats=("bgr0", "bgra"), bits_a_pixel=12.0),
}


def _on_nvidia(name: str) -> Codec:
    return Codec(
        encoder=f"{name}_nvenc",
        formats=("yuv420p", "p010le") if name != "h264" else ("yuv420p",),
        bits_a_pixel=0.6,
        crf=19,
        worst_crf=51,
        crf_options=("cq",),
        preset="p5",
        presets=tuple(f"p{number}" for number in range(1, 8)),
        halves_odd_sizes=False,
        options={"rc": "vbr"},
        is_hardware=True,
    )


def _on_intel(name: str) -> Codec:
    return Codec(
        encoder=f"{name}_qsv",
        formats=("nv12", "p010le") if name != "h264" else ("nv12",),
        bits_a_pixel=0.6,
        crf=20,
        worst_crf=51,
        crf_options=("global_quality",),
        preset="medium",
        presets=("veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"),
        halves_odd_sizes=False,
        is_hardware=True,
    )


def _on_amd(name: str) -> Codec:
    return Codec(
        encoder=f"{name}_amf",
        formats=("nv12", "p010le") if name != "h264" else ("nv12",),
        bits_a_pixel=0.6,
        crf=20,
        worst_crf=51,
        crf_options=("qp_i", "qp_p"),
        preset="balanced",
        presets=("speed", "balanced", "quality"),
        preset_option="quality",
        halves_odd_sizes=False,
        options={"rc": "cqp"},
        is_hardware=True,
    )


# Untested for lack of hardware; options follow the encoders' documentation.
for _name in ("h264", "hevc", "av1"):
    CODECS |= {
        f"{_name}_nvenc": _on_nvidia(_name),
        f"{_name}_qsv": _on_intel(_name),
        f"{_name}_amf": _on_amd(_name),
    }
