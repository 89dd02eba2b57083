from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from stylecli.core.errors import PackError
from stylecli.editors.spool import engines
from stylecli.editors.spool.engines import EngineCache
from stylecli.packs.pack import StylePack


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that were searched for."""
    found: list[str] = []
    find = engines.find_style

    def counted(name: str, *rest: object, **options: object) -> StylePack:
        found.append(name)
        return find(name, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(engines, "find_style", counted)
    return found


@pytest.fixture
def shelf(tmp_path: Path, tiny_style: Path) -> Path:
    shutil.copytree(tiny_style, tmp_path / "tiny")
    return tmp_path


@pytest.fixture
def cache(shelf: Path) -> Iterator[EngineCache]:
    with closing(EngineCache("cpu", shelf)) as cache:
        yield cache


def test_a_style_is_searched_for_once_in_a_while(
    cache: EngineCache, searches: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = cache.engine("tiny", None)
    assert cache.engine("tiny", None)[0] is first
    assert searches == ["tiny"]
    monkeypatch.setattr(engines, "FOUND_SECONDS", 0.0)
    assert cache.engine("tiny", None)[0] is first
    assert searches == ["tiny", "tiny"]


def test_a_style_that_was_replaced_or_removed_is_noticed_at_once(
    cache: EngineCache, shelf: Path, searches: list[str]
) -> None:
    cache.engine("tiny", None)
    os.utime(shelf / "tiny" / "card.json", (1, 1))
    cache.engine("tiny", None)
    assert searches == ["tiny", "tiny"]
    shutil.rmtree(shelf / "tiny")
    with pytest.raises(PackError, match="no style"):
        cache.engine("tiny", None)


def test_a_style_whose_card_asks_for_other_strokes_paints_anew(cache: EngineCache, shelf: Path) -> None:
    _, before = cache.engine("tiny", None)
    card = shelf / "tiny" / "card.json"
    card.write_text(json.dumps({**json.loads(card.read_text()), "fill": 0.5, "detail": 1.0}))
    engine, after = cache.engine("tiny", None)
    assert (engine.fill, engine.detail) == (0.5, 1.0)
    assert after != before
