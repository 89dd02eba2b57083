"""^C and SIGTERM end a command within a second, whatever it is doing, and leave nothing partial.

Python runs a signal's handler in the main thread, between two of its own instructions. Two things can go wrong there.
The main thread may be inside a native library for many seconds. And the exception that the handler raises may be
swallowed: by a callback that a native library calls (pyvips's log), by a finalizer, by a module that is being imported.
So a thread watches: it lets the main thread unwind, has a swallowed exception raised again, and ends the process if the
main thread does not answer.
"""

from __future__ import annotations

import _thread
import atexit
import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from stylecli.core.files import discard_drafts

EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}  # those of a shell: 128 + the number of the signal
ANSWER_SECONDS = 0.4  # the main thread may take to leave native code, before the process ends without it
AGAIN_SECONDS = 0.3  # a signal within this time is the same one: `timeout` sends it to the process, then to its group
POLL_SECONDS = 0.02


@contextmanager
def signals_handled() -> Iterator[None]:
    """Turn SIGINT into KeyboardInterrupt and SIGTERM into SystemExit in the main thread, and make sure that they work.

    If a signal arrived, the process ends here with the signal's exit code. A second signal ends it at once.
    """
    watch = _Watch()
    hook = sys.unraisablehook

    def notice_swallowed(unraisable: sys.UnraisableHookArgs) -> None:
        if not watch.was_swallowed(unraisable.exc_value):
            hook(unraisable)

    sys.unraisablehook = notice_swallowed
    watch.start()
    try:
        yield
    finally:
        watch.stop()
        sys.unraisablehook = hook
        if watch.exit_code is not None:
            _leave(watch.exit_code)


class _Watch:
    """The state that the handler, the watching thread and the hook for swallowed exceptions share."""

    def __init__(self) -> None:
        self.exit_code: int | None = None
        self._raised: BaseException | None = None
        self._is_answered = False  # the handler has raised its exception, and nothing has swallowed it so far
        self._is_due = False  # the handler must run again: it could not raise, or its exception was swallowed
        self._is_resent = False  # the signal was sent again, and the handler has not yet run
        self._resent = (
            0  # signals that were sent again and whose numbers have not yet been read; of the watching thread
        )
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)

    def start(self) -> None:
        for number in EXIT_CODES:
            signal.signal(number, self._handle)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        if hasattr(os, "register_at_fork"):  # a forked process would report its signals to this one
            os.register_at_fork(after_in_child=_forget_wakeup)
        threading.Thread(target=self._watch, name="stylecli signals", daemon=True).start()

    def stop(self) -> None:
        """Give both signals back to the system: all work is done, and a late one may simply kill."""
        for number in EXIT_CODES:
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        self._writer.close()

    def was_swallowed(self, error: BaseException | None) -> bool:
        """Whether an exception that nobody could catch is the signal's; it is then raised again."""
        if error is None or error is not self._raised:
            return False
        self._is_answered, self._is_due = False, True
        return True

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.exit_code is not None and not self._is_resent:
            return  # the watching thread ends the process
        self._is_resent = False
        self.exit_code = EXIT_CODES[signal.Signals(number)]
        if _is_importing(frame):
            self._is_due = True
            return
        self._is_answered = True
        self._raised = KeyboardInterrupt() if number == signal.SIGINT else SystemExit(self.exit_code)
        raise self._raised

    def _watch(self) -> None:
        """Read the number of each signal, which the system writes even while the main thread is in native code."""
        arrived: float | None = None
        number = 0
        while True:
            self._reader.settimeout(POLL_SECONDS if arrived else None)
            try:
                received = self._reader.recv(1)
            except TimeoutError:
                received = b"\0"
            except OSError:
                return
            now = time.monotonic()
            if not received:  # closed: the command has ended
                return
            if received[0] in EXIT_CODES and signal.getsignal(received[0]) == self._handle:
                if self._resent:
                    self._resent -= 1
                    continue
                if arrived and now - arrived > AGAIN_SECONDS:
                    _end_now(number)
                arrived, number = arrived or now, received[0]
            if arrived and not self._is_answered:
                self._demand_answer(number, now - arrived)

    def _demand_answer(self, number: int, waited: float) -> None:
        if signal.getsignal(number) != self._handle:  # deferred: `training.interrupts` finishes an update first
            return
        if waited > ANSWER_SECONDS:
            _end_now(number)
        if self._is_due:
            self._is_due, self._is_resent = False, True
            self._resent += 1
            if sys.platform == "win32":
                _thread.interrupt_main(signal.Signals(number))
            else:  # which also wakes it where it waits
                signal.pthread_kill(threading.main_thread().ident or 0, number)


def _is_importing(frame: FrameType | None) -> bool:
    """Whether a module is being imported: some catch every exception there, to try optional imports."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _forget_wakeup() -> None:
    with contextlib.suppress(ValueError):  # only the main thread may, and only there it is needed
        signal.set_wakeup_fd(-1)


def _leave(exit_code: int) -> None:
    """End the process after the stack was unwound, but not by SystemExit.

    Python's own exit waits for native threads that still work, and loses the exit code if a KeyboardInterrupt has
    passed through C code that called Python.
    """
    discard_drafts()  # of threads that are still at work
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or never open
            stream.flush()
    os._exit(exit_code)


def _end_now(number: int) -> None:
    discard_drafts()
    with contextlib.suppress(OSError):
        os.write(2, b"stylecli: interrupted\n")
    os._exit(EXIT_CODES[signal.Signals(number)])
