from __future__ import annotations

import os
from pathlib import Path

import pytest

from stylecli.core.errors import UsageError
from stylecli.stylize.batch.manifests.folders import FolderRule
from stylecli.stylize.batch.watch import SETTLED, Arrivals, check_watched


def test_a_file_is_taken_once_it_stays_as_it_is(photos: Path) -> None:
    now = [0.0]
    arrivals = Arrivals(FolderRule(photos, photos.parent / "out", ["x"], include=["a.png"]), photos, lambda: now[0])
    assert arrivals.items() == ([], True)
    with (photos / "a.png").open("ab") as file:
        file.write(b"more")
    now[0] = SETTLED
    assert arrivals.items() == ([], True)
    now[0] = 2 * SETTLED
    (item,), growing = arrivals.items()
    assert (item.input, growing) == ("a.png", False)
    assert arrivals.items() == ([], False)


def test_a_file_that_changes_is_taken_again(photos: Path) -> None:
    now = [0.0]
    arrivals = Arrivals(FolderRule(photos, photos.parent / "out", ["x"], include=["a.png"]), photos, lambda: now[0])
    arrivals.items()
    now[0] = SETTLED
    assert len(arrivals.items()[0]) == 1
    os.utime(photos / "a.png", (1, 1))
    assert arrivals.items() == ([], True)
    now[0] = 2 * SETTLED
    assert len(arrivals.items()[0]) == 1


def test_an_empty_file_is_waited_for(photos: Path) -> None:
    (photos / "a.png").write_bytes(b"")
    now = [0.0]
    arrivals = Arrivals(FolderRule(photos, photos.parent / "out", ["x"], include=["a.png"]), photos, lambda: now[0])
    arrivals.items()
    now[0] = 9 * SETTLED
    assert arrivals.items() == ([], True)


def test_results_among_the_files_that_are_watched_are_refused(photos: Path, tiny_style: Path) -> None:
    pytest.importorskip("watchfiles")
    with pytest.raises(UsageError, match="is the folder that is watched"):
        check_watched(FolderRule(photos, photos, ["tiny"]), tiny_style.parent)
