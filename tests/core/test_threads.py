from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from functools import partial
from types import SimpleNamespace

import pytest

from stylecli.core import threads
from stylecli.core.threads import ITEMS_BETWEEN_STAGES, Watch, reading_ahead, side_by_side, writing_behind

PATIENCE = 60.0  # seconds after which a test that waits for the other thread has failed


@contextmanager
def no_thread_left() -> Iterator[None]:
    yield
    # By their name: native libraries have threads of their own, which come and go.
    assert [thread for thread in threading.enumerate() if thread.name.startswith("stylecli")] == []


class Source:
    """Numbers from 0, which tells how many were taken and whether it was closed."""

    def __init__(self, count: int, *, fails: bool = False) -> None:
        self.given = threading.Semaphore(0)
        self.taken = 0
        self.closed_in = ""
        self._count = count
        self._fails = fails

    def items(self) -> Generator[int, None, None]:
        try:
            for number in range(self._count):
                self.taken += 1
                self.given.release()
                yield number
            if self._fails:
                raise ValueError("source")
        finally:
            self.closed_in = threading.current_thread().name


def test_all_items_pass_in_order() -> None:
    written: list[int] = []
    with no_thread_left(), reading_ahead(Source(100).items()) as numbers, writing_behind(written.append) as write:
        for number in numbers:
            write(number)
    assert written == list(range(100))


def test_reading_goes_on_while_the_caller_works() -> None:
    source = Source(100)
    with reading_ahead(source.items()) as numbers:
        next(numbers)
        for _ in range(1 + ITEMS_BETWEEN_STAGES):  # the taken one and a full belt, without taking another
            assert source.given.acquire(timeout=PATIENCE)


def test_reading_waits_when_the_belt_is_full() -> None:
    source = Source(100)
    with reading_ahead(source.items()) as numbers:
        for number in numbers:
            # One is in the caller's hands and one in the reader's.
            assert source.taken <= number + 1 + ITEMS_BETWEEN_STAGES + 1


def test_writing_goes_on_while_the_caller_works() -> None:
    first_is_written = threading.Event()
    with writing_behind(lambda _: first_is_written.set()) as write:
        write(0)
        assert first_is_written.wait(PATIENCE)


def test_putting_waits_when_writing_is_slow() -> None:
    put = 0
    unwritten: list[int] = []

    def write(number: int) -> None:
        unwritten.append(put - number)

    with writing_behind(write) as write_later:
        for number in range(100):
            put = number
            write_later(number)
    # One is in the writer's hands and one in the caller's.
    assert max(unwritten) <= ITEMS_BETWEEN_STAGES + 1


def pump(source: Source, write: Callable[[int], None], *, work: Callable[[int], None] = lambda _: None) -> None:
    """Read, work and write at once."""
    with reading_ahead(source.items()) as numbers, writing_behind(write) as put:
        for number in numbers:
            work(number)
            put(number)


def test_an_error_while_reading_reaches_the_caller_behind_the_items() -> None:
    seen: list[int] = []
    with no_thread_left(), pytest.raises(ValueError, match="source"):
        pump(Source(3, fails=True), lambda _: None, work=seen.append)
    assert seen == [0, 1, 2]


@pytest.mark.parametrize("count", [1, 1000])
def test_an_error_while_writing_reaches_the_caller(count: int) -> None:
    def fail(_: int) -> None:
        raise OSError("disk")

    with no_thread_left(), pytest.raises(OSError, match="disk"):
        pump(Source(count), fail)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_of_the_caller_ends_both_threads_and_closes_the_source(error: type[BaseException]) -> None:
    def fail(number: int) -> None:
        if number == 20:
            raise error

    source = Source(1000)
    with no_thread_left(), pytest.raises(error):
        pump(source, lambda _: None, work=fail)
    assert source.closed_in == "stylecli reading ahead"
    assert source.taken < 40


def test_jobs_run_side_by_side_and_their_results_keep_their_order() -> None:
    together = threading.Barrier(2, timeout=PATIENCE)  # passes nobody who runs alone

    def job(number: int) -> int:
        together.wait()
        return number

    with no_thread_left():
        assert list(side_by_side((partial(job, number) for number in range(20)), 2)) == list(range(20))


def test_a_single_job_at_a_time_is_never_beside_another() -> None:
    alone = threading.Lock()

    def job() -> None:
        assert alone.acquire(blocking=False)
        alone.release()

    assert len(list(side_by_side([job] * 100, 1))) == 100


def test_an_error_of_a_job_reaches_the_caller_behind_the_results_before_it() -> None:
    def job(number: int) -> int:
        if number == 5:
            raise ValueError("job")
        return number

    seen: list[int] = []
    jobs = side_by_side((partial(job, number) for number in range(1000)), 2)
    with no_thread_left(), pytest.raises(ValueError, match="job"), closing(jobs) as results:
        seen.extend(iter(results))
    assert seen == [0, 1, 2, 3, 4]


def test_few_jobs_are_taken_ahead_and_none_once_it_is_closed() -> None:
    taken: list[int] = []

    def jobs() -> Iterator[Callable[[], int]]:
        for number in range(1000):
            taken.append(number)
            yield partial(int, number)

    with no_thread_left(), closing(side_by_side(jobs(), 2)) as results:
        for number in results:
            assert len(taken) <= number + 3 * 2
            if number == 20:
                break
    assert len(taken) < 40


# --- threads that are stuck in native code


class StuckError(Exception):
    pass


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Give an event that a stage waits for in vain, until the test is over."""
    monkeypatch.setattr(threads, "POLL_SECONDS", 0.01)
    event = threading.Event()
    yield event
    event.set()
    for thread in threading.enumerate():
        if thread.name.startswith("stylecli"):
            thread.join(PATIENCE)


def test_a_reader_that_is_stuck_is_an_error_and_is_left_alone(stuck: threading.Event) -> None:
    def items() -> Generator[int, None, None]:
        yield 1
        stuck.wait(PATIENCE)

    seen = []
    with pytest.raises(StuckError), reading_ahead(items(), Watch(0.05, StuckError())) as numbers:
        seen += list(numbers)
    assert not stuck.is_set()


@pytest.mark.parametrize("count", [1, 3 * ITEMS_BETWEEN_STAGES])
def test_a_writer_that_is_stuck_is_an_error_at_once_or_at_the_end(stuck: threading.Event, count: int) -> None:
    def write(_: int) -> None:
        stuck.wait(PATIENCE)

    with pytest.raises(StuckError), writing_behind(write, Watch(0.05, StuckError())) as put:
        list(map(put, range(count)))
    assert not stuck.is_set()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Give the time by which threads are watched, as the only item of a list: it stands still until a test sets it."""
    clock = [0.0]
    monkeypatch.setattr(threads, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    return clock


class ObservedWatch(Watch):
    """A watch that counts its checks and its rests, so that tests can wait for them."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds, StuckError())
        self.checks, self.rests = threading.Semaphore(0), threading.Semaphore(0)

    def is_overdue(self) -> bool:
        overdue = super().is_overdue()
        self.checks.release()
        return overdue

    def rest(self) -> None:
        super().rest()
        self.rests.release()


@pytest.mark.usefixtures("stuck")
def test_a_reader_that_tells_of_its_steps_may_take_its_time(clock: list[float]) -> None:
    watch = ObservedWatch(1)

    def items() -> Generator[int, None, None]:
        for _ in range(20):
            watch.beat()
            clock[0] += 0.6
            while watch.checks.acquire(blocking=False):  # of the time before
                pass
            assert watch.checks.acquire(timeout=PATIENCE)
        yield 1

    with reading_ahead(items(), watch) as numbers:
        assert list(numbers) == [1]


def test_a_reader_that_waits_for_its_caller_is_not_stuck(clock: list[float]) -> None:
    watch = ObservedWatch(1)
    count = 3 * ITEMS_BETWEEN_STAGES
    with reading_ahead((number for number in range(count)), watch) as numbers:
        for _ in range(ITEMS_BETWEEN_STAGES + 1):  # a full belt, and one in the reader's hands
            assert watch.rests.acquire(timeout=PATIENCE)
        for _ in range(10):  # the work of the caller
            clock[0] += 1
            assert not watch.is_overdue()
        assert len(list(numbers)) == count


def test_time_in_which_the_process_was_stopped_does_not_count(clock: list[float]) -> None:
    watch = Watch(10, StuckError())
    watch.beat()
    assert not watch.is_overdue()
    clock[0] = 3600.0
    assert not watch.is_overdue()
    for _ in range(11):
        clock[0] += 1
        overdue = watch.is_overdue()
    assert overdue
