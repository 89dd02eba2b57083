"""The packages of each extra, and whether they are installed."""

from __future__ import annotations

import importlib.util

MARKS = {
    "train": (
        *("torch", "torchvision", "torch_pruning", "safetensors"),
        *("tomli_w", "onnxscript", "onnxslim", "matplotlib", "jinja2"),
    ),
    "web": ("starlette", "uvicorn"),
}


def missing_packages(extra: str) -> list[str]:
    """Return the packages of an extra that are not installed, without importing any."""
    return [name for name in MARKS[extra] if importlib.util.find_spec(name) is None]
