from __future__ import annotations

from pathlib import Path

import torch

from stylecli.training.data import PhotoFolder, read_photo
from stylecli.training.distillation import correlations
from stylecli.training.losses.distilled import MAPPED, DistilledNetwork
from stylecli.training.losses.loss_network import load_vgg
from stylecli.training.losses.thinning import begin_as_thinned


def test_thinning_is_a_better_start_than_chance(wide_vgg_file: Path, photo_folder: Path) -> None:
    teacher = load_vgg("vgg19", MAPPED, file=wide_vgg_file)
    images = PhotoFolder(photo_folder).batch(0, count=4, size=64)
    scales = {layer: torch.tensor(1.0) for layer in MAPPED}
    thinned = DistilledNetwork()
    begin_as_thinned(thinned, teacher, images, scales)
    unseen = [read_photo(photo_folder / "rocket.png", short_side=64)[None]]
    ours, chance = correlations(thinned, teacher, unseen), correlations(DistilledNetwork(), teacher, unseen)
    for layer in MAPPED:
        assert ours[layer]["features"] > 0.5 > chance[layer]["features"] + 0.1
