from __future__ import annotations

import threading

import pytest

from stylecli.stylize.batch import todo as todo_module
from stylecli.stylize.batch.manifests.rows import Item
from stylecli.stylize.batch.todo import Todo

ITEMS = [Item(name, f"{name}.png", f"out/{name}.png", "wave", "picture") for name in "abc"]


def taken(todo: Todo) -> str:
    one = todo.take()
    assert one
    return f"{one[0].id}{one[1]}"


def test_items_come_in_their_order_and_what_failed_comes_last() -> None:
    todo = Todo(ITEMS)
    assert taken(todo) == "a1"
    todo.again(ITEMS[0], 2)
    assert [taken(todo) for _ in range(3)] == ["b1", "c1", "a2"]


def test_it_ends_when_all_are_finished() -> None:
    todo = Todo(ITEMS[:1])
    assert taken(todo) == "a1"
    got: list[object] = []
    waiting = threading.Thread(target=lambda: got.append(todo.take()))
    waiting.start()
    todo.finished()
    waiting.join()
    assert got == [None]
    assert todo.is_closed


def test_an_item_of_another_worker_waits_for_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(todo_module, "LOOK_AGAIN", 0.05)
    todo = Todo(ITEMS[:2])
    first = todo.take()
    assert first
    todo.later(*first)
    assert [taken(todo), taken(todo)] == ["b1", "a1"]


def test_nothing_is_given_after_the_end() -> None:
    todo = Todo(ITEMS)
    todo.close()
    assert todo.take() is None
