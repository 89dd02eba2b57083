"""Exports made once: an export to ONNX takes seconds, and its result depends on the layers and weights alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

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
        yield


def _fingerprint(network: StyleNetwork) -> str:
    """Hash everything that an export reads: the layers, every tensor."""
    fingerprint = hashlib.sha256(str(network).encode())
    for name, tensor in network.state_dict().items():
        fingerprint.update(f"{name} {tensor.dtype} {tensor.shape}".encode())
        fingerprint.update(tensor.cpu().contiguous().numpy().tobytes())
    return fingerprint.hexdigest()
