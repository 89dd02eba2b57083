"""Commands that need an extra say so, with the line that installs it."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from typing import Any, TypeVar

from stylecli.core.errors import UsageError

Command = TypeVar("Command", bound=Callable[..., Any])

MARKS = {
    "train": (
        *("torch", "torchvision", "torch_pruning", "safetensors"),
        *("tomli_w", "onnxscript", "onnxslim", "matplotlib", "jinja2"),
    ),
    "web": ("starlette", "uvicorn"),
}


def needs_extra(extra: str) -> Callable[[Command], Command]:
    """Refuse a command while a package of its extra is missing; nothing is imported to find that out."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def checked(*args: Any, **kwargs: Any) -> Any:
            if missing := [name for name in MARKS[extra] if importlib.util.find_spec(name) is None]:
                raise UsageError(
                    f"{', '.join(missing)} missing: this command needs the extra `{extra}`",
                    hint=f'Install it: pip install "stylecli[{extra}]".',
                )
            return command(*args, **kwargs)

        return checked  # type: ignore[return-value]  # the same signature, by functools.wraps

    return decorate
