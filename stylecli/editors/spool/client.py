"""A client of a spool folder, for programs in Python; hosts have their own, in their own language."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stylecli.core.errors import MediaError, StyleError
from stylecli.editors.spool.protocol import PROTOCOL

LOOK_SECONDS = 0.003  # looking more often takes the processor away from the network


def submit(folder: Path, picture: bytes, job: Mapping[str, Any], *, identifier: str | None = None) -> str:
    """Put a picture and its job into the folder; the identifier under which it is answered."""
    identifier = identifier or secrets.token_hex(8)
    (folder / job.get("input", f"{identifier}.in")).write_bytes(picture)
    sending = folder / f"{identifier}.tmp"
    sending.write_text(json.dumps({"protocol": PROTOCOL, **job}))
    sending.rename(folder / f"{identifier}.job")
    return identifier


def fetch(folder: Path, identifier: str, *, timeout: float) -> tuple[bytes, dict[str, Any]]:
    """Wait for a job's answer and take it out of the folder: the stylized picture and what the worker says of it.

    Raises:
        StyleError: the worker's own message.
        MediaError: no answer within `timeout` seconds; the job is cancelled.
    """
    done, fault = folder / f"{identifier}.done", folder / f"{identifier}.err"
    deadline = time.monotonic() + timeout
    while not done.exists() and not fault.exists():
        if time.monotonic() > deadline:
            (folder / f"{identifier}.cancel").touch()
            raise MediaError(f"{folder}: no answer for {timeout:g} seconds", hint="Is a worker running?")
        time.sleep(LOOK_SECONDS)
    if fault.exists():
        facts = json.loads(fault.read_bytes())
        fault.unlink()
        raise StyleError(facts.get("message", "there was no room for an answer"), hint=facts.get("hint", ""))
    facts = json.loads(done.read_bytes())
    output = folder / facts["output"]
    painted = output.read_bytes()
    output.unlink()
    done.unlink()
    return painted, facts
