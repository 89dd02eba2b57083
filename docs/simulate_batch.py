"""Prints the table of docs/batch.md: how long 10,000 photos and 500 videos take on 1 to 100 machines.

    python docs/simulate_batch.py

A queue is simulated with the times of single items; nothing is painted. Each machine takes the next item as soon as it
is free. The lengths of the videos are random: log-normal, a minute in the median, 12 minutes at most.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Sequence

PHOTOS, VIDEOS = 10_000, 500
PHOTO_SECONDS = 0.145  # 1.1 megapixels on a machine with two cores, by `stylecli bench --batch`
FRAME_SECONDS = 0.25  # 1080p, by `stylecli bench --video`
FRAMES_A_SECOND = 24
MEDIAN_LENGTH, SPREAD = 60.0, 1.0  # seconds of a video; standard deviation of its logarithm
START_SECONDS = 3.0  # of a machine, until it paints
SEGMENT_SECONDS = 10.0  # of a video, where videos are divided
JOINING = 0.01  # of a video's time, for its segments to be joined
MACHINES = (1, 2, 5, 10, 20, 50, 100)


def makespan(items: Sequence[float], machines: int) -> float:
    """Seconds until the last item is done, when each machine takes the next one as soon as it is free."""
    free = [START_SECONDS] * machines
    for seconds in items:
        heapq.heapreplace(free, free[0] + seconds)
    return max(free)


def main() -> None:
    """Print the table."""
    chance = random.Random(0)
    lengths = [chance.lognormvariate(math.log(MEDIAN_LENGTH), SPREAD) for _ in range(VIDEOS)]
    rate = FRAMES_A_SECOND * FRAME_SECONDS  # seconds of work a second of video
    photos, videos = [PHOTO_SECONDS] * PHOTOS, [length * rate for length in lengths]
    mixed = [*photos, *videos]
    chance.shuffle(mixed)
    longest_first = sorted([*photos, *videos], reverse=True)
    pieces = [
        min(SEGMENT_SECONDS, length - start) * rate * (1 + JOINING)
        for length in lengths
        for start in [number * SEGMENT_SECONDS for number in range(math.ceil(length / SEGMENT_SECONDS))]
    ]
    segments = sorted([*photos, *pieces], reverse=True)
    alone = START_SECONDS + sum(mixed)
    print("| machines | hours, any order | longest first | segments | speed-up, longest first | with segments |")  # noqa: T201
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")  # noqa: T201
    for machines in MACHINES:
        times = [makespan(items, machines) for items in (mixed, longest_first, segments)]
        hours = " | ".join(f"{seconds / 3600:.2f}" for seconds in times)
        print(f"| {machines} | {hours} | {alone / times[1]:.1f} | {alone / times[2]:.1f} |")  # noqa: T201


if __name__ == "__main__":
    main()
