"""Structured pruning of a trained network: cut channels, fit the rest by least squares, heal by training.

Cut and fitted, the network stands in the folder `cut` of its run, with the recipe of its healing: an ordinary training
that starts from it and is taught by the whole network too. `stylecli train` can go on with it or repeat it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

import torch
from torch import Tensor

from stylecli.errors import UsageError
from stylecli.progress import Progress, ignore
from stylecli.training.channels import ChannelGroup, CostTable, channel_groups, cut_channels
from stylecli.training.checkpoints import WEIGHTS, read_tensors, write_tensors
from stylecli.training.data import PhotoFolder
from stylecli.training.importance import Importance, Orders, by_gamma, by_loss, by_rebuilding, by_weights
from stylecli.training.loss_network import LossName, VggName, load_loss_network
from stylecli.training.network import StyleNetwork, count_parameters, network_from_weights, network_name
from stylecli.training.objective import Objective
from stylecli.training.packing import FinishedRun, read_run
from stylecli.training.preparation import prepare
from stylecli.training.recipe import Phase, Recipe
from stylecli.training.recipe_file import write_recipe
from stylecli.training.refitting import refit
from stylecli.training.run_folder import RECIPE, blamed_on
from stylecli.training.timing import measure_milliseconds
from stylecli.training.train import style_images, train

CUT = "cut"
LOOK = (16, 128)  # crops, and their size in pixels, by which channels are chosen and fitted
LOOK_STEP = -3  # whose crops these are: one that no training takes
LEAST = 3  # channels that every group keeps
TIME_FIRST = 0.15  # how much less is kept where feature maps are large: area ** -0.15, a third less at full resolution
HEALING = (Phase(600, 128), Phase(450, 192), Phase(150, 256))
HEALING_RATE = 2e-3
PIXEL_WEIGHT = 10.0


@dataclass(frozen=True)
class Target:
    """How far to cut, by one of: the share of the channels that go, parameters, multiply-accumulates a pixel, ms."""

    ratio: float | None = None
    params: float | None = None
    macs: float | None = None
    ms: float | None = None

    @property
    def chosen(self) -> tuple[str, float]:
        """The one that is given.

        Raises:
            UsageError: none or several are, or it is out of range.
        """
        given = [(field.name, getattr(self, field.name)) for field in fields(self)]
        given = [(name, value) for name, value in given if value is not None]
        if len(given) != 1:
            raise UsageError("say how far to cut, in one way", hint="Use one of ratio, params, macs and ms.")
        name, value = given[0]
        if not value > 0 or (name == "ratio" and value >= 1):
            raise UsageError(f"{name} {value:g}: cuts nothing, or everything", hint="A ratio lies between 0 and 1.")
        return name, value


@dataclass(frozen=True)
class Healing:
    """How a cut network is trained; None leaves what the recipe of the whole network, or HEALING, says."""

    painting: Path | None = None  # its file, or a folder with the one that the recipe names
    loss_network: LossName | None = None
    finish_with: VggName | None = None
    loss_weights: Path | None = None
    steps: int | None = None
    time_budget: float | None = None  # seconds


def prune(
    run: Path,
    photos: PhotoFolder,
    output: Path,
    *,
    target: Target,
    importance: Importance = "rebuild",
    healing: Healing = Healing(),
    progress: Progress = ignore,
    note: Callable[[str], None] = lambda _: None,
) -> Path:
    """Make a smaller network of the finished training `run` in the folder `output`; returns the file of its weights.

    `run` may be a style pack too. What is in `output` already is not done again.

    Raises:
        UsageError: an impossible target, a network of several styles, or `output` holds another pruning.
        MediaError: `run` is not finished, a photo or the painting cannot be read, `output` cannot be written.
    """
    whole = read_run(run)
    painting = _painting_of(run, whole, healing.painting)
    cut = output / CUT
    asked = {"pruned": str(run), "target": "{} {:g}".format(*target.chosen), "importance": importance}
    if not (cut / WEIGHTS).exists():
        network = _cut(whole, photos, target, importance, replace(healing, painting=painting))
        _write_cut(cut, whole, network, run, asked)
        note(f"{output}: cut from {count_parameters(whole.network):,} to {count_parameters(network):,} parameters")
    elif asked != {key: value for key, value in read_tensors(cut / WEIGHTS)[1].items() if key in asked}:
        raise UsageError(f"{output}: holds another pruning", hint="Choose another folder with -o, or remove this one.")
    ready = prepare(
        [cut / RECIPE],
        painting=painting,
        loss_network=healing.loss_network,
        finish_with=healing.finish_with,
        loss_weights=healing.loss_weights,
        steps=healing.steps,
        time_budget=healing.time_budget,
    )
    return train(
        ready.recipe,
        ready.paintings,
        photos,
        output,
        loss_networks=ready.loss_networks,
        start=ready.start,
        teacher=ready.teacher,
        seconds_of_base=ready.seconds_of_base,
        progress=progress,
        note=note,
    )


def choose_widths(
    table: CostTable, target: Target, milliseconds: Callable[[Mapping[ChannelGroup, int]], float]
) -> dict[ChannelGroup, int]:
    """The largest widths that keep to the target.

    All groups keep the same share, those of larger feature maps less of it: they cost the time.

    Raises:
        UsageError: the target is out of reach, or the network keeps to it as it is.
    """
    name, value = target.chosen

    def widths_at(share: float) -> dict[ChannelGroup, int]:
        return {
            group: min(width, max(min(width, LEAST), round(share * table.area(group) ** -TIME_FIRST * width)))
            for group, width in table.widths.items()
        }

    def fits(widths: Mapping[ChannelGroup, int]) -> bool:
        if name == "ratio":
            return sum(widths.values()) <= (1 - value) * sum(table.widths.values())
        if name == "ms":
            return milliseconds(widths) <= value
        return table.cost(widths, name) <= value  # type: ignore[arg-type]  # the names are the same

    if fits(table.widths):
        raise UsageError(f"{name} {value:g}: the network is no larger than that", hint="Cut more.")
    if not fits(widths_at(0)):
        raise UsageError(f"{name} {value:g}: too little for any network of this kind", hint="Cut less.")
    low, high = 0.0, 2.0
    for _ in range(6 if name == "ms" else 20):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(widths_at(middle)) else (low, middle)
    return widths_at(low)


def cut_network(
    network: StyleNetwork, orders: Orders, widths: Mapping[ChannelGroup, int], images: Tensor
) -> StyleNetwork:
    """The network with the first channels of each order only, fitted to the whole one on `images` (N, 3, H, W)."""
    kept = {group: sorted(orders[group][:width]) for group, width in widths.items()}
    cut = network_from_weights(cut_channels(network.state_dict(), kept))
    refit(cut, network, kept, images)
    return cut


def _cut(
    whole: FinishedRun, photos: PhotoFolder, target: Target, importance: Importance, healing: Healing
) -> StyleNetwork:
    network = whole.network
    groups = channel_groups(network)
    table = CostTable(network, groups)
    count, size = LOOK
    images = photos.batch(LOOK_STEP, count=count, size=size)

    def milliseconds(widths: Mapping[ChannelGroup, int]) -> float:
        kept = {group: range(width) for group, width in widths.items()}
        return measure_milliseconds(network_from_weights(cut_channels(network.state_dict(), kept)))

    widths = choose_widths(table, target, milliseconds)
    orders: Orders
    if importance == "rebuild":
        orders = by_rebuilding(network, groups, images)
    elif importance == "taylor":
        orders = by_loss(network, groups, _losses(whole, images, healing))
    else:
        orders = (by_gamma if importance == "gamma" else by_weights)(network, groups)
    return cut_network(network, orders, widths, images)


def _losses(whole: FinishedRun, images: Tensor, healing: Healing) -> Iterator[Tensor]:
    """The total loss of the whole network's recipe for each picture."""
    recipe = _recipe_of_healing(whole, Path(), Path(), whole.network)
    recipe = replace(
        recipe, base="", teacher="", pixel_weight=0.0, loss_network=healing.loss_network or recipe.loss_network
    )
    assert healing.painting is not None
    file = healing.loss_weights if recipe.loss_network != "distilled" else None
    loss_network = load_loss_network(recipe.loss_network, recipe.loss_layers, file=file)
    paintings = style_images([healing.painting], recipe, torch.device("cpu"))
    objective = Objective(recipe, paintings, {recipe.loss_network: loss_network})
    for image in torch.split(images, 1):
        losses = objective.losses(image, whole.network(image), [0], recipe.phases[-1])
        yield objective.total(losses)


def _write_cut(cut: Path, whole: FinishedRun, network: StyleNetwork, run: Path, asked: Mapping[str, str]) -> None:
    """The weights last: where they are, all is."""
    with blamed_on(cut):
        cut.mkdir(parents=True, exist_ok=True)
        write_recipe(_recipe_of_healing(whole, run, cut, network), cut / RECIPE)
    write_tensors(network.state_dict(), cut / WEIGHTS, {**whole.facts.as_metadata(), **asked})


def _recipe_of_healing(whole: FinishedRun, run: Path, cut: Path, network: StyleNetwork) -> Recipe:
    recipe = replace(whole.recipe, **network.widths, network=network_name(network))
    return replace(
        recipe,
        painting=whole.painting,
        base=str(cut),
        teacher=str(run),
        loss_network=recipe.loss_network_of(recipe.phases[-1]),
        pixel_weight=PIXEL_WEIGHT,
        learning_rate=HEALING_RATE,
        time_budget=0.0,
        phases=HEALING,
        sample_steps=(),
    )


def _painting_of(run: Path, whole: FinishedRun, painting: Path | None) -> Path:
    """The file of the painting: where the option says, else in the run."""
    if painting and painting.is_file():
        return painting
    file = (painting or run) / Path(whole.painting.file).name
    if not file.is_file():
        raise UsageError(f"{file}: the painting is not there", hint="Say with --painting where it is.")
    return file
