"""What an extra lacks is named, without an import."""

from __future__ import annotations

import pytest

from stylecli.core.extras import MARKS, missing_packages


def test_only_packages_that_are_not_installed_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MARKS, "web", ("json", "no_such_package"))
    assert missing_packages("web") == ["no_such_package"]
