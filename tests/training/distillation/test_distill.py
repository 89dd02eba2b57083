from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from stylecli.training.data import PhotoFolder
from stylecli.training.distillation import distill as distillation
from stylecli.training.distillation.distill import distill
from stylecli.training.losses.distilled import MAPPED
from stylecli.training.losses.loss_network import VggNetwork, load_vgg
from stylecli.training.networks.fast import FastNetwork


@pytest.fixture(scope="module")
def teacher(wide_vgg_file: Path) -> VggNetwork:
    return load_vgg("vgg19", MAPPED, file=wide_vgg_file)


def test_it_comes_nearer_to_its_teacher(
    teacher: VggNetwork, photo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distillation, "FITTED_BATCHES", 2)
    monkeypatch.setattr(distillation, "LOG_EVERY", 1)
    monkeypatch.setattr(
        distillation, "initialize_from_vgg", lambda *_: None
    )  # random weights, so that there is much to learn
    styles = [FastNetwork(stem=4, trunk=8, blocks=1)]
    distill(teacher, [PhotoFolder(photo_folder)], tmp_path, styles=styles, steps=40, batch=2, size=32)
    totals = [json.loads(line)["total"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert sum(totals[-5:]) < 0.85 * sum(totals[:5])


def test_an_interrupted_distillation_ends_with_the_same_bits(
    teacher: VggNetwork, photo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distillation, "SAVE_EVERY", 2)
    photos = [PhotoFolder(photo_folder)]

    def interrupt(step: object) -> None:
        if step.done == 3:  # type: ignore[attr-defined]
            raise KeyboardInterrupt

    whole = distill(teacher, photos, tmp_path / "whole", steps=4, batch=1, size=32)
    with pytest.raises(KeyboardInterrupt):
        distill(teacher, photos, tmp_path / "two", steps=4, batch=1, size=32, progress=interrupt)
    resumed = distill(teacher, photos, tmp_path / "two", steps=4, batch=1, size=32)
    for name, tensor in load_file(whole).items():
        assert torch.equal(tensor, load_file(resumed)[name]), name
