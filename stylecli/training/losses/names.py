"""The loss networks and their usual layers by name, for those who must not import torch."""

from __future__ import annotations

from typing import Literal, get_args

VggName = Literal["vgg16", "vgg19"]
LossName = Literal["distilled", "vgg16", "vgg19"]
VGG_NAMES: tuple[VggName, ...] = get_args(VggName)
LOSS_NETWORKS: tuple[LossName, ...] = get_args(LossName)

# Johnson et al. 2016, with relu4_1 for relu4_3, which costs less.
STYLE_LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_1")
