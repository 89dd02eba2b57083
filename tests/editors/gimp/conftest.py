"""GIMP for the tests of this folder; without it they are skipped, with the reason."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.editors.gimp.session import Gimp, Profile, running, why_not
from tests.support.packs import NORMALIZING_REACH, normalizing_model, write_style


@pytest.fixture(scope="session")
def gimp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gimp]:
    """Give a gimp-console that has our plug-in and, on its shelf, a style called `tiny`."""
    if reason := why_not():
        pytest.skip(reason)
    profile = Profile.made(
        tmp_path_factory.mktemp("gimp") / "gimp", own_plugins=("python-eval", "file-png", "script-fu", "file-tiff")
    )
    write_style(profile.shelf)
    with running(profile) as console:
        yield console


@pytest.fixture
def another_style(gimp: Gimp) -> Iterator[Path]:
    """Give a style `another` that was added to GIMP's shelf while GIMP runs; it is gone afterwards."""
    model = normalizing_model()
    folder = write_style(gimp.profile.shelf, "another", model=model, statistics="patches", reach=NORMALIZING_REACH)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
