"""What several tests need: a tiny but real style pack, and photos that scikit-image ships."""

from __future__ import annotations

import itertools
import signal
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from stylecli.packs.pack import StylePack, open_pack
from tests.support.packs import NORMALIZING_REACH, StyleFactory, normalizing_model, write_style

NUMBERS = itertools.count()
PHOTOS = ("astronaut", "chelsea", "coffee", "rocket")  # 512 x 512, 451 x 300, 600 x 400, 640 x 427


@pytest.fixture(autouse=True)
def _only_our_shelves(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the styles of whoever runs the tests out of them: each test has a home that does not exist yet."""
    monkeypatch.delenv("STYLECLI_STYLES", raising=False)
    data_home = tmp_path_factory.getbasetemp() / "data-homes" / str(next(NUMBERS))  # `mktemp` looks at all others
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: data_home / "stylecli")
    monkeypatch.setenv("XDG_DATA_HOME", str(data_home))  # the same for programs that a test starts


@pytest.fixture(autouse=True, scope="session")
def _interrupts_arrive() -> None:
    """Hear SIGINT, in children too, even where a shell started the tests in its background and ignores it for them."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def make_style() -> StyleFactory:
    """Give a function that writes a style pack: `make_style(shelf, "wave", model=..., files=..., title=...)`."""
    return write_style


@pytest.fixture(scope="session")
def tiny_style(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a style that visibly changes a picture; its parent is a shelf. Read only."""
    return write_style(tmp_path_factory.mktemp("shelf"))


@pytest.fixture(scope="session")
def tiny_pack(tiny_style: Path) -> StylePack:
    return open_pack(tiny_style)


@pytest.fixture(scope="session")
def photo() -> NDArray[np.uint8]:
    """Give a photo of a cat, 451 x 300, as (H, W, 3) uint8. Read only."""
    return _photo("chelsea")


@pytest.fixture(scope="session")
def large(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give a picture of 1801 x 1211 pixels, too large to be measured whole. Read only."""
    return np.ascontiguousarray(photo.repeat(5, 0).repeat(5, 1)[:1211, :1801])


@pytest.fixture(scope="session")
def normalizing_pack(tmp_path_factory: pytest.TempPathFactory) -> StylePack:
    """Give a style whose network normalises by statistics from patches. Read only."""
    folder = write_style(
        tmp_path_factory.mktemp("shelf"),
        "normalizing",
        model=normalizing_model(),
        statistics="patches",
        reach=NORMALIZING_REACH,
    )
    return open_pack(folder)


@pytest.fixture(scope="session")
def photo_file(photo_folder: Path) -> Path:
    """Give the same photo as a PNG file. Read only."""
    return photo_folder / "chelsea.png"


@pytest.fixture(scope="session")
def photo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of four photos as PNG files, named as in scikit-image. Read only."""
    import pyvips  # here, so that tests without pictures do not wait for libvips

    folder = tmp_path_factory.mktemp("photos")
    for name in PHOTOS:
        pyvips.Image.new_from_array(_photo(name), interpretation="srgb").write_to_file(str(folder / f"{name}.png"))
    return folder


@pytest.fixture(scope="session")
def vgg_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a quarter of VGG-19's width, which computes a 16th, with random weights and torchvision's keys."""
    return _write_vgg(tmp_path_factory.mktemp("vgg") / "vgg19.safetensors", width=16)


@pytest.fixture(scope="session")
def wide_vgg_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give VGG-19 as wide as it is, with random weights and torchvision's keys."""
    return _write_vgg(tmp_path_factory.mktemp("vgg") / "vgg19.safetensors", width=64)


def _write_vgg(path: Path, *, width: int) -> Path:
    """Write VGG-19 with random weights (He et al. 2015), down to relu4_2; `width`: channels of the first block."""
    import torch  # here, so that the tests of inference do not wait for it
    from safetensors.torch import save_file

    from stylecli.training.losses.loss_network import CONVOLUTIONS

    random = torch.Generator().manual_seed(0)
    weights, channels, index = {}, 3, 0
    for block, count in enumerate(CONVOLUTIONS["vgg19"]):
        for _ in range(2 if block == 3 else count):
            weights[f"features.{index}.weight"] = (
                torch.randn(width, channels, 3, 3, generator=random) * (2 / (9 * channels)) ** 0.5
            )
            weights[f"features.{index}.bias"] = torch.zeros(width)
            channels, index = width, index + 2
        width, index = 2 * width, index + 1
    save_file(weights, path)
    return path


def _photo(name: str) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = getattr(skimage.data, name)()
    pixels.setflags(write=False)
    return pixels
