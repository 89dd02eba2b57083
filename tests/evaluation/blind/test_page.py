"""The page: one file, without a name of a style in it, whose answers can be counted."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest

from stylecli.core.errors import MediaError, UsageError
from stylecli.evaluation.blind.answers import read_answers
from stylecli.evaluation.blind.page import write_blind_page
from stylecli.evaluation.blind.pairs import BlindPair, BlindTest

PAIRS = (BlindPair(0, "rough-sea", "calm-sea"), BlindPair(1, "calm-sea", "rough-sea"))


@pytest.fixture
def page(tmp_path: Path) -> str:
    painted = {
        (name, photo): np.full((40, 60, 3), 80 * photo + tone, np.uint8)
        for name, tone in (("rough-sea", 40), ("calm-sea", 80))
        for photo in (0, 1)
    }
    photos = (np.zeros((40, 60, 3), np.uint8),) * 2
    write_blind_page(BlindTest(PAIRS, photos, painted, np.full((30, 30, 3), 9, np.uint8)), tmp_path / "page.html")
    return (tmp_path / "page.html").read_text(encoding="utf-8")


def data_of(page: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    data: dict[str, object] = json.loads(found[1])
    return data


def test_nothing_comes_from_elsewhere(page: str) -> None:
    assert not re.search(r"https?://", page)
    assert "url(" not in page
    assert "<link" not in page
    assert "src=" not in page  # the script sets them to what the page holds


def test_no_style_is_named(page: str) -> None:
    assert "sea" not in page


def test_every_pair_shows_its_two_pictures_of_one_photo(page: str) -> None:
    data = data_of(page)
    for shown, pair in zip(data["pairs"], PAIRS, strict=True):  # type: ignore[call-overload]
        for side, name in (("left", pair.left), ("right", pair.right)):
            jpeg = base64.b64decode(data["pictures"][shown[side]].partition(",")[2])  # type: ignore[index]
            assert jpeg.startswith(b"\xff\xd8")
            assert _tone(jpeg) == pytest.approx(80 * pair.photo + (40 if name == "rough-sea" else 80), abs=2)
    assert [question["name"] for question in data["questions"]] == ["hang", "painting"]  # type: ignore[attr-defined]


def test_answers_of_a_page_are_told_by_style(page: str, tmp_path: Path) -> None:
    answers = [
        {"pair": 0, "question": "hang", "choice": "left", "seconds": 1.5},
        {"pair": 1, "question": "hang", "choice": "equal", "seconds": 2},
    ]
    text = json.dumps({"format": 1, "key": data_of(page)["key"], "answers": answers})
    (tmp_path / "answers.json").write_text(text)
    first, second = read_answers([tmp_path / "answers.json"])
    assert (first.left, first.right, first.share) == ("rough-sea", "calm-sea", 1.0)
    assert (second.left, second.right, second.share) == ("calm-sea", "rough-sea", 0.5)


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        '{"format": 1, "key": "x", "answers": []}',
        '{"format": 2}',
        '{"format": 1, "key": 3, "answers": 4}',
    ],
)
def test_what_is_no_file_of_answers_is_a_usage_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "answers.json").write_text(text)
    with pytest.raises(UsageError, match=r"answers\.json"):
        read_answers([tmp_path / "answers.json"])


@pytest.mark.parametrize("answer", [{"pair": 2}, {"pair": -1}, {"choice": "both"}, {"pair": "0"}])
def test_an_answer_to_no_pair_is_a_usage_error(page: str, tmp_path: Path, answer: dict[str, object]) -> None:
    whole = {"pair": 0, "question": "hang", "choice": "left", "seconds": 1, **answer}
    text = json.dumps({"format": 1, "key": data_of(page)["key"], "answers": [whole]})
    (tmp_path / "answers.json").write_text(text)
    with pytest.raises(UsageError, match="no answers"):
        read_answers([tmp_path / "answers.json"])


def test_a_page_without_answers_is_a_usage_error(page: str, tmp_path: Path) -> None:
    (tmp_path / "answers.json").write_text(json.dumps({"format": 1, "key": data_of(page)["key"], "answers": []}))
    with pytest.raises(UsageError, match="nothing was answered"):
        read_answers([tmp_path / "answers.json"])


def test_a_file_that_is_not_there_is_a_media_error(tmp_path: Path) -> None:
    with pytest.raises(MediaError):
        read_answers([tmp_path / "answers.json"])


def _tone(jpeg: bytes) -> float:
    import pyvips

    return float(pyvips.Image.new_from_buffer(jpeg, "").avg())
