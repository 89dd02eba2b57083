from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from stylecli.core.errors import MediaError, UsageError
from stylecli.evaluation.quality.candidates import find_candidates
from stylecli.evaluation.quality.stylizers import RunNetwork
from stylecli.training.networks.any_size import AnySizeNetwork
from stylecli.training.networks.registry import network_from_weights
from tests.support.evaluations import MakeRun


@pytest.fixture(scope="module")
def run(make_run: MakeRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "first")


def test_a_run_paints_as_its_network_does(run: Path) -> None:
    unit = np.random.default_rng(0).random((21, 30, 3), np.float32)
    network = AnySizeNetwork(network_from_weights(load_file(run / "weights.safetensors")))
    with torch.no_grad():
        expected = network(torch.from_numpy(unit).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
    with RunNetwork.of(run, device="cpu") as painter:
        assert (painter.stylize(unit) == expected).all()


def test_a_run_without_weights_is_not_finished(run: Path, tmp_path: Path) -> None:
    shutil.copy(run / "recipe.toml", tmp_path)
    (candidate,) = find_candidates([str(tmp_path)])
    with pytest.raises(MediaError, match="weights"):
        candidate.open("cpu")


def test_a_run_of_several_styles_is_to_be_exported(run: Path, tmp_path: Path) -> None:
    weights = load_file(run / "weights.safetensors")
    several = {name: torch.stack([t, t]) if ".norm." in name else t for name, t in weights.items()}
    save_file(several, tmp_path / "weights.safetensors")
    with pytest.raises(UsageError, match="export"):
        RunNetwork.of(tmp_path)


def test_a_run_whose_weights_are_no_numbers_is_named(run: Path, tmp_path: Path) -> None:
    weights = {name: torch.full_like(t, torch.nan) for name, t in load_file(run / "weights.safetensors").items()}
    save_file(weights, tmp_path / "weights.safetensors")
    with pytest.raises(UsageError, match=f"{tmp_path.name}: these weights hold NaN"):
        RunNetwork.of(tmp_path)
