from __future__ import annotations

import threading

import pytest

from stylecli.stylize.batch import work_queue
from stylecli.stylize.batch.manifests.rows import Item
from stylecli.stylize.batch.work_queue import WorkQueue

ITEMS = [Item(name, f"{name}.png", f"out/{name}.png", "wave", "picture") for name in "abc"]


def taken(items: WorkQueue) -> str:
    one = items.take()
    assert one
    return f"{one[0].id}{one[1]}"


def test_items_come_in_their_order_and_what_failed_comes_last() -> None:
    items = WorkQueue(ITEMS)
    assert taken(items) == "a1"
    items.retry(ITEMS[0], 2)
    assert [taken(items) for _ in range(3)] == ["b1", "c1", "a2"]


def test_it_ends_when_all_are_finished() -> None:
    items = WorkQueue(ITEMS[:1])
    assert taken(items) == "a1"
    got: list[object] = []
    waiting = threading.Thread(target=lambda: got.append(items.take()))
    waiting.start()
    items.task_done()
    waiting.join()
    assert got == [None]
    assert items.is_closed


def test_an_item_of_another_worker_waits_for_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_queue, "LOOK_AGAIN", 0.05)
    items = WorkQueue(ITEMS[:2])
    first = items.take()
    assert first
    items.defer(*first)
    assert [taken(items), taken(items)] == ["b1", "a1"]


def test_nothing_is_given_after_the_end() -> None:
    items = WorkQueue(ITEMS)
    items.close()
    assert items.take() is None
