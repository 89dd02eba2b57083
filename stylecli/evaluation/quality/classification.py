"""Whether an ONNX image classifier sees the same class in the stylized picture as in the photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import MediaError, UsageError
from stylecli.evaluation.quality.labels import Labels
from stylecli.evaluation.quality.options import InputRange, JudgeOptions
from stylecli.inference.sessions import open_cpu_session
from stylecli.media.pixels import to_unit
from stylecli.media.resizing import resize
from stylecli.packs.card import sha256_of

# (mean, deviation) of RGB in 0..1: what a classifier wants is (x - mean) / deviation.
INPUT_RANGES: dict[InputRange, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "signed": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "unit": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
}
USUAL_SIDE = 224  # pixels: taken where the model leaves its input's size open
MARGIN = 256 / 224  # the picture is made so much larger than the input, then its centre is cut out
BEST = 5  # classes that are looked at


@dataclass(frozen=True)
class PredictedClasses:
    """The classes seen in a photo and in its stylized picture, best first, and those that the photo's name means."""

    photo: tuple[int, ...]
    painted: tuple[int, ...]
    named: frozenset[int]


@dataclass(frozen=True)
class Agreement:
    """Shares of photos, 0..1. Of agreement: all photos; of accuracy: those named by class, None if there are none.

    top1: the best class is the photo's (or the named one). top5: it is among the five best.
    """

    top1_agreement: float
    top5_agreement: float
    top1_accuracy: float | None
    top5_accuracy: float | None
    photo_top1_accuracy: float | None
    photo_top5_accuracy: float | None
    named_photos: int


class Classifier:
    """An ONNX model with one NCHW float input and one output of class scores, on the CPU."""

    def __init__(
        self, path: Path, *, input_range: InputRange = JudgeOptions.input_range, labels: Labels | None = None
    ) -> None:
        """Open a model file; data beside it is read too, as large models need.

        Raises:
            MediaError: the file cannot be read, or is damaged.
            UsageError: it is another kind of model, or the labels are of another one.
        """
        self.name = path.name
        self.input_range = input_range
        self.labels = labels
        self.sha256, self._session = _open_session(path)
        self._input, self._size = _check_input(self._session, path)
        try:
            count = len(self._scores(np.zeros((*self._size, 3), np.float32)))
        except Exception as error:  # onnxruntime's own exceptions derive from Exception alone
            height, width = self._size
            raise UsageError(
                f"{path}: it does not run on a picture of {width} x {height} ({error})",
                hint="Give a classifier that takes a batch of one.",
            ) from error
        if count < 2:
            raise UsageError(f"{path}: its output is not one score for each class", hint="Give an image classifier.")
        if labels and len(labels.names) != count:
            raise UsageError(
                f"`labels`: {len(labels.names)} names for the {count} classes of {path}",
                hint="Give the labels of this classifier, one a line.",
            )

    def best_classes(self, pixels: NDArray[Any]) -> tuple[int, ...]:
        """Return the most likely classes of a picture (H, W, 3), best first, at most five."""
        scores = self._scores(_centre(to_unit(pixels), *self._size))
        return tuple(np.argsort(-scores, kind="stable")[:BEST].tolist())

    def classes_named(self, photo: str) -> frozenset[int]:
        """Return the classes that a photo's file name means; none without labels."""
        return self.labels.classes_in(photo) if self.labels else frozenset()

    def class_name(self, number: int) -> str:
        """Return the name of a class."""
        return self.labels.names[number] if self.labels else f"class {number}"

    def _scores(self, unit: NDArray[np.float32]) -> NDArray[np.float32]:
        mean, deviation = (np.array(value, np.float32) for value in INPUT_RANGES[self.input_range])
        image = np.ascontiguousarray(((unit - mean) / deviation).transpose(2, 0, 1)[None])  # (1, 3, H, W)
        (scores,) = self._session.run(None, {self._input: image})
        flat: NDArray[np.float32] = np.asarray(scores, np.float32).reshape(-1)
        return flat


def agreement_of(predictions: Sequence[PredictedClasses]) -> Agreement:
    """Count, over the photos of one style."""
    named = [one for one in predictions if one.named]

    def accuracy(hits: Sequence[bool]) -> float | None:
        return float(np.mean(hits)) if hits else None

    return Agreement(
        top1_agreement=float(np.mean([one.painted[0] == one.photo[0] for one in predictions])),
        top5_agreement=float(np.mean([one.photo[0] in one.painted for one in predictions])),
        top1_accuracy=accuracy([one.painted[0] in one.named for one in named]),
        top5_accuracy=accuracy([not one.named.isdisjoint(one.painted) for one in named]),
        photo_top1_accuracy=accuracy([one.photo[0] in one.named for one in named]),
        photo_top5_accuracy=accuracy([not one.named.isdisjoint(one.photo) for one in named]),
        named_photos=len(named),
    )


def _open_session(path: Path) -> tuple[str, Any]:
    try:
        return sha256_of(path), open_cpu_session(path)
    except OSError as error:
        raise MediaError(f"{path}: {error.strerror}", hint="Give an ONNX file as `classifier`.") from error
    except Exception as error:  # onnxruntime's own exceptions derive from Exception alone
        raise MediaError(f"{path}: onnxruntime cannot open it ({error})", hint="Get the ONNX file again.") from error


def _check_input(session: Any, path: Path) -> tuple[str, tuple[int, int]]:
    """Return the name of the input and its (height, width)."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    shape: list[Any] = inputs[0].shape if inputs else []
    is_picture = len(shape) == 4 and (shape[1] == 3 or not isinstance(shape[1], int))
    if not is_picture or len(inputs) != 1 or len(outputs) != 1 or inputs[0].type != "tensor(float)":
        taken = ", ".join(f"{one.name} {one.type} {one.shape}" for one in inputs)
        raise UsageError(
            f"{path}: it takes {taken} and has {len(outputs)} outputs",
            hint="A classifier here has one float input (1, 3, height, width) and one output of class scores.",
        )
    height, width = (side if isinstance(side, int) else USUAL_SIDE for side in shape[2:])
    return inputs[0].name, (height, width)


def _centre(unit: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Resize a picture to a little more than this size and crop its centre: (height, width, 3)."""
    rows, columns = unit.shape[:2]
    scale = max(height / rows, width / columns) * MARGIN
    scaled = resize(unit, max(height, round(rows * scale)), max(width, round(columns * scale)))
    top, left = (scaled.shape[0] - height) // 2, (scaled.shape[1] - width) // 2
    return scaled[top : top + height, left : left + width]
