"""Benchmarks write their inputs to the folder for temporary files, whose disk may be full."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from stylecli.core.errors import MediaError
from stylecli.evaluation.speed.batch import measure_batch
from stylecli.evaluation.speed.memory import measure_memory
from stylecli.evaluation.speed.video import measure_video
from stylecli.packs.pack import StylePack
from tests.support.limits import files_no_larger_than

MEASUREMENTS = {
    "video": lambda pack: measure_video(pack, width=64, height=64, frames=4),
    "batch": lambda pack: measure_batch(pack, photos=2, size=(96, 64), rounds=1),
    "memory": lambda pack: measure_memory(pack, pictures={"small": (64, 64)}),
}


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
@pytest.mark.parametrize("name", MEASUREMENTS)
def test_a_full_disk_is_a_fault_of_the_user(tiny_pack: StylePack, name: str) -> None:
    measure: Callable[[StylePack], Any] = MEASUREMENTS[name]
    with pytest.raises(MediaError, match="cannot be written"), files_no_larger_than(500):
        measure(tiny_pack)
