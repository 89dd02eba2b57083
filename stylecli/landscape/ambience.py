"""The sound of the bay: surf, a soft chord, three bells."""

from __future__ import annotations

import numpy as np

from stylecli.landscape.noise import Floats

RATE = 48_000  # samples a second
PEAK = 0.6  # of full scale: leaves headroom for a lossy codec
SURF_PERIOD = 2.7  # seconds from wave to wave
CHORD = (73.42, 146.83, 220.00, 277.18, 369.99)  # hertz: D major seventh
BELLS = (
    (0.55, 739.99, -0.4),
    (1.65, 880.00, 0.45),
    (2.50, 1174.66, 0.05),
)  # time in seconds, hertz, position from -1 (left) to 1 (right)
BELL_PARTIALS = (
    (1.0, 1.0, 1.5),
    (2.76, 0.35, 0.7),
    (5.40, 0.12, 0.3),
)  # of a struck bar: frequency ratio, loudness, decay in seconds
FADE_IN, FADE_OUT = 0.25, 0.9  # seconds


def ambience(seconds: float, *, seed: int = 7) -> Floats:
    """Synthesize stereo sound of this length: (2, samples) float32 in -1..1 at `RATE`."""
    time = np.arange(round(seconds * RATE)) / RATE
    sound = 0.55 * _surf(time, seed) + 0.30 * _chord(time) + 0.42 * _bells(time)
    sound *= np.minimum(1, time / FADE_IN) * np.clip((time[-1] - time) / FADE_OUT, 0, 1)
    return np.asarray(PEAK * sound / np.abs(sound).max(), dtype=np.float32)


def _surf(time: Floats, seed: int) -> Floats:
    """Pink noise that gets brighter and louder as a wave breaks, with separate noise for each channel."""
    noise = np.fft.rfft(np.random.default_rng(seed).standard_normal((2, time.size)), axis=1)
    frequency = np.fft.rfftfreq(time.size, 1 / RATE)
    pink = 1 / np.sqrt(np.maximum(frequency, 90))
    rumble = _unit(np.fft.irfft(noise * pink / (1 + (frequency / 420) ** 2), time.size, axis=1))
    hiss = _unit(np.fft.irfft(noise * pink * (frequency > 700) / (1 + (frequency / 5_200) ** 4), time.size, axis=1))
    ear = np.array([[0.0], [0.35]])  # the wave runs along the beach, from left to right
    swell = (0.5 - 0.5 * np.cos(2 * np.pi * (time - ear) / SURF_PERIOD)) ** 1.6
    surf: Floats = 0.30 * rumble * (0.4 + 0.6 * swell) + 0.13 * hiss * (0.12 + 0.88 * swell**2)
    return surf


def _chord(time: Floats) -> Floats:
    """Sines, slightly detuned between the channels."""
    rise = 1 - np.exp(-time / 0.9)
    chord = np.zeros((2, time.size))
    for index, pitch in enumerate(CHORD):
        for ear, detune in ((0, 0.9985), (1, 1.0015)):
            phase = 2 * np.pi * pitch * detune * time + index
            chord[ear] += (np.sin(phase) + 0.18 * np.sin(2 * phase)) / (1 + 0.45 * index)
    hum: Floats = 0.3 * chord * rise
    return hum


def _bells(time: Floats) -> Floats:
    bells = np.zeros((2, time.size))
    for start, pitch, place in BELLS:
        since = np.maximum(time - start, 0)
        strike = sum(
            loudness * np.exp(-since / lasting) * np.sin(2 * np.pi * pitch * ratio * since)
            for ratio, loudness, lasting in BELL_PARTIALS
        )
        soft = 1 - np.exp(-since / 0.004)  # a felt mallet
        bells += np.array([[1 - place], [1 + place]]) * strike * soft * 0.5
    return bells


def _unit(noise: Floats) -> Floats:
    return np.asarray(noise / noise.std())
