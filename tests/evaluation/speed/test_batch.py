from __future__ import annotations

from pathlib import Path

import pytest

from stylecli.core.errors import StyleError
from stylecli.core.progress import Step
from stylecli.evaluation.speed import batch as batch_speed
from stylecli.evaluation.speed import tables
from stylecli.evaluation.speed.video import Stage, limit_of
from stylecli.packs.pack import StylePack


def test_a_batch_is_measured_against_its_stages(tiny_pack: StylePack) -> None:
    found = batch_speed.measure_batch(tiny_pack, photos=6, size=(96, 64), rounds=1)
    assert [measured.command for measured in found] == ["stylecli batch", "stylecli image"]
    for measured in found:
        assert set(measured.stages) == {"decode", "network", "encode"}
        assert measured.ceiling <= 1 / max(stage.seconds for stage in measured.stages.values())
        assert measured.share == pytest.approx(measured.items_per_second / measured.ceiling)
        assert measured.cpu_seconds > 0
    batch, image = found
    assert batch.worker_megabytes
    assert min(batch.worker_megabytes) > 20  # of processes that hold numpy and onnxruntime
    assert image.worker_megabytes is None
    for measured, row in zip(found, tables.batches(found).rows, strict=True):
        assert row["items"] == 6
        assert row["share"] == round(measured.share, 3)
        assert f"{measured.share:.2f} of the possible {measured.ceiling:.2f}" in measured.verdict
        assert measured.verdict.endswith("the aim is 0.9")


def test_an_item_that_fails_stops_the_measurement(tiny_pack: StylePack, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(photos: Path, count: int, size: tuple[int, int]) -> None:
        write(photos, count, size)
        (photos / f"{count - 1}.jpg").write_bytes(b"no picture")

    write = batch_speed._write_photos
    monkeypatch.setattr(batch_speed, "_write_photos", broken)
    monkeypatch.setattr(batch_speed, "SAMPLE", 1)
    with pytest.raises(StyleError, match=r"1\.jpg"):
        batch_speed.measure_batch(tiny_pack, photos=2, size=(96, 64), rounds=1)


def test_a_slow_machine_gets_one_round(tiny_pack: StylePack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_speed, "ROUNDS_SECONDS", 0.0)
    told: list[Step] = []
    batch_speed.measure_batch(tiny_pack, photos=2, size=(96, 64), rounds=3, progress=told.append)
    assert max(step.done for step in told[:-1]) == 0


def test_what_limits_the_speed_is_named() -> None:
    slow, quick = Stage(0.2, 0.2), Stage(0.1, 0.1)
    assert limit_of({"decode": quick, "network": slow}) == "network alone"
    assert limit_of({"decode": quick, "network": Stage(0.2, 9.9)}) == "CPU time"
