"""The candidates of an evaluation: styles, runs of a training, and other ONNX files."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from stylecli.core.errors import UsageError
from stylecli.core.files import name_of_place
from stylecli.core.progress import Notice
from stylecli.evaluation.quality.equivalence import loss_of_recipe
from stylecli.evaluation.quality.metrics.stylized_photo import Stylizer
from stylecli.evaluation.quality.stylizers import ForeignNetwork, RunNetwork
from stylecli.evaluation.speed.options import BenchOptions, White
from stylecli.inference.engine import Device, Engine
from stylecli.packs.card import CARD_FILE
from stylecli.packs.pack import StylePack
from stylecli.packs.shelves import find_style, style_folders
from stylecli.training.gatys.options import Optimization
from stylecli.training.runs.folder import RECIPE


@dataclass(frozen=True)
class Candidate:
    """Something to judge: a style (`pack`), an ONNX file (`network`), or else a run."""

    name: str
    folder: Path
    pack: StylePack | None = None
    network: Path | None = None
    white: White = BenchOptions.against_white  # what white is at the input of `network`

    @property
    def is_run(self) -> bool:
        """Whether it is the folder of a training."""
        return self.pack is None and self.network is None

    @property
    def recipe(self) -> Path:
        """The file of its recipe; a style may lack it."""
        return self.folder / RECIPE

    def open(self, device: Device = "auto", *, flow: float | None = None) -> AbstractContextManager[Stylizer]:
        """Open its network, for use in a `with`; raises as its class does.

        flow: how far the strokes of a style are drawn out; None: as it says.
        """
        if self.network:
            return ForeignNetwork(self.network, white=self.white)
        if self.pack is None:
            return RunNetwork.of(self.folder, device=device)
        engine = Engine(self.pack, device=device)
        engine.flow = engine.flow if flow is None else flow
        return engine


@dataclass(frozen=True, eq=False)
class OpenCandidate:
    """A candidate whose network is open. painting: None if unknown; loss: what the optimisation minimises in a race."""

    name: str
    stylizer: Stylizer
    painting: Path | None = None
    loss: Optimization = field(default_factory=Optimization)


def find_candidates(
    names: Sequence[str],
    styles_dir: Path | None = None,
    *,
    variant: str | None = None,
    white: White = BenchOptions.against_white,
    notice: Notice = lambda _: None,
) -> list[Candidate]:
    """Tell styles, of which a `variant` may be meant, from runs.

    A file that ends in .onnx is a network of its own, whose input is `white` where the picture is white. Any other
    file, as the shell finds beside the styles in `styles/*`, is left out and told to `notice`.

    Raises:
        PackError: a style that is unknown or damaged.
    """
    on_shelves = style_folders(styles_dir)
    files = [name for name in names if name not in on_shelves and _is_plain_file(Path(name))]
    kept = [name for name in names if name not in files] or names  # all are files: the first one's fault is told
    if kept is not names:
        for name in files:
            notice(f"{name}: left out, it is neither a style nor a run")
    return _with_distinct_names([_candidate(name, name in on_shelves, styles_dir, variant, white) for name in kept])


def open_candidates(
    candidates: Sequence[Candidate],
    stack: ExitStack,
    device: Device = "auto",
    *,
    painting: Path | None = None,
    notice: Notice = lambda _: None,
) -> list[OpenCandidate]:
    """Open the networks of candidates, to judge their own pictures, without strokes that are drawn out.

    `stack` closes them. The `painting` of each is looked for by `find_painting`.

    Raises:
        PackError, MediaError, UsageError, DeviceError: as the classes of the networks do.
    """
    if painting is None:
        notice("no `painting`: no style distance is measured")
    opened = []
    for candidate in candidates:
        found = find_painting(candidate, painting) if painting else None
        if painting and found is None:
            notice(f"{candidate.name}: its painting is not in {painting}, no style distance is measured")
        stylizer = stack.enter_context(candidate.open(device, flow=0))
        opened.append(OpenCandidate(candidate.name, stylizer, found, loss_of_recipe(candidate.recipe)))
    return opened


def find_painting(candidate: Candidate, painting: Path) -> Path | None:
    """Return `painting`, or in a folder the painting that the candidate's recipe names; None if it is not there."""
    if not painting.is_dir():
        return painting
    try:
        # Not by `read_recipe`: a recipe of another version, with other keys, names its painting too.
        recipe = tomllib.loads(candidate.recipe.read_text(encoding="utf-8"))
        file = painting / Path(recipe["painting"]["file"]).name
    except (OSError, ValueError, KeyError, TypeError):  # no recipe, no TOML, no painting in it
        return None
    return file if file.is_file() else None


def refuse_runs(candidates: Sequence[Candidate]) -> None:
    """Refuse to record measurements of candidates without a card; raises UsageError."""
    for candidate in candidates:
        if candidate.is_run:
            raise UsageError(f"`record`: {candidate.name} is a run, which has no card", hint="Export it first.")
        if candidate.network:
            raise UsageError(f"`record`: {candidate.network} is no style, so it has no card", hint="Leave it out.")


def _is_plain_file(path: Path) -> bool:
    return path.is_file() and path.suffix != ".onnx"


def _candidate(name: str, is_on_shelf: bool, styles_dir: Path | None, variant: str | None, white: White) -> Candidate:
    folder = Path(name)
    if not is_on_shelf and folder.suffix == ".onnx" and folder.is_file():
        return Candidate(folder.stem, folder.parent, network=folder, white=white)
    if not is_on_shelf and (folder / RECIPE).is_file() and not (folder / CARD_FILE).exists():
        return Candidate(name_of_place(folder), folder)
    pack = find_style(name, styles_dir, variant=variant)
    return Candidate(f"{pack.name} {variant}" if variant else pack.name, pack.folder, pack)


def _with_distinct_names(candidates: list[Candidate]) -> list[Candidate]:
    names = [candidate.name for candidate in candidates]
    return [
        one if names.count(one.name) == 1 else replace(one, name=str(one.network or one.folder)) for one in candidates
    ]
