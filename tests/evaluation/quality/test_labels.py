"""Which class a photo's name means."""

from __future__ import annotations

from pathlib import Path

import pytest

from stylecli.core.errors import MediaError, UsageError
from stylecli.evaluation.quality.labels import Labels, read_labels

LINES = """tench, Tinca tinca
crane
American Staffordshire terrier, Staffordshire terrier
jack-o'-lantern
crane
polecat, fitch
skunk, polecat, wood pussy
"""


@pytest.fixture
def labels(tmp_path: Path) -> Labels:
    (tmp_path / "labels.txt").write_text(LINES)
    return read_labels(tmp_path / "labels.txt")


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("imagenet_n01440764_tench.jpg", {0}),
        ("Tinca_tinca.png", {0}),
        ("tench (2).jpg", {0}),
        ("007-tench.jpg", {0}),
        ("imagenet_n02093428_American_Staffordshire_terrier.jpg", {2}),
        ("n03590841_jack-o'-lantern.jpg", {3}),
        ("jack_o_lantern_12.jpg", {3}),
        ("crane.jpg", {1, 4}),
        ("polecat.jpg", {5}),
        ("wood-pussy.jpg", {6}),
        ("my tench at home.jpg", set()),
        ("terrier.jpg", set()),
        ("kodak_01.png", set()),
        ("01.png", set()),
    ],
)
def test_a_name_means_its_class(labels: Labels, name: str, classes: set[int]) -> None:
    assert labels.classes_in(name) == classes


def test_an_id_tells_classes_of_one_name_apart(tmp_path: Path) -> None:
    (tmp_path / "synsets.txt").write_text("n02012849 crane\nn03126707 crane\n")
    labels = read_labels(tmp_path / "synsets.txt")
    assert labels.names == ("crane", "crane")
    assert labels.classes_in("n03126707_crane.jpg") == {1}
    assert labels.classes_in("n02012849_10026.JPEG") == {0}


def test_empty_lines_within_count_as_classes_and_those_at_the_end_do_not(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("red\n\ngreen\n\n\n")
    assert read_labels(tmp_path / "labels.txt").names == ("red", "", "green")


def test_labels_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="nowhere"):
        read_labels(tmp_path / "nowhere.txt")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\xff")
    with pytest.raises(UsageError, match="text"):
        read_labels(tmp_path / "picture.png")
