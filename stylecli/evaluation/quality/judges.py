"""Which loss network judges: VGG-19 where it is at hand, else the distilled one that ships with stylecli."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

from stylecli.training.losses.loss_network import LossNetwork, best_at_hand, load_loss_network
from stylecli.training.losses.names import LossName

JudgeName = Literal["auto", "vgg19", "distilled"]
RECORDED: LossName = "vgg19"  # the only judge whose numbers go into cards: those of styles must be comparable


def choose_judge(
    name: JudgeName,
    layers: Iterable[str],
    *,
    file: Path | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> LossNetwork:
    """Open the loss network that judges; `note` hears which one it is, and how to get VGG-19.

    "auto" takes VGG-19 when its weights are in `file` or were downloaded before, and never downloads.

    Raises:
        UsageError, MediaError: as `load_loss_network`.
    """
    chosen = best_at_hand(file) if name == "auto" else name
    loss_network = load_loss_network(chosen, layers, file=file)
    note(f"judged by {describe_judge(loss_network)}")
    if chosen == "distilled":
        note("its numbers compare with each other, not with those of VGG-19: --judge vgg19 downloads that (550 MB)")
    return loss_network


def describe_judge(loss_network: LossNetwork) -> str:
    """Its name and the first digits of its file's sha256."""
    return f"{loss_network.name} {loss_network.sha256[:12]}"
