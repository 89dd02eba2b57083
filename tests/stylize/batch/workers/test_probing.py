"""How fast a frame is painted: as a frame of a video is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stylecli.inference.engine import Engine
from stylecli.packs.pack import open_pack
from stylecli.stylize.batch.workers.probing import speed_of
from stylecli.stylize.look import Look
from tests.support.packs import write_style


@pytest.mark.parametrize(("detail", "paintings"), [(None, 1), (0.0, 1), (1.0, 2)])
def test_a_frame_has_fine_strokes_only_if_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, detail: float | None, paintings: int
) -> None:
    request = {"width": 320, "height": 200, "mask": None, "detail": detail, "flow": None}
    request |= {name: getattr(Look, name) for name in ("strength", "preserve_color", "brush", "fill")}
    sizes: list[tuple[int, ...]] = []
    prepared = Engine._prepared

    def listen(engine: Engine, pixels: Any, *more: Any, **named: Any) -> Any:
        sizes.append(pixels.shape[:2])
        return prepared(engine, pixels, *more, **named)

    monkeypatch.setattr(Engine, "_prepared", listen)
    with Engine(open_pack(write_style(tmp_path, fill=1.0, detail=1.0)), device="cpu") as engine:
        assert speed_of(engine, request)["painting"] > 0
    assert [size for size in sizes if size != (64, 64)] == [(200, 320), (400, 640)][:paintings]
