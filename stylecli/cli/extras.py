"""Check that the extra of a command is installed; if not, print how to install it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from stylecli.core.errors import UsageError
from stylecli.core.extras import missing_packages

Command = TypeVar("Command", bound=Callable[..., Any])


def needs_extra(extra: str) -> Callable[[Command], Command]:
    """Refuse a command while a package of its extra is missing."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def checked(*args: Any, **kwargs: Any) -> Any:
            if missing := missing_packages(extra):
                raise UsageError(
                    f"{', '.join(missing)} missing: this command needs the extra `{extra}`",
                    hint=f'Install it: pip install "stylecli[{extra}]".',
                )
            return command(*args, **kwargs)

        return checked  # type: ignore[return-value]  # the same signature, by functools.wraps

    return decorate
