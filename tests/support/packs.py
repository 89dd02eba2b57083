"""Style packs that tests make themselves: tiny but real, with a network that onnx alone builds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from stylecli.packs.card import Card, ModelFile, write_card

NORMALIZING_REACH = 4  # pixels, of `normalizing_model`
StyleFactory = Callable[..., Path]  # the fixture `make_style`, see `write_style`


def tiny_model() -> onnx.ModelProto:
    """Build the smallest network that keeps the ONNX contract: edge padding, one 3 x 3 convolution, clamping.

    The convolution sharpens and hands the colours round (red becomes green, green becomes blue), so that every photo
    changes visibly.
    """
    sharpen = np.array([[0, -0.5, 0], [-0.5, 3, -0.5], [0, -0.5, 0]], np.float32)
    weight = np.zeros((3, 3, 3, 3), np.float32)  # (out, in, height, width)
    for channel in range(3):
        weight[channel, (channel - 1) % 3] = sharpen
    constants: dict[str, NDArray[Any]] = {
        "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64),
        "weight": weight,
        "low": np.array(0, np.float32),
        "high": np.array(1, np.float32),
    }
    graph = helper.make_graph(
        nodes=[
            helper.make_node("Pad", ["image", "pads"], ["padded"], mode="edge"),
            helper.make_node("Conv", ["padded", "weight"], ["painted"]),
            helper.make_node("Clip", ["painted", "low", "high"], ["stylized"]),
        ],
        name="tiny",
        inputs=[helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        outputs=[helper.make_tensor_value_info("stylized", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        initializer=[numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    # IR version 10 and opset 20: read by every onnxruntime that stylecli accepts.
    return helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 20)])


def normalizing_model(*, seed: int = 0) -> onnx.ModelProto:
    """Build a small network with live instance normalisation: after a convolution at half size, and after a ReLU.

    A margin is padded and cut off again, as in the bundled networks. A pixel matters to those at most NORMALIZING_REACH
    pixels away.
    """
    random = np.random.default_rng(seed)
    constants: dict[str, NDArray[Any]] = {
        "margin": np.array([0, 0, 4, 4, 0, 0, 4, 4], np.int64),
        "down": random.normal(size=(8, 3, 4, 4)).astype(np.float32) / 7,
        "gamma": random.uniform(0.5, 1.5, 8).astype(np.float32),
        "beta": random.normal(size=8).astype(np.float32),
        "twice": np.array([1, 1, 2, 2], np.float32),
        "up": random.normal(size=(3, 8, 3, 3)).astype(np.float32) / 8,
        "start": np.array([4, 4], np.int64),
        "tail": np.array([-4, -4], np.int64),
        "axes": np.array([2, 3], np.int64),
        "even": np.array([0, 0, 0, 0, 0, 0, 1, 1], np.int64),
        "top": np.array([0, 0], np.int64),
    }
    nodes = [
        helper.make_node("Pad", ["image", "margin"], ["framed"], mode="edge"),
        helper.make_node("Pad", ["framed", "even"], ["padded"], mode="edge"),  # a stride of 2 may need one pixel more
        helper.make_node("Conv", ["padded", "down"], ["halved"], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("InstanceNormalization", ["halved", "gamma", "beta"], ["normal"], epsilon=1e-4),
        helper.make_node("Relu", ["normal"], ["active"]),
        helper.make_node("InstanceNormalization", ["active", "gamma", "beta"], ["again"]),
        helper.make_node(
            "Resize",
            ["again", "", "twice"],
            ["doubled"],
            mode="nearest",
            nearest_mode="floor",
            coordinate_transformation_mode="asymmetric",
        ),
        helper.make_node("Conv", ["doubled", "up"], ["painted"], pads=[1, 1, 1, 1]),
        helper.make_node("Sigmoid", ["painted"], ["bounded"]),
        helper.make_node("Shape", ["framed"], ["size"], start=2),
        helper.make_node("Slice", ["bounded", "top", "size", "axes"], ["whole"]),
        helper.make_node("Slice", ["whole", "start", "tail", "axes"], ["stylized"]),
    ]
    picture = ["n", 3, "h", "w"]
    graph = helper.make_graph(
        nodes,
        "normalizing",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, picture)],
        [helper.make_tensor_value_info("stylized", TensorProto.FLOAT, picture)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 20)])


def write_style(
    shelf: Path,
    name: str = "tiny",
    *,
    model: onnx.ModelProto | None = None,
    statistics: str = "frozen",
    reach: int = 0,
    files: Mapping[str, bytes] | None = None,
    **changes: Any,
) -> Path:
    """Write a style pack to `shelf/name` and return that folder.

    `model` replaces its network, of which `statistics` and `reach` tell the card; `files` are further files, named in
    the card; further keywords replace fields of the card, such as `title="Mine"`.
    """
    folder = shelf / name
    folder.mkdir(parents=True)
    network = (model or tiny_model()).SerializeToString()
    contents = {"fast.onnx": network, "recipe.toml": b'painting = "none"\n', **(files or {})}
    for file, content in contents.items():
        (folder / file).write_bytes(content)
    hashes = {file: hashlib.sha256(content).hexdigest() for file, content in contents.items()}
    card = Card(
        name=name,
        title=name.replace("-", " ").title(),
        artist="Nobody",
        year=2024,
        licence="CC0-1.0",
        source="painted by the test",
        photos="none",
        models=(ModelFile("fast", "fp32", "fast.onnx", hashes["fast.onnx"], len(network), statistics, reach=reach),),
        default="fast",
        network="edge padding, one convolution",
        parameters=81,
        recipe="recipe.toml",
        loss_network="none",
        loss_network_sha256="0" * 64,
        training_device="none",
        training_seconds=0,
        measured={},
        files=hashes,
    )
    write_card(replace(card, **changes), folder)
    return folder


def flip_a_byte(path: Path) -> None:
    """Damage a file without changing its size."""
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
