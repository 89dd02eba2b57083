"""Blends by weights in a browser, as `stylecli.packs.blend` makes them: which styles, and where their weights lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from stylecli.packs.blend import are_related

Spans = Sequence[tuple[int, int]]  # (offset in bytes, number of float32) of each tensor of weights in a model file


def related_styles(models: Mapping[str, bytes], written: Mapping[str, bytes]) -> dict[str, list[str]]:
    """Name -> the styles whose weights are interpolated in a blend with it; of all others the pictures are mixed.

    models: the networks by style, as their packs have them. written: as the site has them. These must have all weights
    at the same places, so that a browser need not know the format of the file.
    """
    import onnx

    parsed = {name: onnx.load_model_from_string(content) for name, content in models.items()}
    spans = {name: weight_spans(content) for name, content in written.items()}
    found: dict[str, list[str]] = {name: [] for name in models}
    for one, other in combinations(models, 2):
        if spans[one] == spans[other] and are_related([parsed[one], parsed[other]]):
            found[one].append(other)
            found[other].append(one)
    return found


def weight_spans(content: bytes) -> Spans:
    """Find the weights in a model file that onnx has written."""
    import onnx

    spans = []
    for tensor in onnx.load_model_from_string(content).graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            stored = tensor.SerializeToString()  # its name makes it unique, and its values are the last field
            end = content.index(stored) + len(stored)
            spans.append((end - len(tensor.raw_data), len(tensor.raw_data) // 4))
    return spans
