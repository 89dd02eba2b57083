"""A finished training as a style pack."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from stylecli.card import CARD_FILE, Card, ModelFile, sha256_of, write_card
from stylecli.engine import Engine
from stylecli.errors import MediaError, PackError, UsageError
from stylecli.images import Picture, write_picture
from stylecli.look import Look
from stylecli.pack import PREVIEW_FILE, StylePack, open_pack
from stylecli.pack_safety import verify
from stylecli.stylize import stylize_picture
from stylecli.training.checkpoints import WEIGHTS, read_tensors, write_tensors
from stylecli.training.conditional import one_style
from stylecli.training.exporting import export_onnx, reach_of
from stylecli.training.network import StyleNetwork, count_parameters, network_from_weights, network_name
from stylecli.training.parity import check_precision
from stylecli.training.precision import to_half, to_int8
from stylecli.training.recipe import Painting, Recipe
from stylecli.training.recipe_file import read_recipe, write_recipe
from stylecli.training.run_folder import RECIPE
from stylecli.training.train import TrainingFacts
from stylecli.training.trained_files import TrainedFiles

DEFAULT_VARIANT = "fast"
PREVIEW_QUALITY = 85


@dataclass(frozen=True)
class FinishedRun:
    """What a finished training left: the network of one of its styles, and how it came about."""

    weights: Mapping[str, Tensor]
    network: StyleNetwork
    recipe: Recipe
    painting: Painting
    facts: TrainingFacts


def read_run(run: Path, *, number: int = 1) -> FinishedRun:
    """Read a finished training; of a network of several styles, style `number`, counted from 1.

    Raises:
        MediaError: the run is not finished or cannot be read.
        UsageError: it has no style of that number.
    """
    return read_training(TrainedFiles(run / WEIGHTS, run / RECIPE), number=number)


def read_training(files: TrainedFiles, *, number: int = 1) -> FinishedRun:
    """The same of a training whose files may lie in a style pack."""
    weights, metadata = read_tensors(files.weights)
    facts = _facts_in(metadata, files.weights)
    recipe = read_recipe(files.recipe)
    if not 1 <= number <= len(recipe.paintings):
        raise UsageError(
            f"{files.weights.parent}: has no style {number}", hint=f"It has styles 1 to {len(recipe.paintings)}."
        )
    weights = one_style(weights, number - 1)
    return FinishedRun(weights, network_from_weights(weights), recipe, recipe.paintings[number - 1], facts)


@dataclass(frozen=True)
class Precision:
    """How the numbers of a model are stored, and what it is calibrated and compared on."""

    name: str = "fp32"  # one of card.PRECISIONS
    photos: Sequence[NDArray[np.float32]] = ()  # (1, 3, H, W) each, in 0..1; fp32 needs none


def export_pack(
    run: FinishedRun,
    folder: Path,
    *,
    preview_of: Picture,
    precision: Precision = Precision(),
    overwrite: bool = False,
) -> StylePack:
    """Make a style pack of a finished training: the model, the weights, the recipe, a preview, the card.

    The style's name is that of `folder`, which appears only when the pack is whole.

    Raises:
        MediaError: the folder cannot be written.
        PackError: the model does not paint what the network paints.
        UsageError: the folder exists, or its name is none for a style.
    """
    _check_target(folder, overwrite=overwrite)
    with _replaced_when_whole(folder) as partial:
        model = _write_network(run, partial, precision, DEFAULT_VARIANT, WEIGHTS, RECIPE)
        card = _card(folder.name, run, replace(model, network="", parameters=0, weights=""))
        with Engine(StylePack(partial, card), device="cpu") as engine:
            write_picture(stylize_picture(preview_of, engine, Look()), partial / PREVIEW_FILE, quality=PREVIEW_QUALITY)
        _finish(partial, card)
    return open_pack(folder)


def add_variant(
    run: FinishedRun, folder: Path, variant: str, *, precision: Precision = Precision(), overwrite: bool = False
) -> StylePack:
    """Add the network of a finished training to a style pack, as another variant of the same style.

    Raises:
        MediaError: the folder cannot be written.
        PackError: it is no style.
        UsageError: it has this variant already, or the variant is its default one.
    """
    pack = open_pack(folder)
    others = tuple(model for model in pack.card.models if model.variant != variant)
    if variant == pack.card.default:
        raise UsageError(f"{folder}: {variant} is the style itself", hint="Export it without --variant.")
    if len(others) < len(pack.card.models) and not overwrite:
        raise UsageError(f"{folder}: has a variant {variant} already", hint="Use --overwrite to replace it.")
    with _replaced_when_whole(folder) as partial:
        shutil.copytree(folder, partial, dirs_exist_ok=True)
        model = _write_network(run, partial, precision, variant, f"{variant}.{WEIGHTS}", f"{variant}.{RECIPE}")
        _finish(partial, replace(pack.card, models=(*others, model)))
    return open_pack(folder)


def _write_network(
    run: FinishedRun, folder: Path, precision: Precision, variant: str, weights: str, recipe: str
) -> ModelFile:
    content = _model_of(run.network, precision)
    (folder / f"{variant}.onnx").write_bytes(content)
    halves = {name: tensor.half() for name, tensor in run.weights.items()}
    if _are_in(folder / WEIGHTS, halves):  # another precision of the style's own network
        weights = WEIGHTS
    else:
        write_tensors(halves, folder / weights, run.facts.as_metadata())
        write_recipe(replace(run.recipe, painting=run.painting, others=()), folder / recipe)
    return ModelFile(
        variant=variant,
        precision=precision.name,
        file=f"{variant}.onnx",
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        statistics="patches",
        reach=reach_of(run.network),
        network=network_name(run.network),
        parameters=count_parameters(run.network),
        weights=weights,
    )


def _are_in(file: Path, tensors: Mapping[str, Tensor]) -> bool:
    if not file.exists():
        return False
    there, _ = read_tensors(file)
    return there.keys() == tensors.keys() and all(there[name].equal(tensor) for name, tensor in tensors.items())


def _model_of(network: StyleNetwork, precision: Precision) -> bytes:
    precise = export_onnx(network)
    if precision.name == "fp32":
        return precise
    model = to_half(precise) if precision.name == "fp16" else to_int8(precise, precision.photos)
    check_precision(model, precise, precision.photos, precision=precision.name)
    return model


@contextmanager
def _replaced_when_whole(folder: Path) -> Iterator[Path]:
    """A hidden folder that takes the place of `folder` when the `with` ends well, and is gone otherwise."""
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        yield partial
        if folder.exists():
            shutil.rmtree(folder)
        partial.replace(folder)
    except OSError as err:
        raise MediaError(f"{folder}: {err.strerror}", hint="Make room or choose another folder.") from err
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _finish(folder: Path, card: Card) -> None:
    """Write the card with the hash of every file, and check the pack as a stranger's."""
    files = {path.name: sha256_of(path) for path in sorted(folder.iterdir()) if path.name != CARD_FILE}
    write_card(replace(card, files=files), folder)
    if problems := verify(folder):
        raise PackError("; ".join(problems), hint="Report this as a defect.")


def _card(name: str, run: FinishedRun, model: ModelFile) -> Card:
    painting, recipe, facts = run.painting, run.recipe, run.facts
    return Card(
        name=name,
        title=painting.title or name,
        artist=painting.artist or "unknown",
        year=painting.year,
        licence=recipe.licence or "not stated",
        source=f"{painting.source or painting.file} ({painting.licence or 'terms unknown'})",
        photos=recipe.photos or "not named",
        models=(model,),
        default=DEFAULT_VARIANT,
        network=network_name(run.network),
        parameters=count_parameters(run.network),
        recipe=RECIPE,
        loss_network=facts.loss_network,
        loss_network_sha256=facts.loss_network_sha256,
        training_device=facts.device,
        training_seconds=facts.seconds,
        measured={},
        files={},  # filled in when all are there
    )


def _facts_in(metadata: Mapping[str, str], weights: Path) -> TrainingFacts:
    try:
        return TrainingFacts.from_metadata(metadata)
    except KeyError as err:
        raise MediaError(
            f"{weights}: does not tell how it was trained ({err} is missing)",
            hint="Finish the training with the same `stylecli train` command.",
        ) from err


def _check_target(folder: Path, *, overwrite: bool) -> None:
    if not folder.exists():
        return
    if not overwrite:
        raise UsageError(f"{folder}: exists already", hint="Use --overwrite to replace it.")
    if not (folder / CARD_FILE).is_file():  # whatever it is, it is not ours to remove
        raise UsageError(f"{folder}: is not a style, so it is not replaced", hint="Choose another name with -o.")
