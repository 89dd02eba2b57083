"""A recipe: everything that decides the result of a training, and the checks of its values."""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from stylecli.core.errors import UsageError
from stylecli.training.losses.names import LOSS_NETWORKS, STYLE_LAYERS, LossName
from stylecli.training.networks.registry import NETWORKS, network_class

Trained = Literal["all", "norms"]


@dataclass(frozen=True)
class Painting:
    """The style image: its file, and facts about the work for the card."""

    file: str  # relative to the recipe's folder
    title: str = ""
    artist: str = ""
    year: int = 0  # 0: unknown
    licence: str = ""
    source: str = ""
    crop: tuple[float, ...] = ()  # left, top, right and bottom of the part that counts, in 0..1; empty: all of it


@dataclass(frozen=True)
class Phase:
    """A part of the training: `steps` optimiser steps on square crops of `size` pixels."""

    steps: int
    size: int
    loss_network: str = ""  # empty: the recipe's
    trains: Trained = "all"  # "norms": only gamma and beta of the normalisations


HYPERPARAMETERS = ("stem", "trunk", "blocks", "narrow", "few_norms", "dilations")  # of networks
DILATION_MAX = 16
SMALLEST_SCALE = 16  # pixels: smallest crop at the last of `style_scales`, where relu4_1 has 2 x 2 positions


@dataclass(frozen=True)
class Recipe:
    """What is trained and how. `docs/training.md` explains the effect of the values."""

    painting: Painting
    others: tuple[Painting, ...] = ()  # further paintings, for one network with several styles
    licence: str = ""  # of the style; only for the card, as `photos`
    photos: str = ""  # the source and licence of the training photos
    fill: float = 0.0  # strokes in empty areas of pictures; only for the card
    detail: float = 0.0  # fine strokes where a picture has detail; only for the card
    flow: float = 0.0  # how far strokes are drawn out along the shapes; only for the card
    base: str = ""  # a style whose weights the training starts from; empty: random weights
    teacher: str = ""  # a style whose pictures `pixel_weight` and `feature_weight` compare with
    network: str = "fast"
    stem: int = 0  # channels at half resolution (`johnson`, `resnet`: full resolution); 0: the network's default
    trunk: int = 0  # channels of the residual blocks, at a quarter of the resolution; 0: the default
    blocks: int = 0  # residual blocks; 0: the default
    narrow: bool = False  # whether `fast` reduces the trunk's channels before upsampling
    few_norms: bool = False  # whether `fast` normalises only what enters the residual stream
    dilations: tuple[int, ...] = ()  # one for each residual block of `fast`: larger, longer strokes; empty: 1
    loss_network: LossName = "distilled"
    relative: bool = True  # losses relative to their targets; false: the formulae of Johnson et al. 2016
    content_layer: str = "relu3_3"
    content_weight: float = 1.0
    style_layers: tuple[str, ...] = STYLE_LAYERS
    style_weight: float = 2.0
    style_sizes: tuple[int, ...] = (512,)  # pixels of the painting's short side: larger, larger strokes
    style_scales: tuple[float, ...] = (1.0,)  # weights of the style loss at full size, half, a quarter, ...
    pixel_weight: float = 0.0  # difference from the teacher's pictures
    feature_weight: float = 0.0  # difference from the loss network's features of the teacher's pictures
    structure_layer: str = "relu3_3"  # a second content layer: with content_layer relu4_2, keeps some of the edges
    structure_weight: float = 0.0
    palette_weight: float = 0.0  # the painting's colours, each on as much of the area
    tone_weight: float = 0.0  # light and dark areas stay where they are in the photo
    fringe_weight: float = 0.0  # against halos of colour along the photo's edges
    emboss_weight: float = 0.0  # against copies of the photo's edges as relief
    transport_layers: tuple[str, ...] = ("relu3_1", "relu4_1")  # of the next three losses (Kolkin et al. 2019, STROTSS)
    relaxed_emd_weight: float = 0.0  # relaxed earth mover's distance of features
    moment_weight: float = 0.0  # means and covariances of features
    self_similarity_weight: float = 0.0  # similarity within the picture as within the photo
    sliced_layers: tuple[str, ...] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
    sliced_weight: float = 0.0  # of the painting's whole distribution of features (Heitz et al. 2021)
    variation_weight: float = 0.05
    grid_weight: float = 500.0
    speck_weight: float = 0.0
    consistency_weight: float = 0.0  # of alike frames alike pictures, for videos
    batch: int = 2
    learning_rate: float = 4e-3  # the peak of the one-cycle schedule (Smith and Topin 2018)
    average: float = 0.995  # decay of the moving average of the weights, which is the result
    seed: int = 0
    time_budget: float = 0.0  # seconds of training that the phases are planned for; 0: the phases as written
    phases: tuple[Phase, ...] = field(default=(Phase(1000, 128), Phase(2000, 192), Phase(600, 256)))
    sample_steps: tuple[int, ...] = ()  # further steps after which a sample is written

    @property
    def paintings(self) -> tuple[Painting, ...]:
        """The paintings of all styles that the network learns."""
        return (self.painting, *self.others)

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """The arguments of the network's class; values that are its defaults are left out."""
        return {key: getattr(self, key) for key in HYPERPARAMETERS if getattr(self, key)}

    @property
    def needs_teacher(self) -> bool:
        """Whether a loss needs the teacher."""
        return self.pixel_weight > 0 or self.feature_weight > 0

    @property
    def steps(self) -> int:
        """Optimiser steps of all phases."""
        return sum(phase.steps for phase in self.phases)

    @property
    def loss_layers(self) -> tuple[str, ...]:
        """All layers of the loss network that the losses need."""
        return (*dict.fromkeys((*self.style_layers, *self.photo_layers, *self.sampled_layers)),)

    @property
    def photo_layers(self) -> tuple[str, ...]:
        """The layers at which losses compare the picture with the photo."""
        structure = [self.structure_layer] if self.structure_weight else []
        similar = self.transport_layers if self.self_similarity_weight else ()
        return (*dict.fromkeys((self.content_layer, *structure, *similar)),)

    @property
    def sampled_layers(self) -> tuple[str, ...]:
        """The layers at which losses need samples of the painting's features, beside their Gram matrices."""
        transport = self.transport_layers if self.relaxed_emd_weight or self.moment_weight else ()
        sliced = self.sliced_layers if self.sliced_weight else ()
        return (*dict.fromkeys((*transport, *sliced)),)

    @property
    def loss_networks(self) -> tuple[LossName, ...]:
        """The loss networks of all phases, without repetition."""
        return (*dict.fromkeys(self.loss_network_of(phase) for phase in self.phases),)

    def loss_network_of(self, phase: Phase) -> LossName:
        """Return the loss network of a phase."""
        return phase.loss_network or self.loss_network  # type: ignore[return-value]  # checked by `check_recipe`

    def with_steps(self, steps: int) -> Recipe:
        """Return the recipe with `steps` in total, its phases in proportion."""
        ends = [round(steps * sum(p.steps for p in self.phases[: k + 1]) / self.steps) for k in range(len(self.phases))]
        counts = [end - start for start, end in zip([0, *ends], ends, strict=False)]
        phases = (dataclasses.replace(p, steps=n) for p, n in zip(self.phases, counts, strict=True))
        return dataclasses.replace(self, phases=tuple(phase for phase in phases if phase.steps))

    def phase_at(self, step: int) -> Phase:
        """Return the phase of a step, counted from 0."""
        for phase in self.phases:
            if step < phase.steps:
                return phase
            step -= phase.steps
        raise IndexError(step)


def check_recipe(recipe: Recipe, name: str = "recipe") -> None:
    """Check the values of a recipe; `name` stands in the messages.

    Raises:
        UsageError: a value is out of range; names it and the range.
    """
    from stylecli.training.networks.blocks import STRIDE  # blocks needs torch

    if not recipe.phases or not recipe.style_layers or not recipe.style_sizes or not recipe.style_scales:
        raise UsageError(
            f"{name}: phases, style_layers, style_sizes and style_scales must not be empty",
            hint="Leave them out for the defaults.",
        )
    _check_choice(name, "network", recipe.network, NETWORKS)
    _check_hyperparameters(recipe, name)
    for phase in recipe.phases:
        _check_choice(name, "loss network", recipe.loss_network_of(phase), LOSS_NETWORKS)
        _check_choice(name, "way to train", phase.trains, ("all", "norms"))
        if phase.size % STRIDE:
            raise UsageError(f"{name}: a phase's size is {phase.size}", hint=f"It must be a multiple of {STRIDE}.")
    for painting in recipe.paintings:
        _check_crop(name, painting.crop)
    for key, (value, least) in _least(recipe).items():
        if not value >= least:  # written so that NaN is refused too
            raise UsageError(f"{name}: {key} is {value}", hint=f"It must be at least {least:g}.")
    if not 0 < sum(recipe.style_scales) < math.inf:
        raise UsageError(f"{name}: style_scales are {recipe.style_scales}", hint="One of them must be above 0.")
    smallest = min(phase.size for phase in recipe.phases) >> (len(recipe.style_scales) - 1)
    if smallest < SMALLEST_SCALE:
        raise UsageError(
            f"{name}: {len(recipe.style_scales)} style_scales leave {smallest} pixels of the smallest crop",
            hint=f"Give fewer, or phases of a larger size: {SMALLEST_SCALE} pixels must be left.",
        )
    if not any(getattr(recipe, key) for key in _weights(recipe)):
        raise UsageError(f"{name}: every weight is 0", hint="Give one of them, such as style_weight, more.")
    if recipe.average >= 1:
        raise UsageError(f"{name}: average is {recipe.average}", hint="It must be below 1; 0 keeps the last weights.")
    for key in ("pixel_weight", "feature_weight"):
        if getattr(recipe, key) and not recipe.teacher:
            raise UsageError(f"{name}: {key} without a teacher", hint="Name a style as teacher, or leave it 0.")


def _check_crop(name: str, crop: tuple[float, ...]) -> None:
    if crop and not (len(crop) == 4 and 0 <= crop[0] < crop[2] <= 1 and 0 <= crop[1] < crop[3] <= 1):
        raise UsageError(
            f"{name}: the crop of a painting is {list(crop)}", hint="Give left, top, right and bottom, in 0..1."
        )


def _check_hyperparameters(recipe: Recipe, name: str) -> None:
    """Check the values that decide the network's layers."""
    known = inspect.signature(network_class(recipe.network)).parameters
    if unknown := [key for key in recipe.hyperparameters if key not in known]:
        raise UsageError(f"{name}: {unknown[0]} with a network {recipe.network}", hint="Leave it out: `fast` has it.")
    if not recipe.dilations:
        return
    blocks = recipe.blocks or known["blocks"].default
    if len(recipe.dilations) != blocks:
        raise UsageError(
            f"{name}: {len(recipe.dilations)} dilations for {blocks} blocks", hint="Give one for each block."
        )
    if not all(1 <= dilation <= DILATION_MAX for dilation in recipe.dilations):
        raise UsageError(f"{name}: dilations are {recipe.dilations}", hint=f"Each must be 1 to {DILATION_MAX}.")


def _check_choice(name: str, what: str, value: str, known: Mapping[str, object] | tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(f"{name}: no {what} {value!r}", hint=f"Known: {', '.join(known)}.")


def _least(recipe: Recipe) -> dict[str, tuple[float, float]]:
    """Return (value, smallest value) of each number with a lower bound."""
    return {
        **{key: (getattr(recipe, key), 0) for key in (*_weights(recipe), "stem", "blocks", "average", "time_budget")},
        "trunk": (recipe.trunk or 2, 2),
        "batch": (recipe.batch, 1),
        "style_sizes": (min(recipe.style_sizes), 64),
        "style_scales": (min(recipe.style_scales), 0),
        "learning_rate": (recipe.learning_rate, 1e-8),
        "steps of a phase": (min(phase.steps for phase in recipe.phases), 1),
        "size of a phase": (min(phase.size for phase in recipe.phases), 64),
    }


def _weights(recipe: Recipe) -> tuple[str, ...]:
    """Return the names of the fields that are weights of losses."""
    return tuple(field.name for field in dataclasses.fields(recipe) if field.name.endswith("_weight"))
