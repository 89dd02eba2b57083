"""JPEG XL pictures, read by libjxl (the package pylibjxl), with 8 bits a sample."""

from __future__ import annotations

from dataclasses import replace

from stylecli.core.errors import MediaError
from stylecli.media.images.codecs import vips_reading
from stylecli.media.images.codecs.limits import DAMAGED_HINT, check_page, check_pixels
from stylecli.media.images.formats import JPEG, Format
from stylecli.media.images.metadata.kept import metadata_from
from stylecli.media.images.picture import Pages
from stylecli.media.images.profiles import usable_profile
from stylecli.media.images.samples import decoded_rgb, picture_of
from stylecli.media.images.settings import Reading

JPEG_BOX = b"jbrd"  # what is needed to rebuild the JPEG that the picture was made of


def decode(data: bytes, name: str, _: Format, reading: Reading, *, page: int | None) -> Pages:
    """Read the picture, upright; where it is a JPEG packed without loss, that JPEG with all that it says.

    Raises:
        MediaError: it is damaged, too large, or pylibjxl is not installed.
        UsageError: a page other than the first is asked for.
    """
    try:
        import pylibjxl  # a native library that --help does not need
    except ImportError as error:
        raise MediaError(
            f"{name}: it is JPEG XL, which needs the package pylibjxl", hint="Install it: pip install 'stylecli[jxl]'"
        ) from error
    check_page(page, 1, name)
    try:
        facts = pylibjxl.probe(data)
        check_pixels(facts["width"], facts["height"], name, reading)
        jpeg = pylibjxl.jxl_to_jpeg(data) if JPEG_BOX in data else b""
        samples, said = (None, {}) if jpeg else pylibjxl.decode(data, metadata=True)
    except (RuntimeError, ValueError) as error:
        raise MediaError(f"{name}: it is damaged or truncated (JPEG XL: {error})", hint=DAMAGED_HINT) from error
    except MemoryError as error:
        raise MediaError(f"{name}: there is too little memory to read it", hint="Close other programs.") from error
    if jpeg or samples is None:
        return vips_reading.decode(jpeg, name, JPEG, reading, page=page)
    channels = 1 if samples.shape[2] < 3 else 3
    profile = usable_profile(said.get("icc"), channels=channels)
    picture = picture_of(decoded_rgb(samples, metadata_from(said.get("exif"), said.get("xmp")), profile), reading, name)
    lost = []
    if facts["bits_per_sample"] > 8:
        lost.append(f"{facts['bits_per_sample']} bits a sample: JPEG XL is read with 8")
    if facts["have_animation"]:
        lost.append("further frames of the JPEG XL: only the first is read")
    return Pages((replace(picture, lost=tuple(lost)),))
