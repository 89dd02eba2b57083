"""What comes with an extra of the package, and whether it is installed."""

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
    """The packages of an extra that are not installed; nothing is imported to find that out."""
    return [name for name in MARKS[extra] if importlib.util.find_spec(name) is None]
