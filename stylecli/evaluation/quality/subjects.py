"""What is judged: styles, by their ONNX models, and runs, by the weights that their training left."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from stylecli.core.errors import DeviceError, UsageError
from stylecli.evaluation.quality.measures import Stylizer
from stylecli.inference.engine import Device, Engine
from stylecli.packs.card import CARD_FILE
from stylecli.packs.pack import StylePack
from stylecli.packs.shelves import find_style, style_folders
from stylecli.training.networks.registry import network_from_weights
from stylecli.training.networks.sized import SizedNetwork
from stylecli.training.networks.style_network import StyleNetwork
from stylecli.training.runs.checkpoints import WEIGHTS, read_tensors
from stylecli.training.runs.folder import RECIPE


@dataclass(frozen=True)
class Subject:
    """A style, or a run (then `pack` is None), that is to be judged."""

    name: str
    folder: Path
    pack: StylePack | None = None

    @property
    def recipe(self) -> Path:
        """The recipe that it was trained by; styles of strangers may have none."""
        return self.folder / RECIPE

    def open(self, device: Device = "auto") -> AbstractContextManager[Stylizer]:
        """Its network, ready to paint, to be used in a `with`; raises as the two do."""
        if self.pack is None:
            return RunNetwork.of(self.folder, device=device)
        return Engine(self.pack, device=device)


class RunNetwork:
    """The network of a run, in PyTorch, behind the interface of an `Engine`."""

    def __init__(self, name: str, network: StyleNetwork, *, device: Device = "auto") -> None:
        """Put it on a device.

        Raises:
            DeviceError: PyTorch cannot work on the device.
        """
        self.name = name
        self.device = _torch_device(device)
        self._network = SizedNetwork(network).to(self.device).eval()

    @classmethod
    def of(cls, run: Path, *, device: Device = "auto") -> Self:
        """Rebuild it from the weights of a run, after whose folder it is called.

        Raises:
            MediaError: there are no whole weights in the run.
            UsageError: they are those of several styles, or of no network known here.
            DeviceError: PyTorch cannot work on the device.
        """
        weights, _ = read_tensors(run / WEIGHTS)
        try:
            network = network_from_weights(weights)
        except UsageError as err:
            raise UsageError(
                f"{run}: its weights are not those of one known style network",
                hint="Of several styles in one, make styles with `stylecli export`, and judge those.",
            ) from err
        return cls(run.name, network, device=device)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._network.cpu()

    @torch.inference_mode()
    def stylize(self, unit: NDArray[np.float32]) -> NDArray[np.float32]:
        """Paint a picture (H, W, 3), sRGB-encoded RGB in 0..1; same shape and range."""
        image = torch.from_numpy(np.ascontiguousarray(unit)).permute(2, 0, 1)[None].to(self.device)
        stylized: NDArray[np.float32] = self._network(image)[0].permute(1, 2, 0).contiguous().cpu().numpy()
        return stylized


def find_subjects(
    names: Sequence[str],
    styles_dir: Path | None = None,
    *,
    variant: str | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> list[Subject]:
    """Tell styles, of which a `variant` may be meant, from runs.

    A plain file among them, as the shell finds beside the styles in `styles/*`, is left out and told to `note`.

    Raises:
        PackError: a style that is unknown or damaged.
    """
    on_shelves = style_folders(styles_dir)
    files = [name for name in names if name not in on_shelves and Path(name).is_file()]
    kept = [name for name in names if name not in files] or names  # all are files: the first one's fault is told
    if kept is not names:
        for name in files:
            note(f"{name}: left out, it is neither a style nor a run")
    return _with_distinct_names([_subject(name, name in on_shelves, styles_dir, variant) for name in kept])


def find_painting(subject: Subject, painting: Path) -> Path | None:
    """The painting itself or, in a folder of them, that of the subject's recipe; None if it is not there."""
    if not painting.is_dir():
        return painting
    try:
        # Not by `read_recipe`: a recipe of another version, with other keys, names its painting too.
        recipe = tomllib.loads(subject.recipe.read_text(encoding="utf-8"))
        file = painting / Path(recipe["painting"]["file"]).name
    except (OSError, ValueError, KeyError, TypeError):  # no recipe, no TOML, no painting in it
        return None
    return file if file.is_file() else None


def _subject(name: str, is_on_shelf: bool, styles_dir: Path | None, variant: str | None) -> Subject:
    folder = Path(name)
    if not is_on_shelf and (folder / RECIPE).is_file() and not (folder / CARD_FILE).exists():
        return Subject(folder.resolve().name, folder)
    pack = find_style(name, styles_dir, variant=variant)
    return Subject(f"{pack.name} {variant}" if variant else pack.name, pack.folder, pack)


def _with_distinct_names(subjects: list[Subject]) -> list[Subject]:
    names = [subject.name for subject in subjects]
    return [
        replace(subject, name=str(subject.folder)) if names.count(subject.name) > 1 else subject for subject in subjects
    ]


def _torch_device(device: Device) -> torch.device:
    has_cuda = torch.cuda.is_available()
    if device == "coreml" or (device == "cuda" and not has_cuda):
        raise DeviceError(f"{device}: runs are judged in PyTorch, which cannot use it here", hint="Use --device cpu.")
    return torch.device("cuda" if has_cuda and device != "cpu" else "cpu")
