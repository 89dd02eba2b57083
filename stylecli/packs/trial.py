"""Try a stranger's network once, in its own process with limits of time and memory, before it is used.

The file of a network does not tell what it computes. So it runs on noise of odd sizes; its output must have the size
of the input and hold finite numbers.
"""

from __future__ import annotations

import subprocess
import sys
from functools import cache

# The program that opens the network. `packs` may not import `inference`, so it is started by name.
PROGRAM = "stylecli.inference.network_trial"
SECONDS = 60  # for three small pictures; the largest bundled network takes less than 1
MEMORY_BYTES = 4 * 2**30  # of address space


@cache  # by content: several commands of a process open the same network
def trial_problem(content: bytes) -> str:
    """Return what is wrong with the pictures of an ONNX model; an empty string if they are right."""
    line = [sys.executable, "-m", PROGRAM, str(MEMORY_BYTES), str(SECONDS)]
    try:
        done = subprocess.run(line, input=content, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"does not paint three small pictures in {SECONDS} seconds"
    if done.returncode:
        return (
            f"ends the process that runs it, or takes more than {MEMORY_BYTES // 2**30} GB (status {done.returncode})"
        )
    return done.stdout.decode(errors="replace").strip()
