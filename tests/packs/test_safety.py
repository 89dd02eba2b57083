"""A stranger's pack is checked: its files, and what its networks would do."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from stylecli.packs import safety as pack_safety
from stylecli.packs.safety import verify
from stylecli.packs.shelves import style_folders
from tests.support.packs import StyleFactory, tiny_model


def test_a_good_pack_has_no_problems(tiny_style: Path) -> None:
    assert verify(tiny_style) == []


def test_the_bundled_styles_have_no_problems() -> None:
    assert [problem for folder in style_folders().values() for problem in verify(folder)] == []


def test_a_damaged_card_is_a_problem(make_style: StyleFactory, tmp_path: Path) -> None:
    folder = make_style(tmp_path, "wave")
    (folder / "card.json").write_text("{}")
    assert verify(folder) == ["wave/card.json: format is missing. Get the style again from where it came."]


def test_a_changed_file_is_a_problem(make_style: StyleFactory, tmp_path: Path) -> None:
    folder = make_style(tmp_path, "wave")
    _flip_a_byte(folder / "recipe.toml")
    assert verify(folder) == ["wave/recipe.toml: not the file that card.json describes (its sha256 differs)"]


def test_a_missing_file_is_a_problem(make_style: StyleFactory, tmp_path: Path) -> None:
    folder = make_style(tmp_path, "wave")
    (folder / "recipe.toml").unlink()
    assert verify(folder) == ["wave/recipe.toml: missing"]


def test_a_stray_file_is_a_problem(make_style: StyleFactory, tmp_path: Path) -> None:
    folder = make_style(tmp_path, "wave")
    (folder / "run-me.sh").write_text("echo")
    assert verify(folder) == ["wave/run-me.sh: not named in card.json"]


def test_what_file_managers_leave_is_no_problem(make_style: StyleFactory, tmp_path: Path) -> None:
    folder = make_style(tmp_path, "wave")
    (folder / ".DS_Store").write_text("")
    assert verify(folder) == []


def test_a_link_is_a_problem(make_style: StyleFactory, tmp_path: Path) -> None:
    folder = make_style(tmp_path, "wave")
    (folder / "recipe.toml").rename(tmp_path / "elsewhere.toml")
    (folder / "recipe.toml").symlink_to(tmp_path / "elsewhere.toml")
    assert verify(folder) == ["wave/recipe.toml: not a plain file"]


def test_a_folder_in_a_pack_is_a_problem(make_style: StyleFactory, tmp_path: Path) -> None:
    folder = make_style(tmp_path, "wave")
    (folder / "more").mkdir()
    assert verify(folder) == ["wave/more: not a plain file"]


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_a_problem_whatever_its_name(make_style: StyleFactory, tmp_path: Path, protocol: int) -> None:
    folder = make_style(tmp_path, "wave", files={"weights.safetensors": pickle.dumps([1.0], protocol)})
    assert _only(verify(folder)).startswith("wave/weights.safetensors: a pickle or an archive")


def test_a_torch_checkpoint_is_a_problem_whatever_its_name(make_style: StyleFactory, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "checkpoint", "w") as checkpoint:  # the layout of torch.save
        checkpoint.writestr("archive/data.pkl", pickle.dumps({}))
    folder = make_style(tmp_path, "wave", files={"preview.jpg": (tmp_path / "checkpoint").read_bytes()})
    assert _only(verify(folder)).startswith("wave/preview.jpg: a pickle or an archive")


@pytest.mark.parametrize("suffix", sorted(pack_safety.PICKLE_SUFFIXES))
def test_a_file_named_like_a_pickle_is_a_problem(make_style: StyleFactory, tmp_path: Path, suffix: str) -> None:
    folder = make_style(tmp_path, "wave", files={f"weights{suffix.upper()}": b"harmless"})
    assert _only(verify(folder)).startswith(f"wave/weights{suffix.upper()}: a pickle or an archive")


def test_safetensors_with_a_header_length_like_a_pickle_are_no_problem(
    make_style: StyleFactory, tmp_path: Path
) -> None:
    header = b"{}".ljust(0x0280)  # little-endian 80 02 00 ..., and 80 02 also begins a pickle
    folder = make_style(tmp_path, "wave", files={"weights.safetensors": len(header).to_bytes(8, "little") + header})
    assert verify(folder) == []


def test_oversize_is_a_problem(tiny_style: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack_safety, "PACK_BYTES_MAX", 2**10 // 2)
    assert "larger than" in _only(verify(tiny_style))


def test_an_oversize_model_is_a_problem(tiny_style: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack_safety, "MODEL_BYTES_MAX", 100)
    assert _only(verify(tiny_style)).startswith("tiny/fast.onnx: larger than")


def test_too_many_files_are_a_problem(tiny_style: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack_safety, "PACK_FILES_MAX", 1)
    assert _only(verify(tiny_style)) == "tiny/2 files, a pack has at most 1"


def test_a_wrong_size_in_the_card_is_a_problem(make_style: StyleFactory, tmp_path: Path) -> None:
    folder = make_style(tmp_path, "wave")
    card = json.loads((folder / "card.json").read_text())
    card["models"][0]["bytes"] += 1
    (folder / "card.json").write_text(json.dumps(card))
    assert "card.json says" in _only(verify(folder))


def _rename_input(model: onnx.ModelProto) -> None:
    model.graph.input[0].name = model.graph.node[0].input[0] = "picture"


def _rename_output(model: onnx.ModelProto) -> None:
    model.graph.output[0].name = model.graph.node[-1].output[0] = "result"


def _add_an_input(model: onnx.ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["n", 1, "h", "w"]))


def _fix_the_height(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 256


def _fix_the_batch_of_the_output(model: onnx.ModelProto) -> None:
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 1


def _take_one_channel(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 1


def _take_three_dimensions(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim.pop()


def _take_half_floats(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT16


def _call_a_foreign_operator(model: onnx.ModelProto) -> None:
    model.graph.node[1].domain = "com.microsoft"


def _hide_a_foreign_operator_in_a_branch(model: onnx.ModelProto) -> None:
    evil = helper.make_node("System", [], ["out"], domain="evil")
    branch = helper.make_graph([evil], "branch", [], [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)])
    model.graph.node.append(helper.make_node("If", ["low"], ["unused"], then_branch=branch, else_branch=branch))


def _hide_a_foreign_operator_in_a_function(model: onnx.ModelProto) -> None:
    evil = helper.make_node("System", [], ["out"], domain="evil")
    model.functions.append(helper.make_function("", "Innocent", [], ["out"], [evil], model.opset_import))


def _store_weights_outside(model: onnx.ModelProto) -> None:
    _point_outside(model.graph.initializer[1])


def _store_a_constant_outside(model: onnx.ModelProto) -> None:
    tensor = TensorProto(name="secret", data_type=TensorProto.FLOAT, dims=[4])
    _point_outside(tensor)
    model.graph.node.append(helper.make_node("Constant", [], ["unused"], value=tensor))


def _invent_an_operator(model: onnx.ModelProto) -> None:
    model.graph.node[1].op_type = "Paint"


def _lose_a_weight(model: onnx.ModelProto) -> None:
    del model.graph.initializer[1]


def _loop_for_ever(model: onnx.ModelProto) -> None:
    body = helper.make_graph([helper.make_node("Identity", ["on"], ["still"])], "body", [], [])
    loop = helper.make_node("Loop", ["", ""], ["done"], body=body)
    model.graph.node.append(loop)


def _name_an_escape_sequence(model: onnx.ModelProto) -> None:
    model.graph.input[0].name = model.graph.node[0].input[0] = "\x1b[2J"


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (_rename_input, "needs one input named image, but has picture"),
        (_rename_output, "needs one output named stylized, but has result"),
        (_add_an_input, "needs one input named image, but has image, mask"),
        (_fix_the_height, "input image is not float32 of shape (N, 3, H, W) with N, H and W dynamic"),
        (_fix_the_batch_of_the_output, "output stylized is not float32 of shape (N, 3, H, W)"),
        (_take_one_channel, "input image is not float32 of shape (N, 3, H, W)"),
        (_take_three_dimensions, "input image is not float32 of shape (N, 3, H, W)"),
        (_take_half_floats, "input image is not float32 of shape (N, 3, H, W)"),
        (_call_a_foreign_operator, "operators that are not standard ONNX: com.microsoft.Conv"),
        (_hide_a_foreign_operator_in_a_branch, "operators that are not standard ONNX: evil.System"),
        (_hide_a_foreign_operator_in_a_function, "operators that are not standard ONNX: evil.System"),
        (_loop_for_ever, "control flow, which may never end: Loop"),
        (_store_weights_outside, "external data"),
        (_store_a_constant_outside, "external data"),
        (_invent_an_operator, "not valid ONNX (No Op registered for Paint"),
        (_lose_a_weight, "not valid ONNX"),
        (_name_an_escape_sequence, "needs one input named image, but has ?[2J"),
    ],
)
def test_a_network_that_is_unsafe_or_breaks_the_contract_is_a_problem(
    make_style: StyleFactory, tmp_path: Path, damage: Callable[[onnx.ModelProto], None], problem: str
) -> None:
    model = tiny_model()
    damage(model)
    assert _only(verify(make_style(tmp_path, "wave", model=model))).startswith(f"wave/fast.onnx: {problem}")


def test_a_model_that_is_no_onnx_is_a_problem() -> None:
    assert pack_safety.model_problems(b"<html>") == ["not an ONNX model"]


def _only(problems: list[str]) -> str:
    assert len(problems) == 1, problems
    return problems[0]


def _flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def _point_outside(tensor: TensorProto) -> None:
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
