"""The colours of a picture file to sRGB and back: ICC profiles, sample depths, colour under transparency.

All functions take and give pyvips images, which are computed only when their samples are asked for.
"""

from __future__ import annotations

from typing import Any

# Relative colorimetric with black point compensation: colours that both spaces hold stay what they are.
CONVERSION = {"intent": "relative", "black_point_compensation": True}
CHANNELS = {b"RGB ": 3, b"GRAY": 1, b"CMYK": 4}  # by the colour space in a profile's header, ICC.1:2022 table 19
PROFILE_FIELD = "icc-profile-data"
SRGB_TOLERANCE = 128  # of 65535, half a step of 8 bits: profiles that differ less from sRGB are sRGB
SAMPLE_MAX = {"uchar": 255, "ushort": 65535, "float": 1}
SAMPLE_FORMAT = {8: "uchar", 16: "ushort"}
# libvips has the depth in the name of the colour space too.
RENAMED = {
    ("uchar", "rgb16"): "srgb",
    ("uchar", "grey16"): "b-w",
    ("ushort", "srgb"): "rgb16",
    ("ushort", "b-w"): "grey16",
}


def profile_of(image: Any, *, channels: int) -> bytes | None:
    """Return the ICC profile of a picture file; None if there is none, or it is damaged or for other colours."""
    return usable_profile(image.get(PROFILE_FIELD) if PROFILE_FIELD in image.get_fields() else None, channels=channels)


def usable_profile(profile: bytes | None, *, channels: int) -> bytes | None:
    """Return the profile without padding, or None if it is damaged or not for colours of so many channels."""
    import pyvips  # a native library that --help does not need

    if profile is None or CHANNELS.get(profile[16:20]) != channels:  # libvips would take it for sRGB without a word
        return None
    profile = profile[: int.from_bytes(profile[:4], "big")]  # PNG holds nothing behind what a profile says is its end
    try:
        with_profile(pyvips.Image.black(1, 1, bands=channels), profile).icc_import(embedded=True, **CONVERSION)
    except pyvips.Error:
        return None
    return profile


def with_profile(image: Any, profile: bytes | None) -> Any:
    """Attach a profile without changing the samples; None takes the profile off."""
    import pyvips  # a native library that --help does not need

    tagged = image.copy()
    if profile:
        tagged.set_type(pyvips.GValue.blob_type, PROFILE_FIELD, profile)
    elif PROFILE_FIELD in tagged.get_fields():
        tagged.remove(PROFILE_FIELD)
    return tagged


def to_srgb(color: Any, profile: bytes | None) -> Any:
    """Convert grey, RGB or CMYK without alpha, 8 or 16 bits, to sRGB; returns the same image where it is sRGB.

    Colours that had to be converted come with 16 bits: an 8-bit gradient would get bands.
    """
    if profile and not is_srgb(profile):
        return with_profile(color, profile).icc_transform("srgb", embedded=True, depth=16, **CONVERSION)
    if color.interpretation == "cmyk":
        return color.icc_transform("srgb", input_profile="cmyk", depth=16, **CONVERSION)
    return color if color.bands == 3 else color.colourspace("srgb" if color.format == "uchar" else "rgb16")


def from_srgb(color: Any, profile: bytes | None, *, bits: int) -> Any:
    """Bring sRGB of any depth into a profile, which is attached; it stays sRGB if the profile takes no RGB."""
    if profile is None or not takes_rgb(profile):
        return at_depth(color, bits)
    if is_srgb(profile):
        return with_profile(at_depth(color, bits), profile)
    connected = at_depth(color, 16).icc_import(input_profile="srgb", **CONVERSION)
    return with_profile(connected, profile).icc_export(depth=bits, **CONVERSION)


def takes_rgb(profile: bytes) -> bool:
    """Whether RGB colours can be brought into a profile; those of some scanners only lead out of it."""
    import pyvips  # a native library that --help does not need

    if profile[16:20] != b"RGB ":
        return False
    try:
        with_profile(pyvips.Image.black(1, 1, bands=3).copy(interpretation="lab"), profile).icc_export(**CONVERSION)
    except pyvips.Error:
        return False
    return True


def is_srgb(profile: bytes) -> bool:
    """Whether an RGB profile says what sRGB says, by any name: then there is nothing to convert."""
    import pyvips  # a native library that --help does not need

    if profile[16:20] != b"RGB ":
        return False
    # A cube of 16 x 16 x 16 colours, as 256 x 16 pixels.
    place = pyvips.Image.xyz(256, 16)
    cube = (place[0] % 16).bandjoin([(place[0] / 16).floor(), place[1]]) * (65535 / 15)
    cube = cube.rint().cast("ushort").copy(interpretation="rgb16")
    converted = with_profile(cube, profile).icc_transform("srgb", embedded=True, depth=16, **CONVERSION)
    return bool((converted.cast("int") - cube).abs().max() <= SRGB_TOLERANCE)


def at_depth(image: Any, bits: int) -> Any:
    """Convert samples of any depth to 8 or 16 bits, rounded to nearest; returns the same image where they have them."""
    wanted = SAMPLE_FORMAT[bits]
    if image.format == wanted:
        return image
    scaled = (image * (SAMPLE_MAX[wanted] / SAMPLE_MAX[image.format])).rint().cast(wanted)
    return scaled.copy(interpretation=RENAMED.get((wanted, image.interpretation), image.interpretation))
