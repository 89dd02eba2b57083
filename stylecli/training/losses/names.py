"""The names of the loss networks and of the style layers. Importing this loads no torch."""

from __future__ import annotations

from typing import Literal, get_args

VggName = Literal["vgg16", "vgg19"]
LossName = Literal["distilled", "vgg16", "vgg19"]
VGG_NAMES: tuple[VggName, ...] = get_args(VggName)
LOSS_NETWORKS: tuple[LossName, ...] = get_args(LossName)

# The layers of Johnson et al. 2016, but relu4_1 instead of relu4_3, which costs less.
STYLE_LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_1")
