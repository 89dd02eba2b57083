from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.evaluation.motion import clips as moving
from stylecli.evaluation.motion.clips import FRAMES, NOISY, SINTEL, SYNTHETIC, clips_of_still, known_clips, sintel_clips
from stylecli.evaluation.motion.flow import warp_back
from stylecli.evaluation.quality.metrics.noise import NOISE
from stylecli.media.images.files import picture_from_pixels, write_picture
from stylecli.media.pixels import to_unit
from tests.evaluation.motion.test_flow import flow_bytes


@pytest.fixture(scope="module")
def smooth() -> NDArray[np.uint8]:
    """Give soft waves, which bilinear interpolation hardly changes, so that any other error of the motion shows."""
    x, y = np.meshgrid(np.arange(240) / 20, np.arange(160) / 20)
    waves = [np.sin(x + 2 * y), np.cos(2 * x - y), np.sin(x * y / 4)]
    return (127 + 100 * np.stack(waves, axis=-1)).astype(np.uint8)


def test_the_flow_of_a_moved_still_is_exact(smooth: NDArray[np.uint8]) -> None:
    clips = [clip for clip in clips_of_still(smooth, "waves") if clip.kind == SYNTHETIC]
    assert [clip.name for clip in clips] == ["waves, pan", "waves, zoom", "waves, turn"]
    for clip in clips:
        moments = list(clip.play())
        assert len(moments) == clip.count == FRAMES
        for now, following in pairwise(moments):
            assert now.flow is not None
            assert now.visible is not None
            frame, later = to_unit(now.pixels), to_unit(following.pixels)
            at_rest = np.abs(later - frame)[now.visible].mean()
            error = np.abs(warp_back(later, now.flow) - frame)[now.visible].mean()
            # 8 bits round by a quarter of a level on average, in both frames; bilinear samples miss a little of waves.
            assert error < 0.8 / 255
            assert error < 0.6 * at_rest
        assert moments[-1].flow is None


def test_a_still_at_rest_has_the_noise_of_a_camera(smooth: NDArray[np.uint8]) -> None:
    (clip,) = (clip for clip in clips_of_still(smooth, "waves") if clip.kind == NOISY)
    frames = np.stack([moment.pixels for moment in clip.play()])
    # 24 frames of 20,000 samples: good to well below 1 %.
    assert np.sqrt(frames.var(0, ddof=1).mean()) == pytest.approx(NOISE, rel=0.02)


def test_a_clip_plays_the_same_again(smooth: NDArray[np.uint8]) -> None:
    for clip in clips_of_still(smooth, "waves"):
        once, again = ([moment.pixels for moment in clip.play()] for _ in range(2))
        assert all((one == other).all() for one, other in zip(once, again, strict=True))


def test_without_a_photo_there_is_the_one_that_ships(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "FRAME_HEIGHT", 64)
    assert [clip.kind for clip in known_clips([])] == [NOISY, SYNTHETIC, SYNTHETIC, SYNTHETIC]


def test_a_still_that_is_too_small_to_move_in_is_a_media_error(tmp_path: Path) -> None:
    write_picture(picture_from_pixels(np.zeros((30, 30, 3), np.uint8)), tmp_path / "dot.png")
    with pytest.raises(MediaError, match="dot: 30 x 30"):
        known_clips([tmp_path / "dot.png"])


def write_sintel(root: Path, *, masks: bool = True) -> Path:
    """Write a scene in the layout of MPI-Sintel: three frames whose content goes 2 pixels to the right each time."""
    scene = np.random.default_rng(0).integers(0, 255, (32, 48, 3), np.uint8)
    flow = np.full((32, 48, 2), (2, 0), np.float32)
    for folder in ("final", "flow", "occlusions", "invalid"):
        (root / folder / "alley").mkdir(parents=True)
    for number in range(3):
        name = f"frame_{number + 1:04d}"
        pixels = np.ascontiguousarray(np.roll(scene, 2 * number, 1))
        write_picture(picture_from_pixels(pixels), root / "final" / "alley" / f"{name}.png")
        if number < 2:
            (root / "flow" / "alley" / f"{name}.flo").write_bytes(flow_bytes(flow))
    if masks:
        hidden = np.zeros((32, 48, 3), np.uint8)
        hidden[:, :8] = 255
        write_picture(picture_from_pixels(hidden), root / "occlusions" / "alley" / "frame_0001.png")
    return root


def test_a_scene_of_sintel_is_played_with_its_flow_and_its_masks(tmp_path: Path) -> None:
    (clip,) = sintel_clips(write_sintel(tmp_path))
    assert (clip.name, clip.kind, clip.count) == ("alley", SINTEL, 3)
    first, second, last = clip.play()
    assert first.flow is not None
    assert first.visible is not None
    assert first.visible[0].tolist() == [False] * 8 + [True] * 38 + [False] * 2
    back = warp_back(to_unit(second.pixels), first.flow)
    np.testing.assert_allclose(back[first.visible], to_unit(first.pixels)[first.visible], atol=1e-5)
    assert second.visible is not None
    assert second.visible[0].tolist() == [True] * 46 + [False] * 2  # it has no mask
    assert last.flow is None


def test_the_official_folder_called_training_is_found(tmp_path: Path) -> None:
    write_sintel(tmp_path / "training")
    assert len(sintel_clips(tmp_path)) == 1


def test_a_folder_without_scenes_is_a_media_error(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no scene"):
        sintel_clips(tmp_path)


def test_a_flow_of_another_size_is_a_media_error(tmp_path: Path) -> None:
    write_sintel(tmp_path)
    (tmp_path / "flow" / "alley" / "frame_0001.flo").write_bytes(flow_bytes(np.zeros((4, 4, 2), np.float32)))
    (clip,) = sintel_clips(tmp_path)
    with pytest.raises(MediaError, match="not the size"):
        list(clip.play())
