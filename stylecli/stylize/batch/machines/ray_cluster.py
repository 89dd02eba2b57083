"""Workers on a Ray cluster: one actor for each GPU, or else for each core. Paths travel to them, never pixels.

The driver holds the queue, hashes the inputs and writes the records. So a node that dies costs its running items alone,
which others do again. All machines must see the files under the same paths, and have stylecli installed.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
import re
import secrets
import socket
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from stylecli.core.errors import DeviceError, UsageError
from stylecli.stylize.batch.options import BatchOptions
from stylecli.stylize.batch.workers.processes import WorkerOptions, WorkerProcess, died_answer, late_answer

LOCAL = "local"  # the address of a cluster on this machine alone
STARTS = 3  # times that such a cluster is started: Ray gives up after 15 s on a busy machine (ray-project/ray#65983)
GRACE = 30.0  # seconds beyond an item's time, after which a whole node is taken for dead
ANSWER_SECONDS = 10.0  # within which the head of a cluster takes a connection
PATHS = ("input", "output", "mask", "folder")


class WorkerActor:
    """What runs on a node: it keeps one worker process, with its styles loaded."""

    def __init__(self, options: WorkerOptions) -> None:
        self._process = WorkerProcess(options)

    def is_ready(self) -> bool:
        """Answer as soon as the actor runs."""
        return True

    def ask(self, request: Mapping[str, Any], timeout: float | None) -> dict[str, Any]:
        """As `WorkerProcess.ask`."""
        return self._process.ask(request, timeout=timeout)


class RayWorker:
    """The driver's side of an actor; when it dies, another one is started, on any node that has room."""

    def __init__(self, ray: Any, factory: Any, options: WorkerOptions) -> None:
        self._ray, self._factory, self._options = ray, factory, options
        self._lock = threading.Lock()
        self._actor: Any = None
        self._start: Any = None
        self._is_closed = False

    def is_ready(self, seconds: float) -> bool:
        """Whether the actor runs; it is started where there is none."""
        with self._lock:
            if self._is_closed:
                return False
            if self._actor is None:
                self._actor = self._factory.remote(self._options)
                self._start = self._actor.is_ready.remote()
            start = self._start
        try:
            if not self._ray.wait([start], timeout=seconds)[0]:
                return False
            self._ray.get(start)
        except self._ray.exceptions.RayError:
            self._discard()
            return False
        return True

    def ask(self, request: Mapping[str, Any], *, timeout: float | None = None) -> dict[str, Any]:
        """The answer of the actor; one that dies with its node, or takes too long, is a failed answer."""
        limit = None if timeout is None else timeout + GRACE
        try:
            answer: dict[str, Any] = self._ray.get(self._actor.ask.remote(_absolute(request), timeout), timeout=limit)
        except self._ray.exceptions.GetTimeoutError:
            self._discard()
            return late_answer(request, timeout or 0)
        except (self._ray.exceptions.RayError, AttributeError):  # AttributeError: closed meanwhile
            self._discard()
            return died_answer(request, "its node or its actor was lost")
        return answer

    def close(self) -> None:
        """End the actor, whatever it does."""
        with self._lock:
            self._is_closed = True
        self._discard()

    def _discard(self) -> None:
        with self._lock:
            actor, self._actor = self._actor, None
        if actor is not None:
            with suppress(Exception):  # the cluster may be gone
                self._ray.kill(actor)


@contextmanager
def open_ray_workers(options: BatchOptions) -> Iterator[list[RayWorker]]:
    """Join a cluster, or start one on this machine, with a token that nobody else has, until the `with` is left.

    Raises:
        UsageError: Ray is not installed.
        DeviceError: there is no such cluster, or it has no core to spare.
    """
    if importlib.util.find_spec("ray") is None:
        raise UsageError("Ray is missing", hint='Install it: pip install "stylecli[cluster]".')
    address = options.ray or LOCAL
    if address == LOCAL and "RAY_AUTH_MODE" not in os.environ:  # Ray reads it when it is imported
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    ray = _imported_ray()
    _join(ray, address)
    try:
        resources = ray.cluster_resources()
        gpus = int(resources.get("GPU", 0)) if options.device in ("auto", "cuda") else 0
        count = options.workers or gpus or int(resources.get("CPU", 0))
        if not count:
            raise DeviceError(f"{address}: the cluster has no core to spare", hint="Add nodes.")
        factory = ray.remote(num_cpus=1, num_gpus=1 if gpus else 0, max_restarts=0)(WorkerActor)
        styles_dir = options.styles_dir and Path(os.path.abspath(options.styles_dir))  # noqa: PTH100  # keeps links
        how = WorkerOptions(options.device, 1, styles_dir)
        yield [RayWorker(ray, factory, how) for _ in range(count)]
    finally:
        ray.shutdown()


def _join(ray: Any, address: str) -> None:
    if where := re.fullmatch(r"(?:ray://)?\[?(.+?)\]?:(\d+)", address):
        try:  # Ray itself tries for ten minutes
            socket.create_connection((where[1], int(where[2])), ANSWER_SECONDS).close()
        except (OSError, OverflowError) as error:
            raise _no_cluster(address, error) from error
    options = {"include_dashboard": False} if address == LOCAL else {}
    for tries_left in reversed(range(STARTS if address == LOCAL else 1)):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # Ray's advice on accelerators, for each start
                ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **options)
            return
        except Exception as error:  # Ray raises exceptions of many types here, bare ones too
            ray.shutdown()
            if not tries_left:
                raise _no_cluster(address, error) from error


def _no_cluster(address: str, error: Exception) -> DeviceError:
    return DeviceError(f"{address}: no Ray cluster ({error})", hint="Start one with `ray start`.")


def _imported_ray() -> Any:
    """Ray, an extra that only this needs; made to leave stdout to the results.

    Ray 2.52 to 2.60 prints there what it has to say of a node that died, whatever `log_to_driver` is.
    """
    ray = importlib.import_module("ray")
    importlib.import_module("ray._private.worker").print_to_stdstream = lambda *_, **__: None  # type: ignore[attr-defined]
    return ray


def _absolute(request: Mapping[str, Any]) -> dict[str, Any]:
    """A request for a process that works in another folder."""
    found = dict(request)
    for name in PATHS:
        if found.get(name):
            found[name] = os.path.abspath(found[name])  # noqa: PTH100  # keeps links
    if Path(found["style"]).is_dir():
        found["style"] = os.path.abspath(found["style"])  # noqa: PTH100
    return found
