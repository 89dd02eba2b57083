"""An encoder with its settings chosen: its pixel format, and its options in the words of libav."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stylecli.media.video.color import depth, holds_alpha
from stylecli.media.video.writing.codecs import Codec

if TYPE_CHECKING:
    from stylecli.media.video.hdr import HdrLight


@dataclass(frozen=True)
class Encoder:
    """A codec with its settings chosen."""

    name: str  # as in CODECS
    codec: Codec
    crf: int | None
    preset: str
    wanted_format: str | None = None  # the pixel format that a user wants

    def options(self, pixel_format: str, *, light: HdrLight | None = None) -> dict[str, str]:
        """The options of the libav encoder; `light` is that of HDR which stays HDR."""
        options = dict(self.codec.options)
        if self.crf is not None:
            options |= dict.fromkeys(self.codec.crf_options, str(self.crf))
        if self.preset:
            options[self.codec.preset_option] = self.preset
        if profile := self.codec.profiles.get(pixel_format):
            options["profile"] = profile
        if light and (option := _MASTERING.get(self.codec.encoder)):
            words = [options.get(option.name, ""), *option.words(light)]
            options[option.name] = ":".join(filter(None, words))
        return options

    def keeps_mastering(self) -> bool:
        """Whether it writes the mastering display and the content light level."""
        return self.codec.encoder in _MASTERING

    def pixel_format(self, *, bits: int, has_alpha: bool, is_odd: bool, source: str) -> str:
        """Choose the pixel format that loses least: first transparency, then an odd size, then the bit depth.

        A lossless codec keeps the format of the source where it can. What a user wants goes before all.
        """
        if self.wanted_format:
            return self.wanted_format
        formats = self.codec.formats

        def loss(name: str) -> tuple[bool, bool, bool, bool]:
            return (
                has_alpha and not holds_alpha(name),
                is_odd and not self.keeps_odd_sizes(name),
                bits > 8 and depth(name) < min(bits, 10),
                self.name == "ffv1" and name != source,
            )

        return min(formats, key=loss)  # of equals, `min` takes the first

    def keeps_odd_sizes(self, pixel_format: str) -> bool:
        """Whether an odd width or height can be encoded in that format."""
        halves = any(part in pixel_format for part in ("420", "422", "nv12", "p010"))
        return self.codec.halves_odd_sizes or not halves


@dataclass(frozen=True)
class _MasteringOption:
    """How an encoder hears of the mastering display and the content light level."""

    name: str  # the option of libav that holds the encoder's own words
    display: str
    content: str
    counts: tuple[float, float] = (50_000, 10_000)  # steps in a unit of chromaticity, and in 1 cd/m2
    before: str = ""  # what else belongs to it

    def words(self, light: HdrLight) -> Iterator[str]:
        """The encoder's words for `light`."""
        if display := light.display:
            place, level = self.counts
            numbers = [place * number for xy in display.places for number in xy]
            numbers += [level * display.brightest, level * display.darkest]
            form = "G({},{})B({},{})R({},{})WP({},{})L({},{})"
            shown = form.format(*(round(number) if place > 1 else f"{number:.4f}" for number in numbers))
            yield f"{self.before}{self.display}={shown}"
        if light.content:
            yield f"{self.content}={light.content[0]},{light.content[1]}"


_MASTERING = {
    "libx264": _MasteringOption("x264-params", "mastering-display", "cll"),
    "libx265": _MasteringOption("x265-params", "master-display", "max-cll", before="hdr10=1:"),
    "libsvtav1": _MasteringOption("svtav1-params", "mastering-display", "content-light", counts=(1, 1)),
}
