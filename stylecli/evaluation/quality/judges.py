"""The judge: the loss network that measures quality, VGG-19 or else the distilled one, and what else is asked of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stylecli.core.errors import UsageError
from stylecli.core.progress import Notice
from stylecli.evaluation.quality.candidates import Candidate, refuse_runs
from stylecli.evaluation.quality.classification import Classifier
from stylecli.evaluation.quality.labels import read_labels
from stylecli.evaluation.quality.metrics.registry import METRICS, Metric
from stylecli.evaluation.quality.metrics.stylized_photo import JUDGE_LAYERS
from stylecli.evaluation.quality.options import NOISE_SIGMA, JudgeName, JudgeOptions
from stylecli.training.losses.loss_network import LossNetwork, best_at_hand, load_loss_network
from stylecli.training.losses.names import LossName

RECORDED: LossName = "vgg19"  # the only judge for cards, so that the numbers of styles are comparable


@dataclass(frozen=True, eq=False)
class Judge:
    """How networks are judged. noise_sigma: in levels of 255. equivalent: optimiser steps of the race; 0: no race."""

    loss_network: LossNetwork
    classifier: Classifier | None = None
    noise_sigma: float = NOISE_SIGMA
    equivalent: int = 0
    metrics: Sequence[Metric] = METRICS


def open_judge(options: JudgeOptions, raced: Iterable[str], *, notice: Notice = lambda _: None) -> Judge:
    """Open the loss network, with the layers `raced` too if there is a race, and the classifier.

    Raises:
        UsageError, MediaError: as `load_loss_network` and `Classifier`.
    """
    layers = {*JUDGE_LAYERS, *(raced if options.equivalent else ())}
    loss_network = choose_judge(options.judge, layers, file=options.loss_weights, notice=notice)
    classifier = None
    if options.classifier:
        labels = read_labels(options.labels) if options.labels else None
        classifier = Classifier(options.classifier, input_range=options.input_range, labels=labels)
    return Judge(loss_network, classifier, options.noise, options.equivalent)


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


def refuse_unrecordable(judge: LossNetwork, candidates: Sequence[Candidate]) -> None:
    """Raise UsageError if cards do not take numbers of this judge, or a candidate has no card."""
    if judge.name != RECORDED:
        raise UsageError(
            f"`record`: cards hold the numbers of {RECORDED}, not of {judge.name}",
            hint='Use `judge="vgg19"`, or give its weights as `loss_weights`.',
        )
    refuse_runs(candidates)
