"""The options of judging. Importing this loads nothing heavy, since the command line reads it for --help."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from stylecli.core.errors import UsageError

JudgeName = Literal["auto", "vgg19", "distilled"]
InputRange = Literal["signed", "imagenet", "unit"]
NOISE_SIGMA = 25.0  # levels of 255: the noise that papers on denoising show most


@dataclass(frozen=True)
class JudgeOptions:
    """What styles are judged by.

    painting: a picture, or a folder of those that the recipes name; without it there is no style distance.
    judge: "auto" takes VGG-19 if its weights are at hand, "vgg19" downloads them. loss_weights: a local file of them.
    classifier: an ONNX image classifier. labels: names of its classes. input_range: how it wants pictures.
    noise: standard deviation, in levels of 255, of the noise whose rest is measured.
    equivalent: steps that the optimisation of Gatys et al. may take to reach each style; 0: it is not run.
    """

    painting: Path | None = None
    judge: JudgeName = "auto"
    loss_weights: Path | None = None
    classifier: Path | None = None
    labels: Path | None = None
    input_range: InputRange = "signed"
    noise: float = NOISE_SIGMA
    equivalent: int = 0

    def check(self) -> None:
        """Refuse choices that need another one; raises UsageError."""
        if self.labels and not self.classifier:
            raise UsageError("`labels` without `classifier`", hint="Give the classifier whose classes they name.")
        if self.equivalent and not self.painting:
            raise UsageError("`equivalent` without `painting`", hint="The optimisation needs the painting.")

    @property
    def chosen(self) -> list[str]:
        """The names of the fields that differ from their defaults."""
        return [field.name for field in fields(self) if getattr(self, field.name) != field.default]
