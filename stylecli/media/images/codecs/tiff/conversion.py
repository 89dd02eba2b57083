"""Convert TIFF samples that are Lab, floats, signed or of 32 bits to grey or RGB of 16 bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from stylecli.media.images.codecs.tiff.directories import Directory, with_photometric
from stylecli.media.images.lost_content import FLOATS_LOST, light_lost

if TYPE_CHECKING:
    import pyvips

RGB, CIE_LAB, ICC_LAB = 2, 8, 9  # photometric interpretations (TIFF 6.0; TIFF Technical Note 4)
LAB = ("lab", "labs")  # libvips's names
LAB_LOST = "Lab: it becomes sRGB with 16 bits"
WHITES = {"char": 2**7 - 1, "short": 2**15 - 1, "int": 2**31 - 1, "uint": 2**32 - 1}  # by libvips's name of the type
BITS = {"char": 8, "short": 16, "int": 32, "uint": 32}
DEEPEST = 65_535  # white in 16 bits


class Converted(NamedTuple):
    """An image of 8 or 16 bits, what the conversion lost, and whether it is sRGB now, whatever its profile says."""

    image: pyvips.Image
    lost: tuple[str, ...] = ()
    is_srgb: bool = False


def has_lab_bytes(directory: Directory) -> bool:
    """Whether the samples are Lab with 8 bits, which libvips does not read."""
    return directory.photometric in (CIE_LAB, ICC_LAB) and directory.bits == 8


def readable_bytes(data: bytes, directory: Directory) -> bytes:
    """Return the bytes of a TIFF file so that libvips reads them: 8-bit Lab is called RGB."""
    return with_photometric(data, directory.at, RGB) if has_lab_bytes(directory) else data


def converted_samples(opened: pyvips.Image, directory: Directory) -> Converted:
    """Convert a picture that was opened from `readable_bytes` to 8 or 16 bits; other kinds stay as they are.

    Floats are linear light, 1 is white. The largest whole number of a type is white, and what is below 0 is black.
    """
    colors = opened.bands - opened.hasalpha()
    if opened.coding != "none" or colors not in (1, 3):
        return Converted(opened)
    if has_lab_bytes(directory) and opened.format == "uchar" and colors == 3:
        return Converted(_rgb_of_lab_bytes(opened, directory), (LAB_LOST,), is_srgb=True)
    if opened.interpretation in LAB:
        return Converted(opened.colourspace("rgb16"), (LAB_LOST,), is_srgb=True)
    if opened.format == "float" and opened.interpretation in ("b-w", "scrgb"):
        return _of_light(opened, colors)
    return _of_whole_numbers(opened, colors) if opened.format in WHITES else Converted(opened)


def _rgb_of_lab_bytes(opened: pyvips.Image, directory: Directory) -> pyvips.Image:
    lightness, *others = opened.bandsplit()
    shift = 0 if directory.photometric == ICC_LAB else 128  # ICC's a and b count from -128, the others are signed
    a, b = ((one + shift) % 256 - 128 for one in others[:2])
    lab = (lightness * (100 / 255)).bandjoin([a, b]).cast("float").copy(interpretation="lab")
    alpha = [(one * 257).cast("ushort") for one in others[2:]]
    rgb = lab.colourspace("rgb16")
    return rgb.bandjoin(alpha) if alpha else rgb


def _of_light(opened: pyvips.Image, colors: int) -> Converted:
    if opened.interpretation == "b-w" and opened.bands > 1:
        return Converted(opened)
    light = opened.copy_memory()  # which is looked at twice
    lost = (FLOATS_LOST, *light_lost(light.extract_band(0, n=colors).max()))
    if opened.interpretation == "scrgb":
        return Converted(light.colourspace("rgb16"), lost, is_srgb=True)
    grey = light.bandjoin([light, light]).copy(interpretation="scrgb").colourspace("grey16")
    return Converted(grey, lost, is_srgb=True)


def _of_whole_numbers(opened: pyvips.Image, colors: int) -> Converted:
    white = WHITES[opened.format]
    numbers = opened.copy_memory()  # which is looked at twice
    lost = [f"whole numbers of {BITS[opened.format]} bits: they become 0 to {DEEPEST}, {white} is white"]
    if numbers.extract_band(0, n=colors).min() < 0:
        lost.append("numbers below 0: they become black")
    deep = (numbers.cast("double") * (DEEPEST / white)).rint().cast("ushort")  # which also cuts
    return Converted(deep.copy(interpretation="grey16" if colors == 1 else "rgb16"), tuple(lost))
