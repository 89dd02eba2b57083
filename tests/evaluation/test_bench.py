"""`stylecli bench`: what it prints is measured and its ratios are those of its own numbers. No time is asserted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from stylecli.card import read_card
from stylecli.cli import suite
from stylecli.evaluation import speed, video_speed
from stylecli.pack import StylePack
from tests.packs import StyleFactory


def test_it_times_styles_beside_johnson(tiny_style: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "SIZES", {"720p": (64, 48)})  # small: what is tested is the table
    quick = ["--size", "720p", "--rounds", "1", "--no-video", "--device", "cpu"]
    result = CliRunner().invoke(suite, ["bench", "-s", str(tiny_style), "--json", *quick])
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    rows = {row["contestant"]: row for row in record["networks"]}
    assert set(rows) == {"tiny, onnxruntime", "johnson, onnxruntime", "johnson, torch eager"}
    assert rows["johnson, torch eager"]["speedup"] == 1
    assert record["machine"]["cores"] >= 1
    assert set(record["start_seconds"]) == set(speed.START_UPS)


def test_recorded_speed_stands_in_the_card(
    make_style: StyleFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed, "SIZES", {"720p": (64, 48)})
    style = make_style(tmp_path)
    quick = ["--size", "720p", "--rounds", "1", "--no-video", "--device", "cpu"]
    assert CliRunner().invoke(suite, ["bench", "-s", str(style), "--record", *quick]).exit_code == 0
    measured = read_card(style).measured["speed"]
    assert measured["ms_per_megapixel_720p"] > 0
    assert measured["cores"] >= 1


def test_the_video_pipeline_is_measured_against_its_stages(tiny_pack: StylePack) -> None:
    measured = video_speed.measure_video(tiny_pack, width=96, height=64, frames=12)
    assert set(measured.stages) == {"decode", "network", "encode"}
    slowest = max(stage.seconds for stage in measured.stages.values())
    assert measured.ceiling <= 1 / slowest
    assert measured.share == pytest.approx(measured.fps / measured.ceiling)
