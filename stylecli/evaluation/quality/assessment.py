"""Judge styles and runs on photos. Each photo is read once and painted by all; broken ones are skipped."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.core.progress import Notice, Progress, Step, ignore
from stylecli.evaluation.quality.candidates import Candidate, OpenCandidate, open_candidates
from stylecli.evaluation.quality.classification import PredictedClasses, agreement_of
from stylecli.evaluation.quality.equivalence import Equivalence, measure_equivalence
from stylecli.evaluation.quality.judges import Judge, open_judge, refuse_unrecordable
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
from stylecli.evaluation.quality.metrics.stylized_photo import Painting
from stylecli.evaluation.quality.options import JudgeOptions
from stylecli.evaluation.selection import spread
from stylecli.inference.engine import Device
from stylecli.media.pixels import quantize, to_unit
from stylecli.packs.pack import record_measurement, topic_of

SHOWN = 6  # photos whose pictures are kept for the report
NO_PIXELS = np.empty((0, 0, 3), np.uint8)
TOPIC = "quality"  # of the card


@dataclass(frozen=True, eq=False)
class JudgedPhoto:
    """A photo and its noisy copy, (H, W, 3) uint8; what each candidate painted of them, and the classes seen in that.

    own: the scores of the photo itself.
    """

    path: Path
    name: str
    pixels: NDArray[np.uint8]
    noisy: NDArray[np.uint8]
    own: Scores
    painted: tuple[Painted, ...]
    predictions: tuple[PredictedClasses, ...]

    def without_pictures(self) -> JudgedPhoto:
        """Drop all pixels: the pictures of many photos would fill the memory."""
        painted = tuple(replace(one, pixels=NO_PIXELS, noisy=NO_PIXELS) for one in self.painted)
        return replace(self, pixels=NO_PIXELS, noisy=NO_PIXELS, painted=painted)


@dataclass(frozen=True, eq=False)
class Assessment:
    """The measurements of one candidate on each photo, in the order of `Evaluation.photos`."""

    name: str
    scores: tuple[Scores, ...]
    quality: Quality
    predictions: tuple[PredictedClasses, ...] = ()
    equivalence: Equivalence | None = None

    def as_record(self) -> dict[str, Any]:
        """Return a row for tables, JSON and CSV, with rounded numbers, without what was not measured."""
        record = self.quality.as_record()
        photos = record.pop("photos")
        if self.predictions:
            shares = dataclasses.asdict(agreement_of(self.predictions))
            record |= {key: round(value, 3) if isinstance(value, float) else value for key, value in shares.items()}
        if self.equivalence:
            record |= self.equivalence.as_record()
        return {**record, "photos": photos}


@dataclass(frozen=True, eq=False)
class Evaluation:
    """All candidates.

    photos: the names of those that were judged. photo_scores: their own scores, unpainted. shown: some of them, with
    their pictures. failures: those that could not be read.
    """

    judge: Judge
    photos: tuple[str, ...]
    photo_scores: Quality
    assessments: tuple[Assessment, ...]
    shown: tuple[JudgedPhoto, ...]
    failures: tuple[MediaError, ...]

    def as_records(self) -> list[dict[str, Any]]:
        """Return a record for each candidate, with the name and sha256 of the judge."""
        by = {"judge": self.judge.loss_network.name, "judge_sha256": self.judge.loss_network.sha256}
        return [{"name": one.name, **one.as_record(), **by} for one in self.assessments]


def assess(
    candidates: Sequence[Candidate],
    photos: Sequence[Path],
    options: JudgeOptions,
    *,
    device: Device = "auto",
    is_recorded: bool = False,
    progress: Progress = ignore,
    notice: Notice = lambda _: None,
    on_failure: Callable[[MediaError], None] = lambda _: None,
) -> Evaluation:
    """Open styles, runs and the judge, and measure.

    is_recorded: whether `record_quality` will follow; then candidates and judges that no card takes are refused first.

    Raises:
        UsageError: choices that do not go together.
        MediaError: a painting cannot be read, or none of the photos.
        DeviceError: the device does not work.
    """
    options.check()
    with ExitStack() as stack:
        opened = open_candidates(candidates, stack, device, painting=options.painting, notice=notice)
        judge = open_judge(options, [layer for one in opened for layer in one.loss.layers], notice=notice)
        if is_recorded:
            refuse_unrecordable(judge.loss_network, candidates)
        return evaluate(opened, photos, judge, progress=progress, on_failure=on_failure)


def record_quality(evaluation: Evaluation, candidates: Sequence[Candidate]) -> None:
    """Write the numbers into the cards of styles, with the name of the judge."""
    loss_network = evaluation.judge.loss_network
    by = {"loss_network": loss_network.name, "loss_network_sha256": loss_network.sha256}
    for candidate, assessment in zip(candidates, evaluation.assessments, strict=True):
        if candidate.pack:
            numbers = {**assessment.quality.as_record(), **by}
            record_measurement(candidate.pack, topic_of(candidate.pack, TOPIC), numbers)


def evaluate(
    candidates: Sequence[OpenCandidate],
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
    shown = spread(len(photos), SHOWN)
    judged: list[JudgedPhoto] = []
    failures: list[MediaError] = []
    for number, path in enumerate(photos):
        progress(Step(number, len(photos), "photos", path.name))
        try:
            photo = _judged(path, candidates, paintings, judge)
        except MediaError as error:
            if len(photos) == 1:
                raise
            failures.append(error)
            on_failure(error)
            continue
        judged.append(photo if number in shown else photo.without_pictures())
    progress(Step(len(photos), len(photos), "photos"))
    if not judged:
        raise MediaError(f"none of the {len(photos)} photos can be read", hint="Give others.")
    names = tuple(photo.name for photo in judged)
    return Evaluation(
        judge,
        names,
        mean_quality([photo.own for photo in judged], names, noise_sigma=judge.noise_sigma),
        tuple(_assessment(candidate, place, judged, judge, progress) for place, candidate in enumerate(candidates)),
        tuple(photo for photo in judged if photo.pixels.size),
        tuple(failures),
    )


def _judged(
    path: Path, candidates: Sequence[OpenCandidate], paintings: Mapping[Path, Painting], judge: Judge
) -> JudgedPhoto:
    """Read a photo, let every candidate paint it, and measure the results."""
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
    predictions: tuple[PredictedClasses, ...] = ()
    if classifier := judge.classifier:
        seen, named = classifier.best_classes(photo.pixels), classifier.classes_named(photo.name)
        predictions = tuple(PredictedClasses(seen, classifier.best_classes(one.pixels), named) for one in painted)
    noisy = quantize(with_noise(to_unit(photo.pixels), judge.noise_sigma / 255), np.uint8)
    own = scores_of_photo(photo, loss_network=judge.loss_network, metrics=judge.metrics)
    return JudgedPhoto(path, photo.name, photo.pixels, noisy, own, painted, predictions)


def _assessment(
    candidate: OpenCandidate, place: int, photos: Sequence[JudgedPhoto], judge: Judge, progress: Progress
) -> Assessment:
    scores = tuple(photo.painted[place].scores for photo in photos)
    quality = mean_quality(scores, [photo.name for photo in photos], noise_sigma=judge.noise_sigma)
    predictions = tuple(photo.predictions[place] for photo in photos) if judge.classifier else ()
    equivalence = None
    if judge.equivalent and candidate.painting:
        equivalence = measure_equivalence(
            candidate.stylizer,
            [photo.path for photo in photos],
            candidate.painting,
            loss_network=judge.loss_network,
            settings=candidate.loss,
            limit=judge.equivalent,
            progress=progress,
        )
    return Assessment(candidate.name, scores, quality, predictions, equivalence)
