from __future__ import annotations

import threading

import pytest

from stylecli.stylize.batch import work_queue
from stylecli.stylize.batch.manifests.rows import Item
from stylecli.stylize.batch.work_queue import WorkQueue

ITEMS = [Item(name, f"{name}.png", f"out/{name}.png", "wave", "picture") for name in "abc"]


def taken(waiting: WorkQueue) -> str:
    one = waiting.take()
    assert one
    return f"{one[0].id}{one[1]}"


def test_items_come_in_their_order_and_what_failed_comes_last() -> None:
    waiting = WorkQueue(ITEMS)
    assert taken(waiting) == "a1"
    waiting.retry(ITEMS[0], 2)
    assert [taken(waiting) for _ in range(3)] == ["b1", "c1", "a2"]


def test_it_ends_when_all_are_finished() -> None:
    waiting = WorkQueue(ITEMS[:1])
    assert taken(waiting) == "a1"
    got: list[object] = []
    waiting = threading.Thread(target=lambda: got.append(waiting.take()))
    waiting.start()
    waiting.task_done()
    waiting.join()
    assert got == [None]
    assert waiting.is_closed


def test_an_item_of_another_worker_waits_for_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_queue, "LOOK_AGAIN", 0.05)
    waiting = WorkQueue(ITEMS[:2])
    first = waiting.take()
    assert first
    waiting.defer(*first)
    assert [taken(waiting), taken(waiting)] == ["b1", "a1"]


def test_nothing_is_given_after_the_end() -> None:
    waiting = WorkQueue(ITEMS)
    waiting.close()
    assert waiting.take() is None
