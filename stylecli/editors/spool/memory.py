"""Memory that a worker keeps for its next frame: fresh memory is cleared by the system, page by page."""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h
KEPT_BYTES = 2**30  # of freed memory at the end of the heap
HEAP_ARRAY_BYTES = (2**28, 2**25)  # largest array in the heap: a frame in 4K; what older releases of glibc allow


def keep_freed_memory() -> None:
    """Let glibc keep freed arrays for the next ones, instead of giving each back to the system; nothing elsewhere."""
    if mallopt := _function_of_c("mallopt"):
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        for size in HEAP_ARRAY_BYTES:
            if mallopt(M_MMAP_THRESHOLD, size):
                return


def give_freed_memory_back() -> None:
    """Give all freed memory back to the system."""
    if malloc_trim := _function_of_c("malloc_trim"):
        malloc_trim(0)


def _function_of_c(name: str) -> ctypes._NamedFuncPointer | None:
    """Return a function of the C library; None where it has none of this name, as on Windows, macOS and musl."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
