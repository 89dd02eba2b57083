"""What of a moving picture cannot be kept as it is, in messages: transparency, depth, resolution of colours, HDR."""

from __future__ import annotations

from collections.abc import Iterator

from stylecli.media.video.clip import Clip
from stylecli.media.video.color import depth, has_finer_color, holds_alpha
from stylecli.media.video.reading.findings import LOST_SIDE_DATA
from stylecli.media.video.writing.codecs import EncoderOptions
from stylecli.media.video.writing.containers import Container
from stylecli.media.video.writing.encoder import Encoder
from stylecli.media.video.writing.muxing.remux import GIF_RATE
from stylecli.media.video.writing.writer import pixel_format


def compromises(clip: Clip, container: Container, encoder: Encoder, wanted: EncoderOptions) -> Iterator[str]:
    """Messages about what of the moving picture of `clip` cannot be kept; `wanted` is what the user chose."""
    chosen = pixel_format(clip, encoder)
    bits = depth(chosen)
    if clip.is_interlaced:
        yield "the video is interlaced: it is deinterlaced, a frame for each frame"
    if clip.turn.is_rounded:
        yield "the video is to be shown aslant, which is not done: it is turned to the nearest right angle"
    yield from _hdr_compromises(clip, encoder)
    if clip.has_alpha and not holds_alpha(chosen):
        yield f"the video has transparency, {encoder.name} in {container.muxer} has none: it is shown on black"
    elif clip.has_alpha and wanted.codec is None and encoder.name != container.codecs[0]:
        yield f"written as {encoder.name}, which keeps the transparency"
    if clip.bits > bits:
        deeper = [
            name
            for name in container.codecs
            if any(
                depth(one) > bits and holds_alpha(one) >= holds_alpha(chosen) for one in container.codec(name).formats
            )
        ]
        keeping = f'; `codec="{deeper[0]}"` keeps more' if deeper and not wanted.pixel_format else ""
        yield f"the video has {clip.bits} bits a channel and is written with {bits}{keeping}"
    if has_finer_color(clip.pixel_format, chosen) and not wanted.pixel_format:
        yield _coarser_color(clip, encoder, chosen)
    if clip.width % 2 + clip.height % 2 and encoder.codec.formats[0] == "yuv420p" and "444" in chosen:
        yield f"{clip.width}x{clip.height} is odd: written as {chosen}, which some players do not show"
    elif encoder.name == "h264" and bits > 8:
        yield f'written as {chosen}, which some players do not show in H.264; more do with `codec="hevc"`'
    for name in sorted(LOST_SIDE_DATA.keys() & clip.side_data):
        yield f"{LOST_SIDE_DATA[name]}: left out"
    if container.animates == "gif" and clip.rate > GIF_RATE:
        yield f"gif shows at most {GIF_RATE} frames a second: frames above that are dropped"
    if container.muxer == "mpegts" and clip.chapters:
        yield "mpegts has no chapters: they are left out"
    if container.animates and (clip.chapters or clip.tags.keys() - {"language"}):
        yield f"{container.muxer} has no chapters and no tags: they are left out"


def _coarser_color(clip: Clip, encoder: Encoder, chosen: str) -> str:
    keeping = [
        one
        for one in encoder.codec.formats
        if not has_finer_color(clip.pixel_format, one)
        and depth(one) >= depth(chosen)
        and holds_alpha(one) == holds_alpha(chosen)
    ]
    hint = f'; `pixel_format="{keeping[0]}"` keeps it' if keeping else ""
    return f"the resolution of the colours is that of {clip.pixel_format} and becomes that of {chosen}{hint}"


def _hdr_compromises(clip: Clip, encoder: Encoder) -> Iterator[str]:
    if clip.light and clip.keeps_hdr:
        yield f"the video is HDR ({clip.light.transfer}) and stays so: the network sees its signal as it is"
        if (clip.light.display or clip.light.content) and not encoder.keeps_mastering():
            yield f"the mastering display and the content light level: left out, {encoder.name} does not write them"
    elif clip.light:
        yield f'the video is HDR ({clip.light.transfer}): it is tone-mapped to SDR; `hdr="keep"` leaves it as it is'
