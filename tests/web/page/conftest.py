"""The page of a running server, freshly opened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.pages import (
    opened,
)
from tests.web.conftest import Served


@pytest.fixture
def page(chromium: Any, served: Served) -> Iterator[Any]:
    """Give the page, freshly opened; nothing may be reported on its console."""
    yield from opened(chromium, served.address)
