"""Who paints next."""

from __future__ import annotations

import asyncio

from stylecli.web.server.turns import Turns


def test_large_pictures_go_before_small_ones_that_wait() -> None:
    assert asyncio.run(_order(set())) == ["first", "large", "another large", "small", "another small"]


def test_who_gives_up_while_waiting_holds_nobody_up() -> None:
    assert asyncio.run(_order({"large", "small"})) == ["first", "another large", "another small"]


def test_who_is_cancelled_when_its_turn_comes_passes_it_on() -> None:
    async def run() -> list[str]:
        turns, painted = Turns(), list[str]()

        async def paint(name: str) -> None:
            async with turns.turn(is_urgent=False):
                painted.append(name)

        async with turns.turn(is_urgent=False):
            tasks = [asyncio.create_task(paint(name)) for name in ("given up", "last")]
            await asyncio.sleep(0)
        tasks[0].cancel()  # its turn was given, and it has not woken yet
        await asyncio.gather(*tasks, return_exceptions=True)
        await paint("later")
        return painted

    assert asyncio.run(run()) == ["last", "later"]


async def _order(given_up: set[str]) -> list[str]:
    """The order in which five pictures are painted, of which the first has begun when the others come."""
    turns, painted = Turns(), list[str]()

    async def paint(name: str) -> None:
        async with turns.turn(is_urgent="large" in name):
            painted.append(name)
            await asyncio.sleep(0)

    names = ("first", "small", "another small", "large", "another large")
    tasks = {name: asyncio.create_task(paint(name)) for name in names}
    await asyncio.sleep(0)
    for name in given_up:
        tasks[name].cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)
    return painted
