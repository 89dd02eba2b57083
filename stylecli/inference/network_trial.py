"""A program: run the ONNX model from standard input on small pictures and print what is wrong, or nothing.

`packs.trial` starts it with two arguments: the most memory in bytes and the most processor time in seconds.
"""

from __future__ import annotations

import sys

SIZES = ((1, 1), (37, 53), (64, 96))  # height and width in pixels: the smallest, an odd one, an even one


def main() -> None:
    """Set the limits, read the model, run it, print the problem."""
    memory, seconds = map(int, sys.argv[1:3])
    _limit(memory, seconds)
    sys.stdout.write(_problem(sys.stdin.buffer.read()))


def _limit(memory: int, seconds: int) -> None:
    if sys.platform == "win32":  # no such limits: only the parent's timeout
        return
    import resource

    for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds)):
        if sys.platform != "darwin" or kind != resource.RLIMIT_AS:  # macOS refuses limits of the address space
            resource.setrlimit(kind, (most, most))


def _problem(model: bytes) -> str:
    import numpy as np

    from stylecli.inference.sessions import open_cpu_session

    random = np.random.default_rng(0)
    try:
        session = open_cpu_session(model, threads=1)
        for height, width in SIZES:
            image = random.random((1, 3, height, width), np.float32)
            (stylized,) = session.run(["stylized"], {"image": image})
            if stylized.shape != image.shape:
                return f"makes {stylized.shape[2:]} pixels of {(height, width)}, the size must stay"
            if not np.isfinite(stylized).all():
                return "paints values that are not numbers"
    except Exception as error:  # onnxruntime's own exceptions derive from Exception alone
        return f"does not run ({' '.join(str(error).split())[:200]})"
    return ""


if __name__ == "__main__":
    main()
