from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import tifffile
from numpy.typing import NDArray

from stylecli.core.errors import MediaError, UsageError
from stylecli.media.images import formats
from stylecli.media.images.files import (
    WRITABLE,
    Picture,
    encode_picture,
    picture_from_pixels,
    read_pages,
    read_picture,
    write_picture,
)
from stylecli.media.linear_light import encoded, linear
from stylecli.media.pixels import to_unit

LOSSY_ERROR = 12  # mean difference of 255 that a photo may show after JPEG, WebP or AVIF at the default quality
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.fixture
def noise() -> NDArray[np.uint8]:
    """Give pixels that no encoder can make small: a file cut anywhere has lost some. Odd sides."""
    return np.random.default_rng(2).integers(0, 256, (151, 203, 3), np.uint8)


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def vips(pixels: NDArray[Any], interpretation: str = "srgb") -> Any:
    return pyvips.Image.new_from_array(pixels, interpretation=interpretation)


def file_of(pixels: NDArray[np.uint8], suffix: str) -> bytes:
    """A file by another hand than ours, where there is one."""
    if suffix == ".exr":
        return encode_picture(picture_from_pixels(pixels), suffix)
    content: bytes = vips(pixels).write_to_buffer(suffix)
    return content


# ---- formats


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff"])
def test_lossless_formats_keep_the_pixels(tmp_path: Path, noise: NDArray[np.uint8], suffix: str) -> None:
    write_picture(picture_from_pixels(noise), tmp_path / f"noise{suffix}")
    picture = read_picture(tmp_path / f"noise{suffix}")
    np.testing.assert_array_equal(picture.pixels, noise)
    assert picture.alpha is None


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp", ".avif", ".JPG"])
def test_lossy_formats_keep_size_and_looks(tmp_path: Path, photo: NDArray[np.uint8], suffix: str) -> None:
    write_picture(picture_from_pixels(photo), tmp_path / f"photo{suffix}")
    pixels = read_picture(tmp_path / f"photo{suffix}").pixels
    assert (pixels.shape, pixels.dtype) == (photo.shape, np.uint8)
    assert 0 < np.abs(pixels.astype(int) - photo).mean() < LOSSY_ERROR


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (3, 5)])
@pytest.mark.parametrize("suffix", WRITABLE)
def test_any_size_is_kept(suffix: str, size: tuple[int, int]) -> None:
    pixels = np.full((*size, 3), 128, np.uint8)
    assert read_picture(encode_picture(picture_from_pixels(pixels), suffix)).pixels.shape == (*size, 3)


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif"])
def test_quality_makes_files_larger(photo: NDArray[np.uint8], suffix: str) -> None:
    picture = picture_from_pixels(photo)
    sizes = [len(encode_picture(picture, suffix, quality=quality)) for quality in (1, 50, 95)]
    assert sizes[0] < sizes[1] < sizes[2]


def test_jpeg_keeps_full_colour_resolution_at_any_quality() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = (255, 0, 0)
    stripes[:, 1::2] = (0, 0, 255)
    pixels = read_picture(encode_picture(picture_from_pixels(stripes), ".jpg", quality=75)).pixels
    assert pixels[:, ::2, 0].mean() > 200
    assert pixels[:, 1::2, 0].mean() < 50


@pytest.mark.parametrize("name", ["photo.txt", "photo", "photo.bmp", "photo.gif"])
def test_a_suffix_that_is_not_written_is_refused(tmp_path: Path, photo: NDArray[np.uint8], name: str) -> None:
    with pytest.raises(UsageError, match=r"Use \.jpg"):
        write_picture(picture_from_pixels(photo), tmp_path / name)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("quality", [0, 101])
def test_a_quality_out_of_range_is_refused(photo: NDArray[np.uint8], quality: int) -> None:
    with pytest.raises(UsageError, match="out of range"):
        encode_picture(picture_from_pixels(photo), ".jpg", quality=quality)


def test_a_picture_too_wide_for_the_format_is_refused(tmp_path: Path) -> None:
    wide = picture_from_pixels(np.zeros((1, 16_384, 3), np.uint8))
    with pytest.raises(MediaError, match="does not fit into WebP"):
        write_picture(wide, tmp_path / "wide.webp")
    assert leftovers(tmp_path) == []


def test_the_content_counts_not_the_name(tmp_path: Path, photo_file: Path, photo: NDArray[np.uint8]) -> None:
    named_wrong = tmp_path / "photo[1] page=2.jpg"
    named_wrong.write_bytes(photo_file.read_bytes())
    np.testing.assert_array_equal(read_picture(named_wrong).pixels, photo)


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_of_an_animation_the_first_frame_is_read(suffix: str) -> None:
    frames = [np.full((20, 30, 3), shade, np.uint8) for shade in (40, 200)]
    animation = vips(np.vstack(frames)).copy()
    animation.set_type(pyvips.GValue.gint_type, "page-height", 20)
    animation.set_type(pyvips.GValue.array_int_type, "delay", [100, 100])
    pixels = read_picture(animation.write_to_buffer(suffix)).pixels
    assert pixels.shape == (20, 30, 3)
    assert np.abs(pixels.astype(int) - 40).max() <= 2


# ---- pictures that were not painted on


def test_other_pixels_must_have_the_same_shape_and_type(photo: NDArray[np.uint8]) -> None:
    picture = picture_from_pixels(photo)
    with pytest.raises(ValueError, match="uint8"):
        picture.with_pixels(photo[:-1])
    with pytest.raises(ValueError, match="uint16"):
        picture.with_pixels(photo.astype(np.uint16))


def test_other_pixels_are_what_is_written(photo_file: Path, photo: NDArray[np.uint8]) -> None:
    painted = read_picture(photo_file).with_pixels(255 - photo)
    np.testing.assert_array_equal(read_picture(encode_picture(painted, ".png")).pixels, 255 - photo)


# ---- files that cannot be read


def refusal(source: Path | bytes) -> str:
    with pytest.raises(MediaError) as caught:
        read_picture(source)
    assert caught.value.hint
    if isinstance(source, Path):
        assert caught.value.message.startswith(f"{source}: ")
    return caught.value.message


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "photo.jpg")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "is a folder" in refusal(tmp_path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").touch()
    assert refusal(tmp_path / "photo.jpg").endswith("it is empty")
    assert refusal(b"").endswith("it is empty")


@pytest.mark.parametrize("content", [b"Dear diary,\n" * 500, b"\0" * 5000, b"x", b"RIFF\0\0\0\0WAVEfmt "])
def test_what_is_not_a_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "photo.jpg").write_bytes(content)
    assert "not a picture" in refusal(tmp_path / "photo.jpg")


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("JPEG 2000", b"\0\0\0\x0cjP  \r\n\x87\n"),
        ("a raw file of a Canon camera", b"\0\0\0\x18ftypcrx \0\0\0\1crx isom"),
        ("QOI", b"qoif\0\0\0\x20"),
        ("a video", b"\0\0\0\x18ftypisom\0\0\2\0isommp41"),
    ],
)
def test_a_format_that_is_not_supported_is_named_beside_those_that_are(tmp_path: Path, name: str, start: bytes) -> None:
    (tmp_path / "photo.png").write_bytes(start + b"\0" * 100)
    with pytest.raises(
        MediaError, match=f"it is {name}, which is not supported. JPEG, PNG, TIFF, WebP, AVIF, GIF, EXR, HEIC"
    ):
        read_picture(tmp_path / "photo.png")


@pytest.mark.skipif(IS_ROOT, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path: Path, photo_file: Path) -> None:
    locked = tmp_path / "locked.png"
    locked.write_bytes(photo_file.read_bytes())
    locked.chmod(0)
    assert "permission" in refusal(locked)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.95])
@pytest.mark.parametrize("suffix", [*WRITABLE, ".gif"])
def test_a_truncated_file_is_refused(noise: NDArray[np.uint8], suffix: str, part: float) -> None:
    whole = file_of(noise, suffix)
    assert read_picture(whole).pixels.shape == noise.shape
    assert "damaged or truncated" in refusal(whole[: int(len(whole) * part)])


@pytest.mark.parametrize("layout", [{"rowsperstrip": 16}, {"tile": (32, 32)}])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_tiff_that_lacks_only_samples_is_refused(
    noise: NDArray[np.uint8], compression: str | None, layout: dict[str, Any]
) -> None:
    file = io.BytesIO()
    tifffile.imwrite(file, noise, photometric="rgb", compression=compression, **layout)  # the directory comes first
    np.testing.assert_array_equal(read_picture(file.getvalue()).pixels, noise)
    assert "damaged or truncated" in refusal(file.getvalue()[: -noise.size // 4])


@pytest.mark.parametrize("how", [{}, {"interlace": True}])
@pytest.mark.parametrize("missing", [1, 2])
def test_a_jpeg_that_lacks_only_its_end_marker_is_read_and_told(
    noise: NDArray[np.uint8], how: dict[str, Any], missing: int
) -> None:
    whole = vips(noise).jpegsave_buffer(**how)
    pages = read_pages(whole[:-missing])
    np.testing.assert_array_equal(pages.pictures[0].pixels, read_picture(whole).pixels)
    assert len(pages.lost) == 1
    assert "end marker" in pages.lost[0]
    assert read_pages(whole).lost == ()


@pytest.mark.parametrize("how", [{}, {"interlace": True}])
@pytest.mark.parametrize("missing", [5, 300])
def test_a_jpeg_that_lacks_samples_is_refused(noise: NDArray[np.uint8], how: dict[str, Any], missing: int) -> None:
    assert "damaged or truncated" in refusal(vips(noise).jpegsave_buffer(**how)[:-missing])


def test_the_end_marker_of_a_thumbnail_is_not_that_of_the_picture(noise: NDArray[np.uint8]) -> None:
    whole = vips(noise).jpegsave_buffer()
    segment = b"\xff\xec\0\6\xff\xd8\xff\xd9"  # APP12
    pages = read_pages(whole[:2] + segment + whole[2:-2])
    assert "end marker" in pages.lost[0]


def test_a_damaged_png_is_refused(noise: NDArray[np.uint8]) -> None:
    png = bytearray(vips(noise).pngsave_buffer())
    png[len(png) // 2] ^= 0xFF
    assert "damaged or truncated" in refusal(bytes(png))


def test_native_libraries_write_nothing_to_stderr(noise: NDArray[np.uint8], capfd: pytest.CaptureFixture[str]) -> None:
    for suffix in (*WRITABLE, ".gif"):
        whole = file_of(noise, suffix)
        refusal(whole[: len(whole) // 2])
    assert capfd.readouterr() == ("", "")


def test_too_many_pixels_are_refused_before_they_are_decoded(monkeypatch: pytest.MonkeyPatch, photo_file: Path) -> None:
    monkeypatch.setattr("stylecli.media.images.codecs.limits.PIXELS_MAX", 451 * 300)
    read_picture(photo_file)
    monkeypatch.setattr("stylecli.media.images.codecs.limits.PIXELS_MAX", 451 * 300 - 1)
    assert "451 x 300 pixels are too many" in refusal(photo_file)


def test_a_small_file_that_claims_a_giant_picture_is_refused() -> None:
    bomb = pyvips.Image.black(40_000, 40_000).pngsave_buffer(bitdepth=1, compression=9)
    assert len(bomb) < 1_000_000
    assert "40000 x 40000 pixels are too many" in refusal(bomb)


@pytest.mark.parametrize("kind", ["uint", "short", "float"])
def test_cmyk_that_has_not_8_or_16_bits_is_refused(kind: str) -> None:
    ink = pyvips.Image.black(4, 4, bands=4).cast(kind).copy(interpretation="cmyk")
    assert "unusual type" in refusal(ink.tiffsave_buffer())


def test_floats_of_64_bits_are_called_unsupported() -> None:
    data = pyvips.Image.black(4, 4, bands=3).cast("double").tiffsave_buffer()
    assert "64 bits, which is not supported" in refusal(data)


@pytest.mark.parametrize("space", ["scrgb", "lab"])
def test_floats_and_lab_are_read_as_srgb(photo: NDArray[np.uint8], space: str) -> None:
    data = vips(photo).colourspace(space).tiffsave_buffer()
    picture = read_picture(data)
    assert picture.pixels.dtype == np.uint16
    assert np.abs(picture.pixels / 257 - photo).max() < 1
    assert any("it becomes sRGB with 16 bits" in lost for lost in picture.lost)


@pytest.mark.parametrize("brightest", [1, 4])
def test_grey_floats_are_linear_light(photo: NDArray[np.uint8], brightest: float) -> None:
    grey = np.ascontiguousarray(photo[..., 0])
    light = linear(to_unit(grey)) * np.float32(brightest)
    picture = read_picture(pyvips.Image.new_from_array(light).copy(interpretation="b-w").tiffsave_buffer())
    assert np.abs(picture.pixels[..., 0] / 257 - encoded(light.clip(0, 1)) * 255).max() < 1
    assert ("light above 1: it becomes white" in picture.lost) == (brightest > 1)
    written = pyvips.Image.new_from_buffer(encode_picture(picture, ".png"), "")
    assert (written.bands, written.format) == (1, "ushort")


def test_channels_of_unknown_meaning_are_refused() -> None:
    assert "7 channels" in refusal(pyvips.Image.black(4, 4, bands=7).tiffsave_buffer())


# ---- files that cannot be written


def test_an_existing_file_is_kept(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    (tmp_path / "photo.png").write_text("precious")
    with pytest.raises(UsageError, match=r"exists already.*overwrite=True"):
        write_picture(picture_from_pixels(photo), tmp_path / "photo.png")
    assert (tmp_path / "photo.png").read_text() == "precious"


def test_an_existing_file_is_replaced_when_asked(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    (tmp_path / "photo.png").write_text("worthless")
    write_picture(picture_from_pixels(photo), tmp_path / "photo.png", overwrite=True)
    np.testing.assert_array_equal(read_picture(tmp_path / "photo.png").pixels, photo)
    assert leftovers(tmp_path) == ["photo.png"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_is_never_replaced(tmp_path: Path, photo: NDArray[np.uint8], overwrite: bool) -> None:
    (tmp_path / "photo.png").mkdir()
    with pytest.raises(MediaError, match="it is a folder"):
        write_picture(picture_from_pixels(photo), tmp_path / "photo.png", overwrite=overwrite)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes among its files")
def test_a_device_is_never_replaced(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(MediaError, match="it is a device"):
        write_picture(picture_from_pixels(photo), tmp_path / "pipe.png", overwrite=True)
    assert (tmp_path / "pipe.png").is_fifo()


def test_a_missing_folder_is_named(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    with pytest.raises(MediaError, match=r"photo\.png: it cannot be written .*Create its folder"):
        write_picture(picture_from_pixels(photo), tmp_path / "missing" / "photo.png")


@pytest.mark.skipif(IS_ROOT, reason="root may write everywhere")
def test_a_folder_without_permission_is_named(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(MediaError, match="Choose a folder"):
        write_picture(picture_from_pixels(photo), tmp_path / "photo.png")


def test_a_new_file_has_the_usual_permissions(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    (tmp_path / "usual").touch()
    write_picture(picture_from_pixels(photo), tmp_path / "photo.png")
    assert (tmp_path / "photo.png").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a disk of 64 KB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if sys.platform != "linux" or not IS_ROOT or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a disk takes root on Linux")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_on_a_full_disk_nothing_is_left(tiny_disk: Path, noise: NDArray[np.uint8]) -> None:
    (tiny_disk / "photo.png").write_text("precious")
    with pytest.raises(MediaError, match=r"photo\.png: it cannot be written \(No space left on device\)\. Free some"):
        write_picture(picture_from_pixels(noise), tiny_disk / "photo.png", overwrite=True)
    assert leftovers(tiny_disk) == ["photo.png"]
    assert (tiny_disk / "photo.png").read_text() == "precious"


@pytest.mark.parametrize("fault", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("moment", ["write_bytes", "replace"])
def test_an_interrupted_write_leaves_nothing(
    tmp_path: Path, photo: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch, moment: str, fault: BaseException
) -> None:
    real = getattr(Path, moment)
    seen = []

    def broken(path: Path, argument: Any) -> None:
        if moment == "write_bytes":
            real(path, argument[:100])
        seen.append(path)
        raise fault

    monkeypatch.setattr(Path, moment, broken)
    with pytest.raises((MediaError, KeyboardInterrupt)):
        write_picture(picture_from_pixels(photo), tmp_path / "photo.png")
    assert leftovers(tmp_path) == []
    assert seen[0].parent == tmp_path
    assert seen[0].name.startswith(".")
    assert seen[0].suffix == ".png"


# ---- start-up


def test_pyvips_is_loaded_only_when_a_picture_is_read() -> None:
    program = "import sys, stylecli.media.images.files; sys.exit('pyvips' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_picture_shows_no_arrays_of_its_file(photo_file: Path) -> None:
    assert "contents" not in repr(read_picture(photo_file))
    assert isinstance(read_picture(photo_file), Picture)


def test_a_new_format_is_one_entry(monkeypatch: pytest.MonkeyPatch, noise: NDArray[np.uint8]) -> None:
    """Its suffix, its signature and its encoder's settings: here a PNG under another name, behind 1 byte of its own."""

    class Wrapped(formats.Format):
        def open(self, data: bytes) -> Any:
            return super().open(data[1:])

        def encode(self, image: Any, *, quality: int | None, keep_exif: bool) -> bytes:
            return b"!" + super().encode(image, quality=quality, keep_exif=keep_exif)

    entry = Wrapped("Wrapped PNG", "png", (".wpng",), formats.starting_with(b"!\x89PNG"), options={"compression": 1})
    monkeypatch.setattr(formats, "FORMATS", (*formats.FORMATS, entry))
    data = encode_picture(picture_from_pixels(noise), ".wpng")
    assert data.startswith(b"!\x89PNG")
    np.testing.assert_array_equal(read_picture(data).pixels, noise)
    assert formats.has_picture_suffix("photo.WPNG")


def test_what_macos_writes_beside_a_picture_is_no_picture() -> None:
    assert formats.has_picture_suffix("x.jpg")
    assert not formats.has_picture_suffix("._x.jpg")


def test_no_two_formats_claim_one_suffix() -> None:
    suffixes = [suffix for known in formats.FORMATS for suffix in known.suffixes]
    assert len(suffixes) == len(set(suffixes))


@pytest.mark.parametrize("how", [{}, {"interlace": True}])
def test_damaged_places_of_a_jpeg_are_told(noise: NDArray[np.uint8], how: dict[str, Any]) -> None:
    whole = vips(noise).jpegsave_buffer(**how)
    middle = len(whole) * 3 // 4
    pages = read_pages(whole[:middle] + b"\xff\xd9" + whole[middle:])  # the end marker comes too early
    assert pages.lost == ("damaged places among the samples of the JPEG: decoded as far as possible",)
    assert pages.pictures[0].pixels.shape == noise.shape


def test_bytes_between_the_segments_of_a_jpeg_are_no_damage(noise: NDArray[np.uint8]) -> None:
    whole = vips(noise).jpegsave_buffer()
    pages = read_pages(whole[:-2] + bytes(3) + whole[-2:])
    assert pages.lost == ()
    np.testing.assert_array_equal(pages.pictures[0].pixels, read_picture(whole).pixels)


def test_a_png_that_lacks_only_its_end_is_read_and_told(noise: NDArray[np.uint8]) -> None:
    whole = vips(noise).pngsave_buffer()
    pages = read_pages(whole[:-12])
    np.testing.assert_array_equal(pages.pictures[0].pixels, noise)
    assert "end marker of the PNG" in pages.lost[0]
