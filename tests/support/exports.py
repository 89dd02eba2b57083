"""Exports made once: an export to ONNX takes seconds, and its result depends on the layers and weights alone."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from stylecli.training.export import onnx_export
from stylecli.training.networks.style_network import StyleNetwork

_models: dict[str, bytes] = {}


@pytest.fixture(autouse=True, scope="session")
def _exported_once() -> Iterator[None]:
    """Export a network once a process, for fixtures of modules too; the parity gate still sees every model."""
    export = onnx_export.export_unchecked

    def export_once(network: StyleNetwork, *, size: tuple[int, int] | None = None) -> bytes:
        key = f"{_fingerprint(network)} {size}"
        if key not in _models:
            _models[key] = export(network, size=size)
        return _models[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onnx_export, "export_unchecked", export_once)
        patch.setattr(torch.onnx, "export", _untraced_export)
        yield


_export = torch.onnx.export


def _untraced_export(*arguments: Any, **options: Any) -> Any:
    """Export while coverage rests: it looks at every line of the exporter's Python, which doubles the time."""
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        return _export(*arguments, **options)
    finally:
        sys.settrace(tracer)


def _fingerprint(network: StyleNetwork) -> str:
    """Hash everything that an export reads: the layers, every tensor."""
    fingerprint = hashlib.sha256(str(network).encode())
    for name, tensor in network.state_dict().items():
        fingerprint.update(f"{name} {tensor.dtype} {tensor.shape}".encode())
        fingerprint.update(tensor.cpu().contiguous().numpy().tobytes())
    return fingerprint.hexdigest()
