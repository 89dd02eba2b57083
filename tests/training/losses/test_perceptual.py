from __future__ import annotations

import pytest
import torch

from stylecli.training.losses.perceptual import content_loss, gram_matrix, pixel_loss, style_loss
from stylecli.training.losses.regularizers import grid_loss, total_variation

FEATURES = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])  # (1, C=2, H=1, W=2)


def test_gram_matrix_by_hand() -> None:
    # [1 2; 3 4] [1 2; 3 4]^T = [5 11; 11 25], over C H W = 4
    torch.testing.assert_close(gram_matrix(FEATURES), torch.tensor([[[1.25, 2.75], [2.75, 6.25]]]))


def test_content_loss_by_hand() -> None:
    # differences 1, 0, 0, 2: mean square 5/4; target 0, 2, 3, 2: mean square 17/4
    target = torch.tensor([[[[0.0, 2.0]], [[3.0, 2.0]]]])
    assert content_loss(FEATURES, target).item() == pytest.approx(5 / 17)


def test_style_loss_by_hand() -> None:
    # G - G_s = [0.25 0.75; 0.75 0.25]: squared norm 1.25; G_s = [1 2; 2 6]: 45
    target = {"relu1_1": torch.tensor([[[1.0, 2.0], [2.0, 6.0]]])}
    assert style_loss({"relu1_1": FEATURES}, target).item() == pytest.approx(1.25 / 45)


def test_style_loss_sums_layers_and_averages_the_batch() -> None:
    target = torch.tensor([[[1.0, 2.0], [2.0, 6.0]]])
    batch = torch.cat([FEATURES, FEATURES])
    both = style_loss({"a": batch, "b": batch}, {"a": target, "b": target})
    assert both.item() == pytest.approx(2 * 1.25 / 45)


def test_the_plain_losses_are_the_formulae_of_the_paper() -> None:
    other = FEATURES + 2
    assert content_loss(other, FEATURES, relative=False).item() == pytest.approx(4)
    target = torch.tensor([[[1.0, 2.0], [2.0, 6.0]]])
    # The same distance as above, not divided by the target's squared norm of 45.
    assert style_loss({"a": FEATURES}, {"a": target}, relative=False).item() == pytest.approx(1.25)


def test_the_plain_style_loss_grows_with_the_fourth_power_of_the_features_and_the_relative_one_does_not() -> None:
    target = gram_matrix(FEATURES) / 2
    scaled, scaled_target = FEATURES * 3, gram_matrix(FEATURES * 3) / 2
    for relative, growth in ((False, 81), (True, 1)):
        before = style_loss({"a": FEATURES}, {"a": target}, relative=relative)
        after = style_loss({"a": scaled}, {"a": scaled_target}, relative=relative)
        assert after.item() == pytest.approx(growth * before.item(), rel=1e-4)


def test_each_picture_of_a_batch_may_have_its_own_painting() -> None:
    batch = torch.cat([FEATURES, 2 * FEATURES])
    assert style_loss({"a": batch}, {"a": gram_matrix(batch)}).item() == pytest.approx(0, abs=1e-9)
    assert style_loss({"a": batch}, {"a": gram_matrix(batch.flip(0))}).item() > 0.1


def test_every_loss_of_a_batch_is_the_mean_of_those_of_its_halves() -> None:
    random = torch.Generator().manual_seed(0)
    one, other = torch.rand(2, 4, 3, 16, 16, generator=random)
    gram = gram_matrix(other[:1])
    losses = (
        lambda part: content_loss(one[part], other[part]),
        lambda part: content_loss(one[part], other[part], relative=False),
        lambda part: style_loss({"a": one[part]}, {"a": gram}),
        lambda part: pixel_loss(one[part], other[part]),
        lambda part: total_variation(one[part]),
        lambda part: grid_loss(one[part]),
    )
    for loss in losses:
        halves = (loss(slice(0, 2)) + loss(slice(2, 4))) / 2
        assert loss(slice(0, 4)).item() == pytest.approx(halves.item(), rel=1e-5)


def test_pixel_loss_by_hand() -> None:
    image = torch.tensor([[[[0.0, 0.5]], [[1.0, 1.0]], [[0.0, 0.0]]]])
    assert pixel_loss(image, torch.zeros_like(image)).item() == pytest.approx((0.25 + 1 + 1) / 6)
