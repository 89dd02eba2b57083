"""Run an ONNX model from standard input; print as JSON the time and memory that a picture of WIDTH and HEIGHT takes.

`cost` starts this in a new process, so that memory and threads of the caller do not count.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

RUNS = 3  # after a warm-up run


def main() -> None:
    """Read the model, run it, print the result."""
    import numpy as np
    import onnxruntime  # noqa: F401  # imported before the measurement, so that its memory does not count

    from stylecli.inference.sessions import open_cpu_session

    width, height = map(int, sys.argv[1:])
    image = np.random.default_rng(0).random((1, 3, height, width), np.float32)
    model = sys.stdin.buffer.read()
    before = _peak_megabytes()
    session = open_cpu_session(model)
    times = []
    for _ in range(RUNS + 1):
        started = time.perf_counter()
        session.run(["stylized"], {"image": image})
        times.append((time.perf_counter() - started) * 1000)
    peak = _peak_megabytes()
    megabytes = round(peak - before, 1) if before is not None and peak is not None else None
    # The fastest run: other work on the machine only adds time.
    json.dump({"milliseconds": round(min(times[1:]), 1), "megabytes": megabytes}, sys.stdout)


def _peak_megabytes() -> float | None:
    """Return the peak memory of this process; None without such a file. `getrusage` would count the parent too."""
    try:
        facts = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    (kibibytes,) = (line.split()[1] for line in facts if line.startswith("VmHWM:"))
    return int(kibibytes) * 1024 / 1e6


if __name__ == "__main__":
    main()
