"""The folder of a training: recipe, log, samples, copies of the paintings."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from stylecli.core.errors import UsageError
from stylecli.core.files import blamed_on, check_writable, write_atomically
from stylecli.media.images.files import picture_from_pixels, write_picture
from stylecli.media.pixels import quantize
from stylecli.training.data import PhotoFolder
from stylecli.training.recipe import Recipe
from stylecli.training.runs.checkpoints import CHECKPOINT
from stylecli.training.runs.recipe_files import read_recipe, write_recipe
from stylecli.training.schedule import with_plan_of

RECIPE = "recipe.toml"
LOG = "log.jsonl"
SAMPLES = "samples"
SAMPLE_PHOTOS = 6
SAMPLE_STEP = -1  # number of a step that no training takes; its crops are those of the samples
SAMPLE_SIZE = 256  # pixels
DESCRIPTIVE_FIELDS = ("licence", "photos", "sample_steps")  # of a recipe; they do not affect the weights


def open_run(run: Path, recipe: Recipe) -> Recipe | None:
    """Make the run's folder. If it holds a training already, return the recipe to resume with, else None.

    The returned recipe has the phases that were planned when the training began.

    Raises:
        UsageError: the folder holds a training with another recipe.
        MediaError: it cannot be written.
    """
    check_writable(run)
    with blamed_on(run):
        (run / SAMPLES).mkdir(parents=True, exist_ok=True)
        if not (run / RECIPE).exists():
            return None
    before = read_recipe(run / RECIPE)
    recipe = with_plan_of(recipe, before)
    names = [
        field.name
        for field in dataclasses.fields(recipe)
        if field.name not in (*DESCRIPTIVE_FIELDS, "painting", "others")
    ]
    changed = [name for name in names if getattr(before, name) != getattr(recipe, name)]
    if [painting.file for painting in before.paintings] != [painting.file for painting in recipe.paintings]:
        changed.insert(0, "painting")
    if changed:
        raise UsageError(
            f"{run}: holds a training with another recipe ({', '.join(changed)} differ)",
            hint="Choose another folder, or remove this one.",
        )
    return recipe


@contextmanager
def removed_unless_begun(run: Path) -> Iterator[None]:
    """If the block fails before the run has a checkpoint, remove what it wrote: there is nothing to resume.

    What stood in the folder before stays, and so does the folder itself.
    """
    with blamed_on(run):
        before = set(run.iterdir()) if run.exists() else None
    try:
        yield
    except BaseException:
        if not (run / CHECKPOINT).exists():
            if before is None:
                shutil.rmtree(run, ignore_errors=True)
            else:
                _remove([path for path in run.iterdir() if path not in before])
        raise


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def save_recipe(run: Path, recipe: Recipe) -> None:
    """Write the recipe into the run's folder; raises MediaError."""
    with blamed_on(run):
        write_recipe(recipe, run / RECIPE)


def keep_paintings(run: Path, recipe: Recipe, paintings: Sequence[Path]) -> None:
    """Copy the recipe's paintings into the run's folder, for later steps such as pruning; raises MediaError."""
    for painting, file in zip(recipe.paintings, paintings, strict=True):
        copy = run / Path(painting.file).name
        if not copy.exists():
            with blamed_on(run):
                write_atomically(copy, file.read_bytes())


def log(run: Path, entry: Mapping[str, object]) -> None:
    """Append a line to the log."""
    with blamed_on(run), (run / LOG).open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


def truncate_log(run: Path, step: int) -> None:
    """Remove the lines of steps after `step`, which a resumed run takes again."""
    file = run / LOG
    if not file.exists():
        return
    with blamed_on(run):
        lines = file.read_text(encoding="utf-8").splitlines()
        kept = "".join(f"{line}\n" for line in lines if _step_of(line) <= step)
        write_atomically(file, kept.encode())


@torch.no_grad()
def write_sample(run: Path, step: int, stylize: Callable[[int, Tensor], Tensor], photos: PhotoFolder) -> None:
    """Write a grid of photos, always the same ones, with their stylized pictures below.

    `stylize` takes the number of a photo and the photo, (1, 3, H, W).
    """
    crops = photos.batch(SAMPLE_STEP, count=SAMPLE_PHOTOS, size=SAMPLE_SIZE)
    stylized = torch.cat([stylize(number, crop) for number, crop in enumerate(torch.split(crops, 1))])
    grid = torch.cat([crops, stylized], dim=2).permute(2, 0, 3, 1).flatten(1, 2)  # (2 * size, photos * size, 3)
    picture = picture_from_pixels(quantize(np.ascontiguousarray(grid.numpy()), np.uint8))
    write_picture(picture, run / SAMPLES / f"step_{step:06d}.png", overwrite=True)


def _step_of(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):  # an incomplete line of a killed process
        return float("inf")
