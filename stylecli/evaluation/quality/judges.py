"""Choose the judge, the loss network that measures quality: VGG-19 if it is available, else the distilled one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from stylecli.core.errors import UsageError
from stylecli.core.progress import Notice
from stylecli.evaluation.quality.options import JudgeName
from stylecli.evaluation.quality.subjects import Subject, refuse_runs
from stylecli.training.losses.loss_network import LossNetwork, best_at_hand, load_loss_network
from stylecli.training.losses.names import LossName

RECORDED: LossName = "vgg19"  # the only judge for cards, so that the numbers of styles are comparable


def choose_judge(
    name: JudgeName,
    layers: Iterable[str],
    *,
    file: Path | None = None,
    notice: Notice = lambda _: None,
) -> LossNetwork:
    """Open the judge; `notice` is told which one it is, and how to get VGG-19.

    "auto" takes VGG-19 when its weights are in `file` or were downloaded before, and never downloads.

    Raises:
        UsageError, MediaError: as `load_loss_network`.
    """
    chosen = best_at_hand(file) if name == "auto" else name
    loss_network = load_loss_network(chosen, layers, file=file)
    notice(f"judged by {describe_judge(loss_network)}")
    if chosen == "distilled":
        notice('its numbers compare with each other, not with those of VGG-19: `judge="vgg19"` downloads that (550 MB)')
    return loss_network


def describe_judge(loss_network: LossNetwork) -> str:
    """Return the judge's name and the first digits of its sha256."""
    return f"{loss_network.name} {loss_network.sha256[:12]}"


def refuse_unrecordable(judge: LossNetwork, subjects: Sequence[Subject]) -> None:
    """Raise UsageError if cards do not take numbers of this judge, or a subject has no card."""
    if judge.name != RECORDED:
        raise UsageError(
            f"`record`: cards hold the numbers of {RECORDED}, not of {judge.name}",
            hint='Use `judge="vgg19"`, or give its weights as `loss_weights`.',
        )
    refuse_runs(subjects)
