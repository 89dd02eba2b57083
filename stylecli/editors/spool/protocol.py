"""What every part of the spool agrees on: the protocol's number, the names of files, the limits. Needs no numpy."""

from __future__ import annotations

import re

PROTOCOL = 1  # of the files; a worker answers in it
PROTOCOLS = (1, 2)  # of jobs; 2 adds scene, cache, probe and pictures that carry raw samples
JOB_BYTES_MAX = 65536
IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")
IDLE_SECONDS = 300.0  # without a job, after which a worker ends
