from __future__ import annotations

import io
from typing import Any

import numpy as np
import PIL.Image
import pytest
import tifffile
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.media.images.files import Picture, encode_picture, picture_from_pixels, read_pages, read_picture
from stylecli.media.images.picture import resized
from stylecli.stylize.pictures.run import refuse_losses
from tests.media.images.codecs.tiff.test_directories import tiff
from tests.media.images.metadata.test_jpeg import block, jpeg_with
from tests.media.images.metadata.test_kept import exif, file_of
from tests.media.images.metadata.test_png import png_with
from tests.media.images.test_profiles import CMYK, scanner_profile


def lost(picture: Picture, suffix: str, *, is_painted: bool = False) -> list[str]:
    heard: list[str] = []
    painted = picture.with_pixels(picture.pixels.copy()) if is_painted else picture
    encode_picture(painted, suffix, notice=heard.append)
    return heard


def animated(photo: NDArray[np.uint8], kind: str) -> bytes:
    file = io.BytesIO()
    frames = [PIL.Image.fromarray(np.roll(photo, 40 * number, 1)) for number in range(3)]
    frames[0].save(file, kind, save_all=True, append_images=frames[1:], duration=100)
    return file.getvalue()


@pytest.mark.parametrize(("options", "told"), [({"comment": b"hello"}, ["GIF comments"]), ({}, [])])
def test_comments_of_a_gif_are_told(photo: NDArray[np.uint8], options: dict[str, Any], told: list[str]) -> None:
    file = io.BytesIO()
    PIL.Image.fromarray(photo).save(file, "GIF", **options)
    assert list(read_pages(file.getvalue()).lost) == told


@pytest.mark.parametrize("has_still", [True, False])
def test_a_still_that_is_no_frame_of_its_animation_is_told(photo: NDArray[np.uint8], has_still: bool) -> None:
    file = io.BytesIO()
    frames = [PIL.Image.fromarray(np.roll(photo, 40 * number, 1)) for number in range(3)]
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:], default_image=has_still)
    told = read_pages(file.getvalue()).lost
    assert list(told) == ["the still picture of the animation, which is none of its frames"] * has_still


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_further_frames_are_told(photo: NDArray[np.uint8], kind: str) -> None:
    assert lost(read_picture(animated(photo, kind)), ".tif")[0] == "2 of 3 frames: only the first is read"


def test_further_frames_of_an_avif_sequence_are_told(photo: NDArray[np.uint8]) -> None:
    assert lost(read_picture(animated(photo, "AVIF")), ".tif") == ["2 of 3 frames: only the first is read"]


def test_further_pages_are_told_and_previews_are_not(photo: NDArray[np.uint8]) -> None:
    data = tiff((photo, {}), (photo, {}), (photo[::4, ::4], {"subfiletype": 1}))
    assert lost(read_picture(data), ".tif", is_painted=True) == ["1 of 2 pages: only the first is read"]


PRIVATE = [
    (269, "s", 0, "the document", True),
    (33550, "d", 3, (1.0, 2.0, 0.0), True),
    (34737, "s", 0, "WGS 84|", True),
    (42112, "s", 0, "<GDALMetadata/>", True),
    (65000, "H", 2, (7, 8), True),
]


@pytest.mark.parametrize("how", [{}, {"byteorder": ">"}, {"bigtiff": True}, {"bigtiff": True, "byteorder": ">"}])
def test_private_tags_of_a_tiff_stay_in_tiff(photo: NDArray[np.uint8], how: dict[str, Any]) -> None:
    picture = read_picture(tiff((photo, {"extratags": PRIVATE}), **how))
    assert lost(picture, ".tif", is_painted=True) == []
    with tifffile.TiffFile(io.BytesIO(encode_picture(picture.with_pixels(picture.pixels.copy()), ".tif"))) as file:
        tags = file.pages.first.tags
        assert [tags[number].value for number, *_ in PRIVATE] == [value for *_, value, _ in PRIVATE]


def test_private_tags_of_a_tiff_are_told_where_they_are_lost(photo: NDArray[np.uint8]) -> None:
    told = lost(read_picture(tiff((photo, {"extratags": PRIVATE}))), ".png")
    assert told == ["the position on the map (GeoTIFF)", "GDAL's metadata", "private tags of the TIFF: 65000"]


def test_a_private_tag_of_several_megabytes_stays(photo: NDArray[np.uint8]) -> None:
    large = np.random.default_rng(0).bytes(3_000_000)
    picture = read_picture(tiff((photo, {"extratags": [(65000, "B", len(large), large, True)]})))
    assert lost(picture, ".tif", is_painted=True) == []
    assert large in encode_picture(picture, ".tif")


def test_private_tags_of_places_in_the_file_are_told(photo: NDArray[np.uint8]) -> None:
    data = bytearray(tiff((photo, {"extratags": [(65000, "I", 1, 8, True)]})))
    entry = data.index((65000).to_bytes(2, "little") + b"\4\0")
    data[entry + 2] = 13  # the field type of a directory
    assert lost(read_picture(bytes(data)), ".tif", is_painted=True) == ["private tags of the TIFF: 65000"]


def test_the_place_on_the_map_of_a_resized_picture_is_told(photo: NDArray[np.uint8]) -> None:
    smaller = resized(read_picture(tiff((photo, {"extratags": PRIVATE}))), 30, 45)
    assert lost(smaller, ".tif") == ["the position on the map (GeoTIFF)"]


def test_the_place_on_the_map_of_a_turned_picture_is_told(photo: NDArray[np.uint8]) -> None:
    turned = read_picture(tiff((photo, {"extratags": [*PRIVATE, (274, "H", 1, 6, True)]})))
    assert lost(turned, ".tif", is_painted=True) == ["the position on the map (GeoTIFF)"]


def test_the_layers_of_photoshop_are_told_and_its_resources_kept(photo: NDArray[np.uint8]) -> None:
    guides, thumbnail = block(0x0408, b"guides"), block(0x040C, b"thumbnail")
    tags = [(34377, "B", len(guides + thumbnail), guides + thumbnail, True), (37724, "B", 5, b"layer", True)]
    picture = read_picture(tiff((photo, {"extratags": tags})))
    assert lost(picture, ".tif") == ["Photoshop's layers"]
    written = encode_picture(picture, ".tif")
    assert guides in written
    assert thumbnail not in written


def test_the_description_of_a_big_tiff_stays(photo: NDArray[np.uint8]) -> None:
    picture = read_picture(tiff((photo, {"description": "a cat", "software": None}), bigtiff=True))
    assert lost(picture, ".tif", is_painted=True) == []
    with tifffile.TiffFile(io.BytesIO(encode_picture(picture.with_pixels(picture.pixels.copy()), ".tif"))) as file:
        assert file.pages.first.description == "a cat"


@pytest.mark.parametrize(
    ("segment", "told"),
    [
        ((0xFE, b"a comment"), ["JPEG comments: PNG holds none"]),
        ((0xED, b"Photoshop 3.0\0" + block(0x03ED, b"resolution")), ["Photoshop's image resources"]),
        ((0xED, b"Photoshop 3.0\0" + block(0x040C, b"thumbnail")), []),
    ],
)
def test_what_only_a_jpeg_holds_is_told_in_another_format(
    photo: NDArray[np.uint8], segment: tuple[int, bytes], told: list[str]
) -> None:
    picture = read_picture(jpeg_with(photo, segment))
    assert lost(picture, ".png") == told
    assert lost(picture, ".jpg") == []


MOTION = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a xmlns:GCamera="camera" GCamera:MotionPhoto="1" b="2"/></x:xmpmeta>'


def test_the_video_of_a_motion_photo_is_told_and_no_longer_promised(photo: NDArray[np.uint8]) -> None:
    picture = read_picture(file_of(photo, ".jpg", xmp=MOTION) + b"\0\0\0\x18ftypmp42" + bytes(1000))
    assert lost(picture, ".jpg", is_painted=True) == ["the video of the motion photo"]
    written = encode_picture(picture.with_pixels(picture.pixels.copy()), ".jpg")
    assert b"MotionPhoto" not in written
    assert b'b="2"' in written


def test_pictures_behind_a_jpeg_are_told(photo: NDArray[np.uint8]) -> None:
    file = io.BytesIO()
    small = PIL.Image.fromarray(photo[::4, ::4].copy())
    PIL.Image.fromarray(photo).save(file, "MPO", save_all=True, append_images=[small])
    assert lost(read_picture(file.getvalue()), ".jpg", is_painted=True) == ["further pictures behind the JPEG"]


@pytest.mark.parametrize("tail", [b"", bytes(5000), b"\xff\xd9"])
def test_rubbish_behind_a_jpeg_is_no_loss(photo: NDArray[np.uint8], tail: bytes) -> None:
    assert lost(read_picture(file_of(photo, ".jpg") + tail), ".jpg", is_painted=True) == []


def test_a_gain_map_is_told(photo: NDArray[np.uint8]) -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"/>'
    assert lost(read_picture(file_of(photo, ".jpg", xmp=xmp)), ".jpg") == ["the gain map for HDR screens"]


@pytest.mark.parametrize(
    ("suffix", "told"),
    [
        (".jpg", ["transparency: JPEG has none, white shows through", "16 bits a sample: JPEG holds 8"]),
        (".webp", ["16 bits a sample: WebP holds 8"]),
        (".png", []),
        (".tif", []),
        (".avif", []),
    ],
)
def test_what_a_format_cannot_hold_is_told(photo: NDArray[np.uint8], suffix: str, told: list[str]) -> None:
    deep = picture_from_pixels(photo.astype(np.uint16) * 257, np.full(photo.shape[:2], 30_000, np.uint16))
    assert lost(read_picture(encode_picture(deep, ".png")), suffix) == told


def test_cmyk_that_becomes_rgb_is_told(photo: NDArray[np.uint8]) -> None:
    data = _cmyk(photo)
    assert lost(read_picture(data), ".jpg") == []
    assert lost(read_picture(data), ".jpg", is_painted=True) == ["CMYK: it becomes sRGB"]
    assert lost(read_picture(data), ".png") == ["CMYK: it becomes sRGB"]


def test_texts_of_a_png_are_told_where_they_end(photo: NDArray[np.uint8]) -> None:
    picture = read_picture(png_with(photo, (b"tEXt", b"Author\0Ann"), (b"tEXt", b"prompt\0wave")))
    assert lost(picture, ".png") == []
    assert lost(picture, ".webp") == ["PNG texts: Author, prompt"]


def test_exif_that_is_too_large_is_told(photo: NDArray[np.uint8]) -> None:
    block = exif(1, make="y" * 100_000).removeprefix(b"Exif\0\0")
    (told,) = lost(read_picture(png_with(photo, (b"eXIf", block))), ".jpg")
    assert "JPEG holds 65,531" in told


def test_what_only_exr_holds_is_told(photo: NDArray[np.uint8]) -> None:
    picture = read_picture(encode_picture(picture_from_pixels(photo), ".exr"))
    assert lost(picture, ".exr") == []
    assert lost(picture, ".png") == ["light above 1, further channels and attributes of the EXR"]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp", ".avif", ".exr"])
def test_a_plain_picture_loses_nothing(photo: NDArray[np.uint8], suffix: str) -> None:
    assert lost(picture_from_pixels(photo), suffix) == []
    assert lost(read_picture(file_of(photo, ".png")), suffix, is_painted=True) == []


def test_a_strict_caller_gets_an_error(photo: NDArray[np.uint8], tmp_path: Any) -> None:
    picture = picture_from_pixels(photo, np.full(photo.shape[:2], 9, np.uint8))
    with pytest.raises(MediaError, match="cannot be kept: transparency"):
        encode_picture(picture, ".jpg", notice=refuse_losses(tmp_path / "photo.png"))


def _cmyk(photo: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    PIL.Image.fromarray(photo).convert("CMYK").save(file, "JPEG")
    return file.getvalue()


def test_chunks_of_a_png_are_told_where_they_end(photo: NDArray[np.uint8]) -> None:
    picture = read_picture(png_with(photo, (b"prVt", b"whatever"), (b"tIME", bytes(7))))
    assert lost(picture, ".png", is_painted=True) == []
    assert lost(picture, ".tif", is_painted=True) == ["PNG chunks: prVt"]


C2PA = "the content credentials (C2PA), which are signed for the picture as it was"
JUMBF = b"JP\0\1\0\0\0\1" + b"\0\0\0\x40jumb\0\0\0\x26jumdc2pa" + bytes(50)


def webp_with_credentials(photo: NDArray[np.uint8]) -> bytes:
    plain = file_of(photo, ".webp") + b"C2PA\4\0\0\0abcd"
    return plain[:4] + (len(plain) - 8).to_bytes(4, "little") + plain[8:]


def avif_with_credentials(photo: NDArray[np.uint8]) -> bytes:
    plain = file_of(photo, ".avif")
    box = b"uuid" + bytes.fromhex("d8fec3d61b0e483c92975828877ec481") + bytes(8)
    return plain + (4 + len(box)).to_bytes(4, "big") + box


@pytest.mark.parametrize(
    ("made", "suffix"),
    [
        (lambda photo: jpeg_with(photo, (0xEB, JUMBF)), ".jpg"),
        (lambda photo: png_with(photo, (b"caBX", b"jumb")), ".png"),
        (webp_with_credentials, ".webp"),
        (avif_with_credentials, ".avif"),
        (lambda photo: tiff((photo, {"extratags": [(52545, 7, 4, b"jumb", True)]})), ".tif"),
    ],
)
def test_credentials_of_the_picture_as_it_was_are_told_and_dropped(
    photo: NDArray[np.uint8], made: Any, suffix: str
) -> None:
    picture = read_picture(made(photo))
    assert C2PA in lost(picture, suffix, is_painted=True)
    again = read_picture(encode_picture(picture.with_pixels(255 - picture.pixels), suffix))
    assert C2PA not in lost(again, suffix, is_painted=True)


def test_a_profile_that_cannot_be_used_is_told(photo: NDArray[np.uint8]) -> None:
    told = "the ICC profile, which is damaged or for other kinds of colours"
    assert lost(read_picture(file_of(photo, ".tif", icc_profile=CMYK)), ".tif", is_painted=True) == [told]


def test_a_profile_into_which_no_rgb_leads_is_told(photo: NDArray[np.uint8]) -> None:
    picture = read_picture(file_of(photo, ".png", icc_profile=scanner_profile()))
    told = "the ICC profile, into which no RGB can be converted: it becomes sRGB"
    assert lost(picture, ".png", is_painted=True) == [told]
    assert lost(picture, ".png") == []
