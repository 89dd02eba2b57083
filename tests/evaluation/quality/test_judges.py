"""Which loss network judges."""

from __future__ import annotations

from pathlib import Path

import pytest

from stylecli.core.errors import MediaError
from stylecli.evaluation.quality.judges import choose_judge
from stylecli.evaluation.quality.metrics.stylized_photo import JUDGE_LAYERS


@pytest.mark.usefixtures("shipped")
def test_without_vgg_the_shipped_network_judges_and_that_is_said() -> None:
    notes: list[str] = []
    judge = choose_judge("auto", JUDGE_LAYERS, notice=notes.append)
    assert judge.name == "distilled"
    assert judge.sha256[:12] in notes[0]
    assert '`judge="vgg19"`' in notes[1]


def test_given_weights_are_those_of_vgg(vgg_file: Path) -> None:
    notes: list[str] = []
    judge = choose_judge("auto", JUDGE_LAYERS, file=vgg_file, notice=notes.append)
    assert judge.name == "vgg19"
    assert notes == [f"judged by vgg19 {judge.sha256[:12]}"]


@pytest.mark.usefixtures("shipped")
def test_the_shipped_network_judges_where_it_is_asked_for(distilled_file: Path) -> None:
    assert choose_judge("distilled", JUDGE_LAYERS).name == "distilled"
    assert choose_judge("distilled", JUDGE_LAYERS, file=distilled_file).name == "distilled"


def test_weights_that_are_not_there_are_a_media_error(tmp_path: Path) -> None:
    with pytest.raises(MediaError):
        choose_judge("auto", JUDGE_LAYERS, file=tmp_path / "nowhere.safetensors")
