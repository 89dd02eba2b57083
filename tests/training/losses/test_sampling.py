from __future__ import annotations

import torch

from stylecli.training.losses.sampling import sample_features


def test_positions_depend_on_seed_and_size_alone() -> None:
    maps = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(sample_features(maps, "a", count=10) * 2, sample_features(2 * maps, "a", count=10))
    assert sample_features(maps, "a", count=10).shape == (2, 3, 10)
    assert sample_features(maps, "a", count=100).shape == (2, 3, 64)
    assert not torch.equal(sample_features(maps, "a", count=10), sample_features(maps, "b", count=10))
