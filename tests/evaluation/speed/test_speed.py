"""`stylecli bench`: what it prints is measured and its ratios are those of its own numbers. No time is asserted."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from stylecli.cli.app import suite
from stylecli.core.errors import MediaError, StyleError
from stylecli.editors.frei0r.build import find_compiler
from stylecli.evaluation.speed import doors, memory, plugins, scaling
from stylecli.evaluation.speed import networks as speed
from stylecli.evaluation.speed import tables as benchmarks
from stylecli.evaluation.speed import video as video_speed
from stylecli.evaluation.speed.contestants import YARDSTICK
from stylecli.evaluation.speed.networks import multiplications
from stylecli.evaluation.speed.options import BenchOptions
from stylecli.packs.card import read_card
from stylecli.packs.pack import StylePack, open_pack
from tests.support.packs import NORMALIZING_REACH, StyleFactory, normalizing_model


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


def test_only_the_parts_that_are_named_are_measured(tiny_style: Path) -> None:
    measured = ["bench", "-s", str(tiny_style), "--batch", "--photos", "2", "--rounds", "1", "--json"]
    result = CliRunner().invoke(suite, measured)
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout.splitlines()[-1])
    assert [row["command"] for row in record["batches"]] == ["stylecli batch", "stylecli image"]
    assert not any(record[part] for part in ("networks", "videos", "scaling", "memory", "doors", "start_seconds"))


def test_nothing_is_recorded_without_the_networks(tiny_style: Path) -> None:
    result = CliRunner().invoke(suite, ["bench", "-s", str(tiny_style), "--batch", "--record"])
    assert result.exit_code == 2
    assert "--networks" in result.output


@pytest.mark.parametrize("option", ["--markdown", "--plot"])
def test_a_place_for_the_results_that_is_none_is_told_before_the_work(
    tiny_style: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    monkeypatch.setattr("stylecli.evaluation.speed.benchmark.run_benchmark", None)
    result = CliRunner().invoke(suite, ["bench", "-s", str(tiny_style), option, str(tmp_path / "nowhere" / "file")])
    assert result.exit_code == 4, result.output
    assert "there is no such folder" in result.output


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


def test_every_variant_and_a_rival_are_timed_and_their_work_is_counted(
    make_style: StyleFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed, "SIZES", {"720p": (64, 48)})
    style = make_style(tmp_path, model=normalizing_model(), statistics="patches", reach=NORMALIZING_REACH)
    chosen = BenchOptions(
        size=("720p",), rounds=1, all_variants=True, against=(style / "fast.onnx",), against_white="1", device="cpu"
    )
    timings = speed.measure_networks([open_pack(style)], chosen)
    rows = {timing.contestant: timing for timing in timings}
    assert {"tiny, onnxruntime", "tiny, frame of a scene", str(style / "fast.onnx")} <= {*rows}
    for timing in timings:
        assert timing.gflops is not None
        assert timing.gflops > 0
    eager, own = rows[YARDSTICK].milliseconds, rows["tiny, onnxruntime"]
    rounding = 0.06  # milliseconds that either figure may be off by in the table, which is much of a small one
    assert (eager - rounding) / (own.milliseconds + rounding) <= own.speedup + rounding
    assert own.speedup - rounding <= (eager + rounding) / max(own.milliseconds - rounding, 0.001)


def test_convolutions_are_counted_with_the_margin_that_they_work_on() -> None:
    weights, padded = (
        8 * 3 * 4 * 4 / 4 + 3 * 8 * 3 * 3,
        (100 + 8) * (60 + 8),
    )  # a sample each: at half size, at full size
    counted = multiplications(normalizing_model().SerializeToString(), 100, 60)
    assert counted == pytest.approx(2 * weights * padded / 1e9, rel=1e-6)


def test_the_document_names_the_machine_the_command_and_every_number(
    tiny_style: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed, "SIZES", {"720p": (64, 48)})
    monkeypatch.setattr(scaling, "SIZES", {"720p": (64, 48)})
    document, picture = tmp_path / "benchmarks.md", tmp_path / "speed.svg"
    files = ["--markdown", str(document), "--plot", str(picture), "--networks", "--scaling"]
    quick = ["--size", "720p", "--rounds", "1", "--no-video", "--device", "cpu", "--json"]
    result = CliRunner().invoke(suite, ["bench", "-s", str(tiny_style), *quick, *files])
    assert result.exit_code == 0, result.output
    text = document.read_text(encoding="utf-8")
    assert speed.machine()["processor"] in text
    record = json.loads(result.stdout)
    for row in (*record["networks"], *record["scaling"]):
        assert f" {row['milliseconds']} |" in text
    assert "<svg" in picture.read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows tells no peak of an ended process")
def test_peak_memory_is_that_of_a_fresh_process(tiny_pack: StylePack) -> None:
    small, large = memory.measure_memory(tiny_pack, pictures={"small": (64, 64), "large": (3000, 3000)})
    assert 30 < small.megabytes < 400
    assert large.megabytes > small.megabytes + 27  # its samples at least


def test_the_doors_take_longer_than_the_network_alone(tiny_pack: StylePack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "SIZES", {"720p": (64, 48)})
    found = doors.measure_doors(tiny_pack, rounds=1)
    network = found[0]
    of_floats = next((door for door in found if door.door == doors.NETWORK_OF_FLOATS), None)
    through = [door for door in found[1:] if door is not of_floats]
    assert [door.door for door in through[:2]] == ["spool, first frame of a style", "spool, every further frame"]
    assert through[-1].door == "pipe"
    for door in through:
        assert door.over_network is not None
        alone = of_floats if of_floats and door.own is not None else network
        assert door.milliseconds == pytest.approx(alone.milliseconds + door.over_network, abs=0.2)
    assert through[-1].milliseconds > 50  # a process was started


def test_the_fuse_is_measured_against_its_aims() -> None:
    new, painted, _ = plugins.FUSE_NAMES
    assert doors.Door(new, 251.2, 31.2).verdict == f"{new}: the network and 31 ms; the aim is at most 40"
    assert doors.Door(painted, 12.4, -200.0).verdict == f"{painted}: 12 ms; the aim is at most 15"
    assert doors.Door("pipe", 900.0, 700.0).verdict == ""


def test_the_plugins_are_doors_too(tiny_pack: StylePack, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("lupa", reason="needs lupa, which is LuaJIT")
    monkeypatch.setattr(doors, "SIZES", {"720p": (64, 48)})
    own = {door.door: door.own for door in doors.measure_doors(tiny_pack, rounds=1)}
    assert own.keys() >= plugins.FUSE_NAMES.keys()
    assert all((own[name] or 0) > 0 for name in plugins.FUSE_NAMES)
    assert (plugins.FREI0R in own) == (sys.platform == "linux" and bool(find_compiler(os.environ)))


def test_a_door_that_does_not_open_is_said(tiny_pack: StylePack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors.sys, "executable", "/bin/false")
    with pytest.raises(StyleError, match="spool does not start"):
        doors.measure_doors(tiny_pack, rounds=1)


def test_a_document_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="cannot be written"):
        benchmarks.write_document(tmp_path / "missing" / "benchmarks.md", "")


def test_the_video_pipeline_is_measured_against_its_stages(tiny_pack: StylePack) -> None:
    measured = video_speed.measure_video(tiny_pack, width=96, height=64, frames=12)
    assert set(measured.stages) == {"decode", "network", "encode"}
    slowest = max(stage.seconds for stage in measured.stages.values())
    assert measured.ceiling <= 1 / slowest
    assert measured.share == pytest.approx(measured.fps / measured.ceiling)
