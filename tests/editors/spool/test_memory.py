from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import ctypes
import resource
import sys

from stylecli.editors.spool import memory

def frame(size):  # one that is freed at once
    ctypes.memset(buffer := libc.malloc(size), 1, size)
    libc.free(buffer)

def faults_of_frames(count):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(count):
        frame(SIZE)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
SIZE = int(sys.argv[1])
memory.keep_freed_memory()
frame(SIZE)
print(faults_of_frames(5))
memory.give_freed_memory_back()
print(faults_of_frames(1))
"""
SIZE, PAGE = 48_000_000, 4096  # a frame of floats in 1080p is 33 MB; more than glibc keeps by itself


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is told what to do with freed memory")
def test_frames_use_the_memory_of_the_frames_before_until_it_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(SIZE)], capture_output=True, text=True, check=True)
    kept, given_back = map(int, done.stdout.split())
    assert kept < SIZE / PAGE / 10
    assert given_back > SIZE / PAGE / 2
