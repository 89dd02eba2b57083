"""Styles and runs judged on photos: every photo is read once and painted by all; one that is broken stops nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from stylecli.core.errors import MediaError
from stylecli.core.progress import Progress, Step, ignore
from stylecli.evaluation.quality.classification import Classifier, Sighting, agreement_of
from stylecli.evaluation.quality.equivalence import Equivalence, measure_equivalence
from stylecli.evaluation.quality.measures import (
    NOISE_SIGMA,
    Painted,
    Quality,
    Scores,
    Stylizer,
    mean_quality,
    open_photo,
    paint_and_measure,
    scores_of_photo,
    style_targets,
)
from stylecli.evaluation.quality.metrics import with_noise
from stylecli.evaluation.selection import spread
from stylecli.media.pixels import quantize, to_unit
from stylecli.training.losses.loss_network import LossNetwork
from stylecli.training.optimization import Optimization

EXHIBITS = 6  # photos whose pictures are kept for the report


@dataclass(frozen=True, eq=False)
class Candidate:
    """One that is judged. `painting` is None when not known; `loss` is what an optimisation races it by."""

    name: str
    stylizer: Stylizer
    painting: Path | None = None
    loss: Optimization = field(default_factory=Optimization)


@dataclass(frozen=True, eq=False)
class Judge:
    """By what: a loss network, if wanted a classifier, noise (levels of 255), and up to so many optimiser steps."""

    loss_network: LossNetwork
    classifier: Classifier | None = None
    noise_sigma: float = NOISE_SIGMA
    equivalent: int = 0


@dataclass(frozen=True, eq=False)
class Exhibit:
    """A photo and its noisy copy, with what each candidate made of the two; all (H, W, 3) uint8."""

    name: str
    pixels: NDArray[np.uint8]
    noisy: NDArray[np.uint8]
    painted: tuple[Painted, ...]


@dataclass(frozen=True, eq=False)
class Assessment:
    """One candidate: what was measured on each photo, in the order of `Evaluation.photos`."""

    name: str
    scores: tuple[Scores, ...]
    quality: Quality
    sightings: tuple[Sighting, ...] = ()
    equivalence: Equivalence | None = None

    def as_record(self) -> dict[str, Any]:
        """For tables, JSON and CSV: rounded; without what was not asked for."""
        record = self.quality.as_record()
        photos = record.pop("photos")
        if self.sightings:
            shares = dataclasses.asdict(agreement_of(self.sightings))
            record |= {key: round(value, 3) if isinstance(value, float) else value for key, value in shares.items()}
        if self.equivalence:
            record |= self.equivalence.as_record()
        return {**record, "photos": photos}


@dataclass(frozen=True, eq=False)
class Evaluation:
    """All candidates. `photo_scores` is what the photos themselves would get; `failures` tell of those not read."""

    judge: Judge
    photos: tuple[str, ...]
    photo_scores: Quality
    assessments: tuple[Assessment, ...]
    exhibits: tuple[Exhibit, ...]
    failures: tuple[MediaError, ...]

    def as_records(self) -> list[dict[str, Any]]:
        """One for each candidate, with who judged."""
        by = {"judge": self.judge.loss_network.name, "judge_sha256": self.judge.loss_network.sha256}
        return [{"name": one.name, **one.as_record(), **by} for one in self.assessments]


@dataclass(frozen=True, eq=False)
class _Trial:
    """One photo: its own scores, and for each candidate the scores and what the classifier sees."""

    path: Path
    name: str
    own: Scores
    scores: tuple[Scores, ...]
    sightings: tuple[Sighting, ...]


def evaluate(
    candidates: Sequence[Candidate],
    photos: Sequence[Path],
    judge: Judge,
    *,
    progress: Progress = ignore,
    report: Callable[[MediaError], None] = lambda _: None,
) -> Evaluation:
    """Judge all candidates on all photos; `report` hears at once of one among many that cannot be read.

    Raises:
        MediaError: a painting cannot be read, or none of the photos.
    """
    paintings = {candidate.painting for candidate in candidates if candidate.painting}
    targets = {painting: style_targets(painting, judge.loss_network) for painting in paintings}
    shown = spread(len(photos), EXHIBITS)
    trials: list[_Trial] = []
    exhibits: list[Exhibit] = []
    failures: list[MediaError] = []
    for number, path in enumerate(photos):
        progress(Step(number, len(photos), "photos", path.name))
        try:
            trial, exhibit = _try(candidates, path, judge, targets)
        except MediaError as err:
            if len(photos) == 1:
                raise
            failures.append(err)
            report(err)
            continue
        trials.append(trial)
        if number in shown:  # the pictures of all photos would fill the memory
            exhibits.append(exhibit)
    progress(Step(len(photos), len(photos), "photos"))
    if not trials:
        raise MediaError(f"none of the {len(photos)} photos can be read", hint="Give others with --photos.")
    assessments = [_assessment(candidate, place, trials, judge, progress) for place, candidate in enumerate(candidates)]
    names = tuple(trial.name for trial in trials)
    own = mean_quality([trial.own for trial in trials], names, noise_sigma=judge.noise_sigma)
    return Evaluation(judge, names, own, tuple(assessments), tuple(exhibits), tuple(failures))


def _try(
    candidates: Sequence[Candidate], path: Path, judge: Judge, targets: Mapping[Path, Mapping[str, Tensor]]
) -> tuple[_Trial, Exhibit]:
    photo = open_photo(path, judge.loss_network)
    painted = tuple(
        paint_and_measure(
            candidate.stylizer,
            photo,
            loss_network=judge.loss_network,
            targets=targets[candidate.painting] if candidate.painting else None,
            noise_sigma=judge.noise_sigma,
        )
        for candidate in candidates
    )
    sightings: tuple[Sighting, ...] = ()
    if classifier := judge.classifier:
        seen, named = classifier.best_classes(photo.pixels), classifier.classes_named(photo.name)
        sightings = tuple(Sighting(seen, classifier.best_classes(one.pixels), named) for one in painted)
    noisy = quantize(with_noise(to_unit(photo.pixels), judge.noise_sigma / 255), np.uint8)
    exhibit = Exhibit(photo.name, photo.pixels, noisy, painted)
    scores = tuple(one.scores for one in painted)
    return _Trial(path, photo.name, scores_of_photo(photo), scores, sightings), exhibit


def _assessment(
    candidate: Candidate, place: int, trials: Sequence[_Trial], judge: Judge, progress: Progress
) -> Assessment:
    scores = tuple(trial.scores[place] for trial in trials)
    quality = mean_quality(scores, [trial.name for trial in trials], noise_sigma=judge.noise_sigma)
    sightings = tuple(trial.sightings[place] for trial in trials) if judge.classifier else ()
    equivalence = None
    if judge.equivalent and candidate.painting:
        equivalence = measure_equivalence(
            candidate.stylizer,
            [trial.path for trial in trials],
            candidate.painting,
            loss_network=judge.loss_network,
            settings=candidate.loss,
            limit=judge.equivalent,
            progress=progress,
        )
    return Assessment(candidate.name, scores, quality, sightings, equivalence)
