"""Training by two real processes under torchrun, with gloo: the same as by one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from safetensors.torch import load_file

from stylecli.cli.app import suite
from stylecli.core.errors import UsageError
from stylecli.training.processes import Processes

# Two halves of a batch are summed in another order than the whole: float32 noise, which the steps amplify.
TOLERANCE = 0.01

RECIPE = """
stem = 4
trunk = 8
blocks = 1
batch = 2
style_sizes = [64]
loss_network = "vgg19"
phases = [{ steps = 6, size = 64 }]
[painting]
file = "chelsea.png"
"""


def line(run: Path, photo_folder: Path, vgg_file: Path) -> list[str]:
    """The arguments that train into the folder `run`."""
    recipe = run.with_suffix(".toml")
    recipe.write_text(RECIPE)
    places = ["--painting", photo_folder, "--data", photo_folder, "-o", run, "--loss-weights", vgg_file]
    return list(map(str, ["train", recipe, *places, "--json"]))


def totals(output: str) -> list[float]:
    lines = (json.loads(line) for line in output.splitlines() if line.startswith("{"))
    return [line["values"]["total"] for line in lines if line["event"] == "progress"]


def test_two_processes_train_like_one(photo_folder: Path, vgg_file: Path, tmp_path: Path) -> None:
    alone = CliRunner().invoke(suite, line(tmp_path / "alone", photo_folder, vgg_file))
    assert alone.exit_code == 0, alone.output
    torchrun = ("-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", "29517", "-m", "stylecli")
    both = subprocess.run(
        [sys.executable, *torchrun, *line(tmp_path / "both", photo_folder, vgg_file)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert both.returncode == 0, both.stderr
    assert totals(both.stdout)[-1] == pytest.approx(totals(alone.stdout)[-1], rel=TOLERANCE)
    one, two = (load_file(tmp_path / name / "checkpoint.safetensors") for name in ("alone", "both"))
    assert {name: tensor.shape for name, tensor in one.items()} == {name: tensor.shape for name, tensor in two.items()}
    head = "network.head.weight"
    assert (one[head] - two[head]).norm() / one[head].norm() < TOLERANCE


def test_a_batch_is_dealt_out() -> None:
    assert [Processes(rank, 2).share_of(6) for rank in range(2)] == [(0, 3), (3, 3)]
    assert Processes().share_of(5) == (0, 5)


def test_a_batch_that_cannot_be_dealt_out_evenly_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be dealt out"):
        Processes(0, 2).share_of(3)
