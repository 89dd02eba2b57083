from __future__ import annotations

from pathlib import Path

import torch

from stylecli.training.data import PhotoFolder, read_photo
from stylecli.training.distillation.agreement import correlations
from stylecli.training.distillation.initialization import initialize_from_vgg
from stylecli.training.losses.distilled import MAPPED, DistilledNetwork
from stylecli.training.losses.loss_network import load_vgg


def test_weights_fitted_to_vgg_are_a_better_start_than_random_ones(wide_vgg_file: Path, photo_folder: Path) -> None:
    teacher = load_vgg("vgg19", MAPPED, file=wide_vgg_file)
    images = PhotoFolder(photo_folder).batch(0, count=4, size=64)
    scales = {layer: torch.tensor(1.0) for layer in MAPPED}
    fitted = DistilledNetwork()
    initialize_from_vgg(fitted, teacher, images, scales)
    unseen = [read_photo(photo_folder / "rocket.png", short_side=64)[None]]
    ours, untrained = correlations(fitted, teacher, unseen), correlations(DistilledNetwork(), teacher, unseen)
    for layer in MAPPED:
        assert ours[layer]["features"] > 0.5 > untrained[layer]["features"] + 0.1
