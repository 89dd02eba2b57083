"""Learn a style from one painting in minutes: train a bundled style on, and put the result on the shelf."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import platformdirs

from stylecli.core.errors import UsageError
from stylecli.core.files import blamed_on, check_writable, write_atomically
from stylecli.core.progress import Notice, Progress, Step, ignore
from stylecli.media.images.files import read_picture
from stylecli.packs.card import STYLE_NAME
from stylecli.packs.pack import StylePack
from stylecli.photos import LEARNING_PHOTOS, PREVIEW_PHOTO
from stylecli.training.data import PhotoFolder
from stylecli.training.export.packing import export_pack
from stylecli.training.nearest import nearest_style
from stylecli.training.prepare import prepare_to_learn
from stylecli.training.recipe import Painting, Phase, Recipe
from stylecli.training.runs.finished import read_run
from stylecli.training.runs.folder import RECIPE, SAMPLES
from stylecli.training.runs.recipe_files import read_recipe
from stylecli.training.train import train

# Learning starts from the nearest of these: the styles that were trained longest. From other styles, a nearer start
# ended further away.
BASES = ("composition-vii", "great-wave", "mulberry-tree", "stables", "starry-night", "the-scream")
GROWTH = (1, 10, 30, 60, 100, 150, 200, 300, 400, 600, 800, 1000)  # steps after which the preview is written
SECONDS = 300.0

# What the gallery's styles were learned with. Dilated blocks and a content loss that looks from afar make long strokes;
# the losses of tone and emboss keep light and dark where they are without the photo's edges as relief; the palette loss
# gives all of the painting's colours, the fringe loss keeps them from running over edges.
LEARNING = Recipe(
    painting=Painting(""),
    licence="not stated",
    photos="11 free photos that ship with stylecli",
    fill=0.7,
    flow=1.0,
    dilations=(1, 2, 4),
    loss_network="distilled",
    content_layer="relu4_2",
    content_weight=0.7,
    structure_weight=0.1,
    tone_weight=0.6,
    emboss_weight=6.0,
    fringe_weight=150.0,
    style_weight=7.0,
    palette_weight=8.0,
    style_scales=(1.0, 0.7, 0.7),
    consistency_weight=100.0,
    learning_rate=3e-3,
    average=0.99,
    phases=(Phase(420, 192),),
    sample_steps=GROWTH,
)


@dataclass(frozen=True)
class LearningJob:
    """What to learn, from what, and for how long.

    name: of the new style; None: derived from the painting's file name. title, artist, year: of the painting, for the
    card. base: the style to start from; None: the nearest of `BASES`. photos: a folder or zip to train on;
    None: those that ship with stylecli. seconds: of training.
    """

    painting: Path
    name: str | None = None
    title: str = ""
    artist: str = ""
    year: int = 0
    base: str | None = None
    photos: Path | None = None
    seconds: float = SECONDS

    @property
    def style(self) -> str:
        """The name of the new style.

        Raises:
            UsageError: a style cannot have this name.
        """
        name = self.name or name_of(self.painting)
        if not STYLE_NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} is no name for a style",
                hint="Give a `name` of small letters, digits and single hyphens, such as great-wave.",
            )
        return name


def name_of(painting: Path) -> str:
    """Derive a style's name from a file: `Turner_Fighting Temeraire_1839.jpg` gives `turner-fighting-temeraire`."""
    words = re.findall(r"[a-z0-9]+", painting.stem.lower())
    return "-".join(words[:-1] if len(words) > 1 and re.fullmatch(r"1\d{3}|20\d{2}", words[-1]) else words)


def learn_style(
    job: LearningJob,
    shelf: Path,
    *,
    styles_dir: Path | None = None,
    preview: Path | None = None,
    work: Path | None = None,
    overwrite: bool = False,
    progress: Progress = ignore,
    notice: Notice = lambda _: None,
) -> StylePack:
    """Learn a style and put it on a shelf; an interrupted training resumes where it stopped.

    Args:
        job: what to learn.
        shelf: the folder of styles for the new one.
        styles_dir: a folder of styles to search first for the base.
        preview: a PNG file to write, with some photos in the style so far.
        work: the folder of the unfinished training; None: one of the user's own for each name.
        overwrite: replace a style of this name on the shelf.
        progress: called after every step.
        notice: called with messages for the user.

    Raises:
        UsageError: the name is taken or not allowed, or the painting is too small.
        MediaError: a file cannot be read or written.
        PackError: the base is unknown.
    """
    folder = shelf / job.style
    if folder.exists() and not overwrite:
        raise UsageError(
            f"{job.style}: already on the shelf {shelf}",
            hint="Use `overwrite=True` to replace it, or give another `name`.",
        )
    read_picture(job.painting)  # reports a damaged file first
    with blamed_on(shelf, hint="Name another shelf with `styles_dir`."):
        shelf.mkdir(parents=True, exist_ok=True)
    check_writable(shelf)
    work = work or platformdirs.user_state_path("stylecli", appauthor=False) / "learning" / job.style
    base = job.base or _base_of(work) or nearest_style(job.painting, LEARNING, BASES)
    notice(f"starting from {base}")
    recipe = replace(LEARNING, painting=_painting(job), base=base, time_budget=job.seconds)
    if job.photos:
        recipe = replace(recipe, photos=str(job.photos.name))
    ready = prepare_to_learn(recipe, [job.painting], styles_dir)
    photos = PhotoFolder(job.photos or LEARNING_PHOTOS, seed=recipe.seed, notice=notice)

    def shown(step: Step) -> None:
        progress(step)
        if preview:
            _show_newest(work / SAMPLES, preview)

    train(ready, photos, work, progress=shown, notice=notice)
    pack = export_pack(read_run(work), folder, preview_of=read_picture(PREVIEW_PHOTO), overwrite=overwrite)
    if preview:
        _show_newest(work / SAMPLES, preview)
    shutil.rmtree(work, ignore_errors=True)
    return pack


def _base_of(work: Path) -> str | None:
    """Return the base of an interrupted training, None if there is none."""
    return read_recipe(work / RECIPE).base if (work / RECIPE).is_file() else None


def _painting(job: LearningJob) -> Painting:
    title = job.title or job.style.replace("-", " ").title()
    return Painting(job.painting.name, title=title, artist=job.artist, year=job.year)


def _show_newest(samples: Path, preview: Path) -> None:
    """Copy the newest sample to `preview`, unless that is as new."""
    drawn: Sequence[Path] = sorted(samples.glob("step_*.png"))
    if drawn and not (preview.exists() and preview.stat().st_mtime >= drawn[-1].stat().st_mtime):
        write_atomically(preview, drawn[-1].read_bytes())
