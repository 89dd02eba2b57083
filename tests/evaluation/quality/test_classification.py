"""A classifier, asked about photos and what became of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stylecli.core.errors import MediaError, UsageError
from stylecli.evaluation.quality.classification import Agreement, Classifier, PredictedClasses, agreement_of
from stylecli.evaluation.quality.labels import read_labels
from tests.support.evaluations import write_classifier

GREENISH = np.full((40, 60, 3), (30, 200, 90), np.uint8)  # green, then blue, then red


def test_the_best_class_comes_first(color_classifier: Path, labels_file: Path) -> None:
    classifier = Classifier(color_classifier, labels=read_labels(labels_file))
    assert [classifier.class_name(number) for number in classifier.best_classes(GREENISH)] == ["green", "blue", "red"]
    assert classifier.classes_named("crimson.png") == {0}


def test_without_labels_classes_are_numbers(color_classifier: Path) -> None:
    classifier = Classifier(color_classifier)
    assert classifier.class_name(2) == "class 2"
    assert classifier.classes_named("red.png") == frozenset()


@pytest.mark.parametrize("shape", [["n", 3, 32, 32], [1, 3, 20, 50], ["n", "c", "h", "w"]])
def test_any_size_of_input_is_served(tmp_path: Path, shape: list[int | str]) -> None:
    assert Classifier(write_classifier(tmp_path / "any.onnx", shape)).best_classes(GREENISH) == (1, 2, 0)


def test_only_the_centre_is_seen(color_classifier: Path) -> None:
    framed = np.full((256, 256, 3), (0, 255, 0), np.uint8)
    framed[16:-16, 16:-16] = (0, 0, 255)  # the middle 224 of 256
    # With a margin of a pixel for the filter of the resampling.
    framed[15, :], framed[-16, :], framed[:, 15], framed[:, -16] = 0, 0, 0, 0
    assert Classifier(color_classifier).best_classes(framed)[0] == 2


@pytest.mark.parametrize(("input_range", "low", "high"), [("unit", 0, 1), ("signed", -1, 1)])
def test_pictures_have_the_range_that_is_asked_for(
    color_classifier: Path, input_range: str, low: float, high: float
) -> None:
    classifier = Classifier(color_classifier, input_range=input_range)  # type: ignore[arg-type]
    scores = classifier._scores(np.tile(np.array([0, 1, 0.5], np.float32), (8, 8, 1)))
    assert scores.tolist() == pytest.approx([low, high, (low + high) / 2])


def test_agreement_and_accuracy_are_counted() -> None:
    predictions = [
        PredictedClasses(photo=(7, 1, 2, 3, 4), painted=(7, 2, 3, 4, 5), named=frozenset({7})),  # all right
        PredictedClasses(
            photo=(7, 1, 2, 3, 4), painted=(1, 7, 3, 4, 5), named=frozenset({1, 9})
        ),  # the photo was wrong
        PredictedClasses(photo=(7, 1, 2, 3, 4), painted=(1, 2, 3, 4, 5), named=frozenset()),  # all lost, and not named
        PredictedClasses(photo=(7, 1, 2, 3, 4), painted=(2, 7, 3, 4, 5), named=frozenset({6})),
    ]
    assert agreement_of(predictions) == Agreement(
        top1_agreement=1 / 4,
        top5_agreement=3 / 4,
        top1_accuracy=2 / 3,
        top5_accuracy=2 / 3,
        photo_top1_accuracy=1 / 3,
        photo_top5_accuracy=2 / 3,
        named_photos=3,
    )


def test_without_names_there_is_no_accuracy() -> None:
    counted = agreement_of([PredictedClasses((0, 1), (0, 1), frozenset())])
    assert counted.top1_agreement == 1
    assert counted.top1_accuracy is None
    assert counted.named_photos == 0


@pytest.mark.parametrize("content", [b"", b"no model"])
def test_a_damaged_classifier_is_a_media_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.onnx").write_bytes(content)
    with pytest.raises(MediaError, match=r"broken\.onnx"):
        Classifier(tmp_path / "broken.onnx")


def test_a_classifier_that_is_not_there_is_a_media_error(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="No such file"):
        Classifier(tmp_path / "nowhere.onnx")


def test_another_kind_of_model_is_refused(tiny_style: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="grey"):
        Classifier(write_classifier(tmp_path / "grey.onnx", ["n", 1, 28, 28]))
    with pytest.raises(UsageError, match="does not run"):
        Classifier(write_classifier(tmp_path / "four.onnx", [4, 3, 32, 32]))


def test_labels_of_another_classifier_are_refused(color_classifier: Path, tmp_path: Path) -> None:
    (tmp_path / "two.txt").write_text("cat\ndog\n")
    with pytest.raises(UsageError, match="2 names for the 3 classes"):
        Classifier(color_classifier, labels=read_labels(tmp_path / "two.txt"))
