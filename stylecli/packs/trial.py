"""A stranger's network is tried once, in a process of its own with little time and memory, before it paints a picture.

What a network computes cannot be read off its file. So it paints noise at odd sizes; what comes back must have the
size of the picture and hold numbers.
"""

from __future__ import annotations

import subprocess
import sys
from functools import cache

# In this process onnxruntime opens the network. It stands where sessions are opened, and is started, not imported.
PROGRAM = "stylecli.inference.network_trial"
SECONDS = 60  # for three small pictures; the largest bundled network takes less than 1
MEMORY_BYTES = 4 * 2**30  # of address space


@cache  # by content: several commands of a process open the same network
def trial_problem(content: bytes) -> str:
    """What is wrong with what an ONNX model paints; an empty string if nothing is."""
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
