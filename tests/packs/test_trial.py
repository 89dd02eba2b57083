from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from stylecli.core.errors import PackError
from stylecli.packs import trial
from stylecli.packs.safety import verify
from stylecli.packs.shelves import add_style, find_style
from stylecli.packs.trial import trial_problem
from tests.support.packs import StyleFactory, tiny_model


def model_of(*nodes: onnx.NodeProto, **constants: object) -> onnx.ModelProto:
    picture = ["n", 3, "h", "w"]
    graph = helper.make_graph(
        nodes,
        "odd",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, picture)],
        [helper.make_tensor_value_info("stylized", TensorProto.FLOAT, picture)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 20)])


def painting_nothing() -> onnx.ModelProto:
    return model_of(
        helper.make_node("Sub", ["image", "image"], ["zero"]), helper.make_node("Div", ["zero", "zero"], ["stylized"])
    )


def painting_twice() -> onnx.ModelProto:
    return model_of(helper.make_node("Concat", ["image", "image"], ["stylized"], axis=2))


def taking_all_memory() -> onnx.ModelProto:
    size = np.array([1, 3, 40_000, 40_000], np.int64)  # 19 GB
    fill = helper.make_node("ConstantOfShape", ["size"], ["huge"])
    return model_of(
        fill,
        helper.make_node("ReduceMax", ["huge"], ["most"], keepdims=0),
        helper.make_node("Add", ["image", "most"], ["stylized"]),
        size=size,
    )


def failing_on_odd_sizes() -> onnx.ModelProto:
    shape = np.array([0, 12, -1], np.int64)
    return model_of(
        helper.make_node("Reshape", ["image", "shape"], ["cut"]),
        helper.make_node("Shape", ["image"], ["whole"]),
        helper.make_node("Reshape", ["cut", "whole"], ["stylized"]),
        shape=shape,
    )


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        (painting_nothing, "paints values that are not numbers"),
        (painting_twice, "makes (2, 1) pixels of (1, 1), the size must stay"),
        (taking_all_memory, "does not run"),
        (failing_on_odd_sizes, "does not run"),
    ],
)
def test_a_network_that_paints_no_picture_is_refused_wherever_it_comes_from(
    make_style: StyleFactory, tmp_path: Path, model: Callable[[], onnx.ModelProto], problem: str
) -> None:
    folder = make_style(tmp_path / "downloads", "wave", model=model())
    (fault,) = verify(folder)
    assert fault.startswith(f"wave/fast.onnx: {problem}")
    with pytest.raises(PackError, match=r"wave/fast\.onnx"):
        add_style(folder, tmp_path / "shelf")
    with pytest.raises(PackError, match=r"wave/fast\.onnx"):
        find_style(folder, tmp_path / "shelf")


def test_a_good_network_passes() -> None:
    assert trial_problem(tiny_model().SerializeToString()) == ""


def test_a_network_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "SECONDS", 0.01)  # Python alone takes longer to start
    model = tiny_model()
    model.producer_name = "slow"  # not the one that was tried already
    assert trial_problem(model.SerializeToString()).startswith("does not paint three small pictures in")
