"""Judges and runs that tests make themselves: real, but tiny and without training."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file

from stylecli.evaluation.quality import equivalence
from stylecli.evaluation.quality import measures as quality
from stylecli.media.images.files import picture_from_pixels, write_picture
from stylecli.training.losses.distilled import DistilledNetwork
from stylecli.training.networks.fast import FastNetwork

COLORS = ("red", "green", "blue")  # the classes of `color_classifier`
RECIPE = """network = "fast"
content_weight = 2.0

[painting]
file = "coffee.png"
"""

MakeRun = Callable[..., Path]


@pytest.fixture(autouse=True)
def _small_pictures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Judge at a sixth of the size, and find no VGG-19 that whoever runs the tests may have downloaded."""
    monkeypatch.setattr(quality, "PHOTO_SHORT_SIDE", 64)
    monkeypatch.setattr(quality, "PAINTING_SHORT_SIDE", 64)
    monkeypatch.setattr(equivalence, "SHORT_SIDE", 32)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch-home"))


@pytest.fixture(scope="session")
def distilled_network() -> DistilledNetwork:
    """Give a distilled loss network with random weights."""
    torch.manual_seed(0)
    return DistilledNetwork(sha256="0" * 64).requires_grad_(False).eval()


@pytest.fixture(scope="session")
def distilled_file(distilled_network: DistilledNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("distilled") / "distilled.safetensors"
    save_file(distilled_network.state_dict(), path)
    return path


@pytest.fixture
def shipped(distilled_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ship the random distilled network."""
    monkeypatch.setattr("stylecli.training.losses.loss_network.SHIPPED", distilled_file)


@pytest.fixture(scope="session")
def color_classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a classifier of the classes red, green and blue: the score is the mean of the channel."""
    return write_classifier(tmp_path_factory.mktemp("classifier") / "colors.onnx", ["n", 3, "h", "w"])


def write_classifier(path: Path, shape: Sequence[int | str], *, count: int = 3) -> Path:
    """Write an ONNX model whose `count` scores are the means of its input's channels over the picture."""
    channels = shape[1] if isinstance(shape[1], int) else 3
    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["means"]),
        helper.make_node("Flatten", ["means"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["scores"]),
    ]
    graph = helper.make_graph(
        nodes,
        "colors",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", count])],
        [numpy_helper.from_array(np.eye(channels, count, dtype=np.float32), "weight")],
    )
    onnx.save(helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 20)]), path)
    return path


@pytest.fixture(scope="session")
def labels_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("labels") / "labels.txt"
    path.write_text("red, crimson\ngreen\nblue\n")
    return path


@pytest.fixture(scope="session")
def color_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of a red, a green and an unnamed blue picture; only red is named by class with an id."""
    folder = tmp_path_factory.mktemp("colors")
    noise = np.random.default_rng(0).integers(0, 60, (48, 48, 3))
    for channel, name in enumerate(("n00000001_red.png", "green-2.png", "sky.png")):
        pixels = noise + 60
        pixels[..., channel] += 100
        write_picture(picture_from_pixels(pixels.astype(np.uint8)), folder / name)
    return folder


@pytest.fixture(scope="session")
def make_run() -> MakeRun:
    """Give a function that writes the folder of a finished run: `make_run(folder, steps=40, recipe=...)`."""
    return write_run


def write_run(folder: Path, *, steps: int = 40, recipe: str = RECIPE, level: float = 1.0) -> Path:
    """Write what `stylecli train` leaves: a log line every ten steps whose losses fall, weights, recipe, samples."""
    (folder / "samples").mkdir(parents=True)
    (folder / "recipe.toml").write_text(recipe)
    torch.manual_seed(0)
    save_file(FastNetwork(stem=4, trunk=8, blocks=1).state_dict(), folder / "weights.safetensors")
    lines = [log_line(step, level) for step in range(10, steps + 1, 10)]
    (folder / "log.jsonl").write_text("".join(f"{line}\n" for line in lines))
    grey = picture_from_pixels(np.full((32, 96, 3), 128, np.uint8))
    for step in range(10, steps + 1, 10):
        write_picture(grey, folder / "samples" / f"step_{step:06d}.png")
    return folder


def log_line(step: int, level: float = 1.0) -> str:
    """A line of the log, of a run whose losses are `level` over a tenth of the steps done."""
    loss = level / (step / 10)
    entry: dict[str, Any] = {"step": step, "seconds": step / 2, "total": 4 * loss}
    return json.dumps({**entry, "content": loss, "style": loss, "variation": 0.1, "grid": 0.01})
