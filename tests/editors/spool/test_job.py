from __future__ import annotations

import json
from pathlib import Path

import pytest

from stylecli.core.errors import StyleError
from stylecli.editors.spool.client import fetch
from stylecli.editors.spool.job import parse_job
from stylecli.stylize.painting import working_size
from tests.support.spools import Serve, left_in


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ({"protocol": 3}, "protocol 3"),
        ({"scene": "shot"}, "scene: no such key"),
        ({"protocol": 2, "scene": "a shot"}, "no name for a scene"),
        ({"protocol": 2, "cache": "maybe"}, "no such choice"),
        ({"protocol": 2, "probe": [[0, 0, 1]]}, "no list of pixels"),
        ({"protocol": 2, "probe": [[9, 0, 0, 0, 0, 0]]}, "outside the picture"),
        ({"protocol": 2, "proxy": 0}, "proxy 0"),
        ({"protocol": 2, "proxy": 2}, "proxy 2"),
        ({"protocol": 2, "proxy": 0.5, "pixel": "file"}, "proxy 0.5"),
        ({"protocol": None}, "protocol"),
        ({"width": 0, "height": 0}, "0 x 0"),
        ({"width": 30_000, "height": 30_000}, "30000 x 30000"),
        ({"width": 3}, "12 bytes"),
        ({"width": 1}, "more than 8"),
        ({"width": "2"}, "width"),
        ({"width": True}, "width"),
        ({"strength": 2}, "strength"),
        ({"brush": "wide"}, "brush"),
        ({"pixel": "bgra"}, "bgra"),
        ({"style": "tinny"}, "tinny"),
        ({"strenght": 1}, "strenght"),
        ({"input": "../secret"}, "secret"),
        ({"input": "/etc/passwd"}, "passwd"),
        ({"input": "two.in"}, "two.in"),
        ({"output": "one.job"}, "one.job"),
        ({"output": "../one.out"}, "one.out"),
        ({"variant": "huge"}, "huge"),
    ],
)
def test_a_bad_job_is_answered_with_what_is_wrong(
    spool: Path, served: Serve, job: dict[str, object], said: str
) -> None:
    (spool / "one.in").write_bytes(bytes(12))
    whole = {"protocol": 1, "style": "tiny", "width": 1, "height": 3, **job}
    if said.endswith("bytes"):
        whole["height"] = 2
    if said.startswith("more"):
        whole["height"] = 2
    (spool / "one.job").write_text(json.dumps(whole))
    assert served() == ["error"]
    with pytest.raises(StyleError, match=said) as caught:
        fetch(spool, "one", timeout=0)
    assert caught.value.hint
    assert left_in(spool) == set()


@pytest.mark.parametrize("brush", ["auto", "native", 2, 16])
def test_a_proxy_has_the_strokes_of_its_original(brush: str | float) -> None:
    def working_height(height: int, proxy: float) -> int:
        job = {"protocol": 2, "style": "tiny", "width": 4 * height, "height": height, "brush": brush, "proxy": proxy}
        return working_size(height, 4 * height, parse_job(json.dumps(job).encode(), "one").look.brush)[0]

    assert working_height(1080, 0.5) == working_height(2160, 1)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff\xfe", b"7"])
def test_what_is_no_job_is_answered(spool: Path, served: Serve, text: bytes) -> None:
    (spool / "one.job").write_bytes(text)
    assert served() == ["error"]
    with pytest.raises(StyleError, match="JSON"):
        fetch(spool, "one", timeout=0)
