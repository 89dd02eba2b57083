"""Other networks as contestants of `stylecli bench`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import TensorProto, helper

from stylecli.cli.app import suite
from stylecli.core.errors import MediaError
from stylecli.evaluation.speed import networks as speed
from stylecli.evaluation.speed.contestants import open_rival


def _foreign(path: Path, channels: int = 3) -> Path:
    shape = [1, channels, "h", "w"]
    source = helper.make_tensor_value_info("photo", TensorProto.FLOAT, shape)
    result = helper.make_tensor_value_info("art", TensorProto.FLOAT, shape)
    graph = helper.make_graph([helper.make_node("Relu", ["photo"], ["art"])], "foreign", [source], [result])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_a_rival_gets_the_range_that_it_was_made_for(tmp_path: Path) -> None:
    white = np.ones((8, 12, 3), np.float32)
    (bright,) = open_rival(_foreign(tmp_path / "a.onnx"), white="255", threads=1)(white)
    (plain,) = open_rival(tmp_path / "a.onnx", white="1", threads=1)(white)
    assert bright.shape == (1, 3, 8, 12)
    assert (bright.max(), plain.max()) == (255, 1)


def test_a_network_that_takes_no_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="takes photo"):
        open_rival(_foreign(tmp_path / "grey.onnx", channels=1), threads=1)


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    Path(tmp_path, "empty.onnx").touch()
    with pytest.raises(MediaError, match="cannot open it"):
        open_rival(tmp_path / "empty.onnx", threads=1)


def test_rivals_stand_in_the_table(tiny_style: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "SIZES", {"512": (64, 48)})
    rival = _foreign(tmp_path / "rival.onnx")
    quick = ["--size", "512", "--rounds", "1", "--no-video", "--device", "cpu", "--json"]
    result = CliRunner().invoke(suite, ["bench", "-s", str(tiny_style), "--against", str(rival), *quick])
    assert result.exit_code == 0, result.output
    assert str(rival) in {row["contestant"] for row in json.loads(result.stdout)["networks"]}
