"""What a benchmark records in the cards of styles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from stylecli.evaluation.speed.benchmark import record_speed
from stylecli.evaluation.speed.networks import Timing
from stylecli.packs.card import read_card, write_card
from stylecli.packs.pack import open_pack
from tests.support.packs import StyleFactory, tiny_model


def test_the_speed_of_a_variant_stands_beside_that_of_the_style(make_style: StyleFactory, tmp_path: Path) -> None:
    folder = make_style(tmp_path, files={"int8.onnx": tiny_model().SerializeToString()})
    card = read_card(folder)
    model = replace(card.models[0], variant="int8", precision="int8", file="int8.onnx")
    write_card(replace(card, models=(*card.models, model)), folder)

    def recorded() -> list[float]:
        measured = read_card(folder).measured
        return [measured[topic]["ms_per_megapixel_720p"] for topic in ("speed", "speed of int8")]

    timings = [Timing("tiny, onnxruntime", "720p", 92.16), Timing("tiny int8, onnxruntime", "720p", 46.08)]
    record_speed([open_pack(folder)], timings)
    assert recorded() == [100, 50]
    record_speed([replace(open_pack(folder), variant="int8")], timings[:1])  # timed alone, it bears the style's name
    assert recorded() == [100, 100]
