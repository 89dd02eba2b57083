"""Score a style that was just learned, on photos that ship with stylecli and are not used in training."""

from __future__ import annotations

from pathlib import Path

from stylecli.evaluation.quality.assessment import assess
from stylecli.evaluation.quality.candidates import Candidate
from stylecli.evaluation.quality.options import JudgeOptions
from stylecli.packs.pack import StylePack, record_measurement
from stylecli.photos import JUDGING_PHOTOS

TOPIC = "learned"  # of the card


def judge_learned(pack: StylePack, painting: Path) -> dict[str, float]:
    """Measure content and style distance by the distilled loss network, and write them into the card.

    These numbers compare with each other, not with those of VGG-19 under `quality`. Raises as `assess`.
    """
    photos = sorted(JUDGING_PHOTOS.glob("*.jpg"))
    evaluation = assess([Candidate(pack.name, pack.folder, pack)], photos, JudgeOptions(painting, judge="distilled"))
    quality = evaluation.assessments[0].quality.as_record()
    scores = {key: float(quality[key]) for key in ("content", "style")}
    record_measurement(pack, TOPIC, {**scores, "loss_network": evaluation.judge.loss_network.name})
    return scores
