from __future__ import annotations

import signal

import pytest

from stylecli.training.interrupts import interrupts_deferred


def test_an_interrupt_waits_for_the_end_of_an_update() -> None:
    done = []

    def work() -> None:
        with interrupts_deferred():
            signal.raise_signal(signal.SIGINT)
            done.append("update")
        done.append("never")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["update"]
