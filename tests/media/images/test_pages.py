"""Files of several pictures: every frame and page comes back, with what the file says of it."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import PIL.Image
import pytest
import tifffile
from numpy.typing import NDArray

from stylecli.core.errors import MediaError, UsageError
from stylecli.media.images.files import Encoding, Reading, encode_pages, picture_from_pixels, read_pages, read_picture
from stylecli.media.images.picture import Animation, Pages

DELAYS = (100, 250, 40)  # milliseconds
LOOPS = 3
# Pillow reads and writes here: another library than the ones under test.
LOSSY_ERROR = 6  # of 255, on average


@pytest.fixture
def frames(photo: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    return [np.ascontiguousarray(np.roll(photo[:60, :80], 20 * number, 1)) for number in range(3)]


def animated(frames: list[NDArray[np.uint8]], kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    first, *others = (PIL.Image.fromarray(frame) for frame in frames)
    first.save(file, kind, save_all=True, append_images=others, duration=list(DELAYS), loop=LOOPS, **options)
    return file.getvalue()


def opened(data: bytes) -> list[tuple[NDArray[np.uint8], int]]:
    """Each frame as Pillow sees it, and its delay."""
    image = PIL.Image.open(io.BytesIO(data))
    shown = []
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        image.load()
        shown.append((np.array(image.convert("RGBA" if "A" in image.mode else "RGB")), image.info.get("duration", 0)))
    return shown


def painted(pages: Pages) -> Pages:
    pictures = tuple(one.with_pixels(255 - one.pixels) for one in pages.pictures)
    return Pages(pictures, pages.animation, pages.lost, pages.total, pages.kind)


def encoded_anew(pages: Pages, suffix: str) -> bytes:
    """Not the bytes of the source, which they are where nothing was painted."""
    return encode_pages(replace(pages, source=None), suffix)


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("WEBP", {"lossless": True})])
def test_every_frame_is_read_with_its_delay(frames: list[NDArray[np.uint8]], kind: str, options: Any) -> None:
    pages = read_pages(animated(frames, kind, **options))
    assert pages.animation == Animation(DELAYS, LOOPS)
    for picture, frame in zip(pages.pictures, frames, strict=True):
        np.testing.assert_array_equal(picture.pixels, frame)


def test_every_frame_of_a_gif_is_read(frames: list[NDArray[np.uint8]]) -> None:
    data = animated(frames, "GIF")
    pages = read_pages(data)
    assert pages.animation
    assert pages.animation.delays == DELAYS
    for picture, (frame, _) in zip(pages.pictures, opened(data), strict=True):
        np.testing.assert_array_equal(picture.pixels, frame[..., :3])


def test_every_frame_of_an_avif_sequence_is_read(frames: list[NDArray[np.uint8]]) -> None:
    pages = read_pages(animated(frames, "AVIF", quality=95))
    assert pages.animation
    assert pages.animation.delays == DELAYS
    for picture, frame in zip(pages.pictures, frames, strict=True):
        assert np.abs(picture.pixels.astype(int) - frame).mean() < LOSSY_ERROR


@pytest.mark.parametrize("is_painted", [False, True])
def test_an_animated_png_is_written_without_loss(frames: list[NDArray[np.uint8]], is_painted: bool) -> None:
    pages = read_pages(animated(frames, "PNG"))
    data = encoded_anew(painted(pages) if is_painted else pages, ".png")
    for (shown, delay), frame, told in zip(opened(data), frames, DELAYS, strict=True):
        np.testing.assert_array_equal(shown[..., :3], 255 - frame if is_painted else frame)
        assert delay == told
    assert PIL.Image.open(io.BytesIO(data)).info["loop"] == LOOPS


def test_an_animated_webp_is_written(frames: list[NDArray[np.uint8]]) -> None:
    data = encode_pages(painted(read_pages(animated(frames, "WEBP"))), ".webp", encoding=Encoding(lossless=True))
    again = read_pages(data)
    assert again.animation == Animation(DELAYS, LOOPS)
    for picture, frame in zip(again.pictures, frames, strict=True):
        assert np.abs(picture.pixels.astype(int) - (255 - frame.astype(int))).mean() < LOSSY_ERROR


def test_frames_that_cover_a_part_are_drawn_over_the_ones_before(photo: NDArray[np.uint8]) -> None:
    still = np.dstack([photo[:60, :80], np.full((60, 80), 255, np.uint8)])
    moved = still.copy()
    moved[20:30, 40:50] = (255, 0, 0, 255)
    moved[0:5, 0:5] = (0, 255, 0, 128)
    data = animated([still, moved, still], "PNG")  # Pillow stores only what changes
    for picture, (shown, _) in zip(read_pages(data).pictures, opened(data), strict=True):
        np.testing.assert_array_equal(picture.pixels[6:], shown[6:, :, :3])


def test_an_animation_of_16_bits_keeps_them(photo: NDArray[np.uint8]) -> None:
    deep = photo[:20, :30].astype(np.uint16) * 257 + 5
    pages = Pages((picture_from_pixels(deep), picture_from_pixels(deep[::-1].copy())), Animation((100, 100)))
    again = read_pages(encode_pages(pages, ".png"))
    np.testing.assert_array_equal(again.pictures[1].pixels, deep[::-1])


def test_frames_with_and_without_alpha_get_alike(photo: NDArray[np.uint8]) -> None:
    clear = picture_from_pixels(photo, np.full(photo.shape[:2], 9, np.uint8))
    pages = Pages((picture_from_pixels(photo), clear), Animation((100, 100)))
    again = read_pages(encode_pages(pages, ".png"))
    assert [int(one.alpha.max()) for one in again.pictures if one.alpha is not None] == [255, 9]


def document(*pages: tuple[NDArray[Any], dict[str, Any]]) -> bytes:
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for pixels, options in pages:
            writer.write(pixels, metadata=None, **options)
    return file.getvalue()


@pytest.fixture
def unlike(photo: NDArray[np.uint8]) -> list[NDArray[Any]]:
    """Give pages of different sizes, channels and depths."""
    return [photo, photo[:33, :47, 0].copy(), photo[:50, :60].astype(np.uint16) * 257, photo[:1, :1].copy()]


def test_pages_of_any_kind_come_back(unlike: list[NDArray[Any]]) -> None:
    names = ["one", "two", "three", "four"]
    data = document(
        *((page, {"description": name, "compression": "zlib"}) for page, name in zip(unlike, names, strict=True))
    )
    pages = read_pages(data)
    assert (pages.total, pages.animation) == (4, None)
    written = encoded_anew(pages, ".tif")
    with tifffile.TiffFile(io.BytesIO(written)) as file:
        for page, expected, name in zip(file.pages, unlike, names, strict=True):
            np.testing.assert_array_equal(page.asarray(), expected)
            assert page.description == name  # type: ignore[union-attr]


def test_painted_pages_come_back(unlike: list[NDArray[Any]]) -> None:
    pages = read_pages(document(*((page, {}) for page in unlike[:1] * 3)))
    pictures = tuple(one.with_pixels(one.pixels // 2) for one in pages.pictures)
    again = read_pages(encode_pages(Pages(pictures, total=3), ".tif"))
    for picture in again.pictures:
        np.testing.assert_array_equal(picture.pixels, unlike[0] // 2)


@pytest.mark.parametrize(("number", "expected"), [(0, 0), (2, 2)])
def test_one_page_is_read_alone(frames: list[NDArray[np.uint8]], number: int, expected: int) -> None:
    document_pages = read_pages(document(*((frame, {}) for frame in frames)), page=number)
    animation = read_pages(animated(frames, "PNG"), page=number)
    for pages in (document_pages, animation):
        (picture,) = pages.pictures
        np.testing.assert_array_equal(picture.pixels, frames[expected])
        assert pages.lost == ()


def test_a_page_that_is_not_there_is_refused(frames: list[NDArray[np.uint8]]) -> None:
    with pytest.raises(UsageError, match="it has 3 pages, not 4"):
        read_pages(document(*((frame, {}) for frame in frames)), page=3)
    with pytest.raises(UsageError, match="it has 1 page, not 2"):
        read_pages(encode_pages(Pages((picture_from_pixels(frames[0]),)), ".png"), page=1)


@pytest.mark.parametrize(
    ("suffix", "told"),
    [
        (".jpg", ["2 of 3 frames: JPEG holds one picture"]),
        (".avif", ["2 of 3 frames: AVIF holds one picture"]),
        (".exr", ["2 of 3 frames: EXR holds one picture"]),
        (".tif", ["delays of 3 frames: TIFF holds pages"]),
        (".png", []),
        (".webp", []),
    ],
)
def test_frames_that_a_format_does_not_hold_are_told(
    frames: list[NDArray[np.uint8]], suffix: str, told: list[str]
) -> None:
    heard: list[str] = []
    encode_pages(read_pages(animated(frames, "PNG")), suffix, notice=heard.append)
    assert heard == told


def test_pages_are_no_animation(frames: list[NDArray[np.uint8]]) -> None:
    heard: list[str] = []
    data = encode_pages(read_pages(document(*((frame, {}) for frame in frames))), ".webp", notice=heard.append)
    assert heard == ["2 of 3 pages: WebP holds frames of animations only"]
    assert len(opened(data)) == 1


def test_all_pages_together_may_be_too_many_pixels(
    frames: list[NDArray[np.uint8]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stylecli.media.images.codecs.limits.PIXELS_MAX", 2 * 60 * 80)
    for data in (document(*((frame, {}) for frame in frames)), animated(frames, "PNG")):
        with pytest.raises(MediaError, match="too many"):
            read_pages(data)
        read_picture(data)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_what_is_there_of_a_cut_file_is_read_when_asked(photo: NDArray[np.uint8], suffix: str) -> None:
    data = encode_pages(Pages((picture_from_pixels(photo),)), suffix)
    cut = data[: len(data) * 7 // 10] if suffix != ".tif" else data
    if suffix == ".tif":
        file = io.BytesIO()
        tifffile.imwrite(file, photo, photometric="rgb", rowsperstrip=16)
        cut = file.getvalue()[: -photo.size // 4]
    with pytest.raises(MediaError, match="damaged or truncated"):
        read_pages(cut)
    if suffix == ".webp":  # libwebp gives nothing back
        return
    (picture,) = read_pages(cut, reading=Reading(allow_truncated=True)).pictures
    assert picture.pixels.shape == photo.shape
    assert np.abs(picture.pixels[:100].astype(int) - photo[:100]).mean() < LOSSY_ERROR


def test_a_lossless_file_has_the_same_pixels(photo: NDArray[np.uint8]) -> None:
    for suffix in (".webp", ".avif"):
        data = encode_pages(Pages((picture_from_pixels(photo),)), suffix, encoding=Encoding(lossless=True))
        np.testing.assert_array_equal(read_picture(data).pixels, photo)


@pytest.mark.parametrize(("bits", "suffix"), [(10, ".avif"), (12, ".avif"), (8, ".png"), (16, ".tif")])
def test_the_depth_is_the_one_asked_for(photo: NDArray[np.uint8], bits: int, suffix: str) -> None:
    deep = picture_from_pixels(photo.astype(np.uint16) * 257)
    data = encode_pages(Pages((deep,)), suffix, encoding=Encoding(bits=bits, quality=95 if bits in (10, 12) else None))
    import pyvips

    image = pyvips.Image.new_from_buffer(data, "")
    told = (
        image.get("bits-per-sample")
        if "bits-per-sample" in image.get_fields()
        else {"uchar": 8, "ushort": 16}[image.format]
    )
    assert told == bits


@pytest.mark.parametrize(
    ("encoding", "suffix"),
    [
        (Encoding(lossless=True), ".jpg"),
        (Encoding(bits=16), ".webp"),
        (Encoding(bits=9), ".png"),
        (Encoding(101), ".jpg"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(photo: NDArray[np.uint8], encoding: Encoding, suffix: str) -> None:
    with pytest.raises(UsageError):
        encode_pages(Pages((picture_from_pixels(photo),)), suffix, encoding=encoding)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp", ".avif"])
def test_pictures_that_nobody_painted_are_their_file(photo: NDArray[np.uint8], suffix: str) -> None:
    data = encode_pages(Pages((picture_from_pixels(photo),)), suffix)
    lost: list[str] = []
    assert encode_pages(read_pages(data), suffix, notice=lost.append) == data
    assert not lost
    assert encode_pages(read_pages(data), suffix, encoding=Encoding(strip=True)) is not data


def test_a_file_of_which_only_a_page_was_read_is_written_anew(frames: list[NDArray[np.uint8]]) -> None:
    data = animated(frames, "PNG")
    assert len(opened(encode_pages(read_pages(data, page=0), ".png"))) == 1
