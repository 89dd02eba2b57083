from __future__ import annotations

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from stylecli.inference.normalization import statistics_model, with_statistics
from tests.support.packs import normalizing_model

MODEL = normalizing_model().SerializeToString()
ROUNDING = 1e-5  # float32 in another order of operations


def run(model: bytes, image: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    results: list[NDArray[np.float32]] = session.run(None, {"image": image})
    return results


def random_images(count: int, *, seed: int = 1) -> NDArray[np.float32]:
    return np.random.default_rng(seed).random((count, 3, 22, 34), np.float32)


def test_with_its_own_statistics_a_picture_comes_out_as_live() -> None:
    image = random_images(1)
    taken_once = run(with_statistics(MODEL, run(statistics_model(MODEL), image)), image)
    np.testing.assert_allclose(taken_once[0], run(MODEL, image)[0], atol=ROUNDING)


def test_statistics_are_mean_and_variance_of_each_normalised_map() -> None:
    first, second = run(statistics_model(MODEL), random_images(1))
    assert first.shape == second.shape == (2, 8)
    assert (first[1] > 0).all()
    # The second map is that of relu(normalised): its mean is positive, which a normalised map's is not.
    assert (second[0] > 0).all()


def test_statistics_of_patches_are_those_of_all_together() -> None:
    patches = random_images(4)
    (first, _) = run(statistics_model(MODEL), patches)
    each = [run(statistics_model(MODEL), patch[None])[0] for patch in patches]
    np.testing.assert_allclose(first[0], np.mean([one[0] for one in each], 0), atol=ROUNDING)
    squares = np.mean([one[1] + one[0] ** 2 for one in each], 0)  # E[x²] of the union is the mean of E[x²]
    np.testing.assert_allclose(first[1], squares - first[0] ** 2, atol=ROUNDING)


def test_a_normalisation_after_a_convolution_costs_no_node() -> None:
    import onnx

    statistics = run(statistics_model(MODEL), random_images(1))
    nodes = [node.op_type for node in onnx.load_model_from_string(with_statistics(MODEL, statistics)).graph.node]
    assert "InstanceNormalization" not in nodes
    assert nodes.count("Mul") == nodes.count("Add") == 1  # that after the ReLU, which has no convolution to go into


def test_other_statistics_make_another_picture_and_the_same_ones_the_same() -> None:
    image, other = random_images(1), random_images(1, seed=2) * 0.3
    statistics = run(statistics_model(MODEL), other)
    fixed = run(with_statistics(MODEL, statistics), image)[0]
    assert np.abs(fixed - run(MODEL, image)[0]).max() > 0.05
    np.testing.assert_array_equal(fixed, run(with_statistics(MODEL, statistics), image)[0])
