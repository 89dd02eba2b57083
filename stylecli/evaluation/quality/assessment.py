"""Judge styles and runs on photos. Each photo is read once and painted by all; broken ones are skipped."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.core.progress import Notice, Progress, Step, ignore
from stylecli.evaluation.quality.classification import Classifier, Sighting, agreement_of
from stylecli.evaluation.quality.equivalence import Equivalence, loss_of_recipe, measure_equivalence
from stylecli.evaluation.quality.judges import choose_judge, refuse_unrecordable
from stylecli.evaluation.quality.labels import read_labels
from stylecli.evaluation.quality.measures import (
    Painted,
    Quality,
    Scores,
    mean_quality,
    open_painting,
    open_photo,
    paint_and_measure,
    scores_of_photo,
)
from stylecli.evaluation.quality.metrics.noise import with_noise
from stylecli.evaluation.quality.metrics.registry import METRICS, Metric
from stylecli.evaluation.quality.metrics.specimen import JUDGE_LAYERS, Painting, Stylizer
from stylecli.evaluation.quality.options import NOISE_SIGMA, JudgedBy
from stylecli.evaluation.quality.subjects import Subject, find_painting
from stylecli.evaluation.selection import spread
from stylecli.inference.engine import Device
from stylecli.media.pixels import quantize, to_unit
from stylecli.packs.pack import record_measurement, topic_of
from stylecli.training.gatys.options import Optimization
from stylecli.training.losses.loss_network import LossNetwork

EXHIBITS = 6  # photos whose pictures are kept for the report
TOPIC = "quality"  # of the card


@dataclass(frozen=True, eq=False)
class Candidate:
    """A network that is judged. painting: None if unknown; loss: the loss that the optimisation minimises in a race."""

    name: str
    stylizer: Stylizer
    painting: Path | None = None
    loss: Optimization = field(default_factory=Optimization)


@dataclass(frozen=True, eq=False)
class Judge:
    """How networks are judged. noise_sigma: in levels of 255. equivalent: optimiser steps of the race; 0: no race."""

    loss_network: LossNetwork
    classifier: Classifier | None = None
    noise_sigma: float = NOISE_SIGMA
    equivalent: int = 0
    metrics: Sequence[Metric] = METRICS


@dataclass(frozen=True, eq=False)
class Exhibit:
    """A photo and its noisy copy, and what each candidate painted of them; all (H, W, 3) uint8."""

    name: str
    pixels: NDArray[np.uint8]
    noisy: NDArray[np.uint8]
    painted: tuple[Painted, ...]


@dataclass(frozen=True, eq=False)
class Assessment:
    """The measurements of one candidate on each photo, in the order of `Evaluation.photos`."""

    name: str
    scores: tuple[Scores, ...]
    quality: Quality
    sightings: tuple[Sighting, ...] = ()
    equivalence: Equivalence | None = None

    def as_record(self) -> dict[str, Any]:
        """Return a row for tables, JSON and CSV, with rounded numbers, without what was not measured."""
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
    """All candidates. photo_scores: scores of the unpainted photos. failures: photos that could not be read."""

    judge: Judge
    photos: tuple[str, ...]
    photo_scores: Quality
    assessments: tuple[Assessment, ...]
    exhibits: tuple[Exhibit, ...]
    failures: tuple[MediaError, ...]

    def as_records(self) -> list[dict[str, Any]]:
        """Return a record for each candidate, with the name and sha256 of the judge."""
        by = {"judge": self.judge.loss_network.name, "judge_sha256": self.judge.loss_network.sha256}
        return [{"name": one.name, **one.as_record(), **by} for one in self.assessments]


@dataclass(frozen=True, eq=False)
class _Trial:
    """The scores of one photo itself, and for each candidate the scores and the classes seen."""

    path: Path
    name: str
    own: Scores
    scores: tuple[Scores, ...]
    sightings: tuple[Sighting, ...]


def assess(
    subjects: Sequence[Subject],
    photos: Sequence[Path],
    judged_by: JudgedBy,
    *,
    device: Device = "auto",
    is_recorded: bool = False,
    progress: Progress = ignore,
    notice: Notice = lambda _: None,
    on_failure: Callable[[MediaError], None] = lambda _: None,
) -> Evaluation:
    """Open styles, runs and the judge, and measure.

    is_recorded: whether `record_quality` will follow; then subjects and judges that no card takes are refused first.

    Raises:
        UsageError: choices that do not go together.
        MediaError: a painting cannot be read, or none of the photos.
        DeviceError: the device does not work.
    """
    judged_by.check()
    with ExitStack() as stack:
        candidates = _candidates(subjects, stack, device, judged_by.painting, notice)
        judge = _open_judge(candidates, judged_by, notice)
        if is_recorded:
            refuse_unrecordable(judge.loss_network, subjects)
        return evaluate(candidates, photos, judge, progress=progress, on_failure=on_failure)


def record_quality(evaluation: Evaluation, subjects: Sequence[Subject]) -> None:
    """Write the numbers into the cards of styles, with the name of the judge."""
    loss_network = evaluation.judge.loss_network
    by = {"loss_network": loss_network.name, "loss_network_sha256": loss_network.sha256}
    for subject, assessment in zip(subjects, evaluation.assessments, strict=True):
        if subject.pack:
            numbers = {**assessment.quality.as_record(), **by}
            record_measurement(subject.pack, topic_of(subject.pack, TOPIC), numbers)


def evaluate(
    candidates: Sequence[Candidate],
    photos: Sequence[Path],
    judge: Judge,
    *,
    progress: Progress = ignore,
    on_failure: Callable[[MediaError], None] = lambda _: None,
) -> Evaluation:
    """Judge all candidates on all photos; `on_failure` is called for each photo that cannot be read.

    Raises:
        MediaError: a painting cannot be read, or none of the photos.
    """
    files = {candidate.painting for candidate in candidates if candidate.painting}
    paintings = {file: open_painting(file, judge.loss_network) for file in files}
    shown = spread(len(photos), EXHIBITS)
    trials: list[_Trial] = []
    exhibits: list[Exhibit] = []
    failures: list[MediaError] = []
    for number, path in enumerate(photos):
        progress(Step(number, len(photos), "photos", path.name))
        try:
            trial, exhibit = _try(candidates, path, judge, paintings)
        except MediaError as error:
            if len(photos) == 1:
                raise
            failures.append(error)
            on_failure(error)
            continue
        trials.append(trial)
        if number in shown:  # the pictures of all photos would fill the memory
            exhibits.append(exhibit)
    progress(Step(len(photos), len(photos), "photos"))
    if not trials:
        raise MediaError(f"none of the {len(photos)} photos can be read", hint="Give others.")
    assessments = [_assessment(candidate, place, trials, judge, progress) for place, candidate in enumerate(candidates)]
    names = tuple(trial.name for trial in trials)
    own = mean_quality([trial.own for trial in trials], names, noise_sigma=judge.noise_sigma)
    return Evaluation(judge, names, own, tuple(assessments), tuple(exhibits), tuple(failures))


def _try(
    candidates: Sequence[Candidate], path: Path, judge: Judge, paintings: Mapping[Path, Painting]
) -> tuple[_Trial, Exhibit]:
    photo = open_photo(path, judge.loss_network)
    painted = tuple(
        paint_and_measure(
            candidate.stylizer,
            photo,
            loss_network=judge.loss_network,
            painting=paintings[candidate.painting] if candidate.painting else None,
            noise_sigma=judge.noise_sigma,
            metrics=judge.metrics,
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
    own = scores_of_photo(photo, loss_network=judge.loss_network, metrics=judge.metrics)
    return _Trial(path, photo.name, own, scores, sightings), exhibit


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


def _candidates(
    subjects: Sequence[Subject], stack: ExitStack, device: Device, painting: Path | None, notice: Notice
) -> list[Candidate]:
    """Open the networks of the subjects, and find the painting of each where it is known."""
    if painting is None:
        notice("no `painting`: no style distance is measured")
    candidates = []
    for subject in subjects:
        found = find_painting(subject, painting) if painting else None
        if painting and found is None:
            notice(f"{subject.name}: its painting is not in {painting}, no style distance is measured")
        stylizer = stack.enter_context(subject.open(device))
        candidates.append(Candidate(subject.name, stylizer, found, loss_of_recipe(subject.recipe)))
    return candidates


def _open_judge(candidates: Sequence[Candidate], judged_by: JudgedBy, notice: Notice) -> Judge:
    raced = [layer for candidate in candidates for layer in candidate.loss.layers] if judged_by.equivalent else []
    layers = {*JUDGE_LAYERS, *raced}
    loss_network = choose_judge(judged_by.judge, layers, file=judged_by.loss_weights, notice=notice)
    classifier = None
    if judged_by.classifier:
        labels = read_labels(judged_by.labels) if judged_by.labels else None
        classifier = Classifier(judged_by.classifier, input_range=judged_by.input_range, labels=labels)
    return Judge(loss_network, classifier, judged_by.noise, judged_by.equivalent)
