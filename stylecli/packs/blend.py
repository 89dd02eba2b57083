"""A blend of styles, such as `great-wave:0.6+starry-night:0.4`: one network that paints between them.

Networks that were fine-tuned from one common base are interpolated in their weights (deep network interpolation, Wang
et al. 2019), which costs nothing at run time. Others become one network that mixes the pictures of all, which takes the
time of all.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import PackError, UsageError
from stylecli.packs.card import ModelFile
from stylecli.packs.pack import StylePack

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, TensorProto

PARTS_MAX = 4
# The least mean cosine between the kernels of two networks that have a base in common. Measured: 0.90 between styles
# that were learned from one base; 0.15 to 0.18 between styles that were pruned apart.
RELATED = 0.4
NETWORKS_KEPT = 8  # of the latest blends: an editor asks for the same one with every frame


class Part(NamedTuple):
    """One style of a blend, with its share in 0..1; the shares of a blend add up to 1."""

    style: str
    share: float


@dataclass(frozen=True)
class Blend(StylePack):
    """A pack that stands for several: it paints with a network made of theirs. Its folder and card are the first's."""

    parts: tuple[Part, ...] = ()
    content: bytes = field(default=b"", repr=False)
    is_interpolated: bool = False  # false: the pictures are mixed

    @property
    def is_stored(self) -> bool:
        """Whether the model is a file: that of a blend is not."""
        return False

    def model_bytes(self, variant: str | None = None) -> bytes:
        """Return the blended model; raises PackError for a variant that it was not made of."""
        self.model(variant)
        return self.content


def blend_name(parts: Sequence[Part]) -> str:
    """Return the name of a blend, fit for files: `great-wave-60-starry-night-40`."""
    return "-".join(f"{part.style}-{round(100 * part.share)}" for part in parts)


def is_blend(text: str) -> bool:
    """Whether a name means a blend: no style has a plus sign in its name."""
    return "+" in text


def parse_blend(text: str) -> tuple[Part, ...]:
    """Parse `NAME[:WEIGHT]+NAME[:WEIGHT]...`; a part without a weight has weight 1.

    Raises:
        UsageError: a part is empty, names a variant, has no positive weight, or there are too many.
    """
    weights: dict[str, float] = {}
    for term in text.split("+"):
        name, colon, weight = (piece.strip() for piece in term.partition(":"))
        try:
            value = float(weight) if colon else 1.0
        except ValueError as error:
            raise _unclear(text, f"{weight!r} is no weight") from error
        if not name:
            raise _unclear(text, "a style's name is missing")
        if not (0 < value < math.inf):
            raise _unclear(text, f"the weight of {name} is {weight}, it must be above 0")
        if name in weights:
            raise _unclear(text, f"{name} stands there twice")
        weights[name] = value
    if not 2 <= len(weights) <= PARTS_MAX:
        raise _unclear(text, f"{len(weights)} styles, a blend has 2 to {PARTS_MAX}")
    total = sum(weights.values())
    return tuple(Part(name, value / total) for name, value in weights.items())


def blend(packs: Sequence[StylePack], shares: Sequence[float]) -> Blend:
    """Blend styles, each in its variant that is meant, in `shares` that add up to 1.

    Raises:
        PackError: a model is damaged, is stored in 8 or 16 bits, or differs from the others in its ONNX version.
    """
    for pack in packs:
        if (precision := pack.model().precision) != "fp32":
            raise PackError(
                f"{pack.name}: its variant {pack.model().variant} is stored as {precision}, which cannot be blended",
                hint="Leave `variant` out.",
            )
    sources = _Sources(tuple(pack.model().sha256 for pack in packs), tuple(shares), packs)
    content, is_interpolated = _network_of(sources)
    parts = tuple(Part(pack.name, share) for pack, share in zip(packs, shares, strict=True))
    return _pack_of(packs, parts, content, is_interpolated)


@dataclass(frozen=True)
class _Sources:
    """What decides a blended network: the sha256 of each part's model, and the shares."""

    models: tuple[str, ...]
    shares: tuple[float, ...]
    packs: Sequence[StylePack] = field(compare=False)


@lru_cache(maxsize=NETWORKS_KEPT)
def _network_of(sources: _Sources) -> tuple[bytes, bool]:
    """Return the blended model, and whether its weights are interpolated."""
    import onnx  # takes 0.2 s, which a single style need not pay

    models = [onnx.load_model_from_string(pack.model_bytes()) for pack in sources.packs]
    versions = {tuple((one.domain, one.version) for one in model.opset_import) for model in models}
    if len(versions) > 1:
        raise PackError(
            f"{', '.join(pack.name for pack in sources.packs)}: their networks are of different ONNX versions",
            hint="Export them with one version of stylecli.",
        )
    is_interpolated = are_related(models)
    model = (_interpolated if is_interpolated else _mixed)(models, sources.shares)
    content: bytes = model.SerializeToString()
    return content, is_interpolated


def _pack_of(packs: Sequence[StylePack], parts: tuple[Part, ...], content: bytes, is_interpolated: bool) -> Blend:
    """Make the pack of a blended model. Its reach is that of the part that sees farthest."""
    first, facts = packs[0], [pack.model() for pack in packs]
    reach = 0 if any(one.reach == 0 for one in facts) else max(one.reach for one in facts)
    statistics = "patches" if all(one.statistics == "patches" for one in facts) else "live"
    model: ModelFile = replace(
        facts[0],
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        statistics=statistics,
        reach=reach,
    )
    card = replace(
        first.card,
        name=blend_name(parts),
        title=" + ".join(f"{pack.card.title} {part.share:.0%}" for pack, part in zip(packs, parts, strict=True)),
        artist=", ".join(dict.fromkeys(pack.card.artist for pack in packs)),
        models=(model,),
        default=model.variant,
        network=f"{first.card.network}, {'weights interpolated' if is_interpolated else 'pictures of all mixed'}",
        measured={},
        files={},
        fill=sum(part.share * pack.card.fill for pack, part in zip(packs, parts, strict=True)),
        detail=sum(part.share * pack.card.detail for pack, part in zip(packs, parts, strict=True)),
        flow=sum(part.share * pack.card.flow for pack, part in zip(packs, parts, strict=True)),
    )
    return Blend(first.folder, card, parts=parts, content=content, is_interpolated=is_interpolated)


def are_related(models: Sequence[ModelProto]) -> bool:
    """Whether all are the same graph with weights that point the same way, as after fine-tuning of one base."""
    first, *others = models
    if any(_layers(one) != _layers(first) for one in others):
        return False
    vectors = [_kernels(model.graph) for model in models]
    lengths = [np.linalg.norm(vector) for vector in vectors]
    return all(
        vectors[0] @ vector >= RELATED * lengths[0] * length
        for vector, length in zip(vectors[1:], lengths[1:], strict=True)
    )


def _layers(model: ModelProto) -> bytes:
    """Serialize all of a graph but the values of its weights."""
    from onnx import GraphProto

    bare = GraphProto()
    bare.CopyFrom(model.graph)
    bare.name = ""
    for tensor in bare.initializer:
        if _is_weight(tensor):
            tensor.ClearField("raw_data")
            tensor.ClearField("float_data")
    layers: bytes = bare.SerializeToString(deterministic=True)
    return layers


def _is_weight(tensor: TensorProto) -> bool:
    from onnx import TensorProto

    return bool(tensor.data_type == TensorProto.FLOAT)


def _kernels(graph: GraphProto) -> NDArray[np.float32]:
    """Concatenate the kernels of all convolutions, each scaled to length 1, so that the layers count alike."""
    from onnx import numpy_helper

    kernels = (tensor for tensor in graph.initializer if _is_weight(tensor) and len(tensor.dims) == 4)
    rows = [numpy_helper.to_array(kernel).ravel() for kernel in kernels]
    return np.concatenate([row / max(np.linalg.norm(row), 1e-12) for row in rows])


def _interpolated(models: Sequence[ModelProto], shares: Sequence[float]) -> ModelProto:
    """Interpolate the weights, w = sum_k share_k w_k (Wang et al. 2019, "Deep network interpolation")."""
    from onnx import ModelProto, numpy_helper

    model = ModelProto()
    model.CopyFrom(models[0])
    for place, tensor in enumerate(model.graph.initializer):
        if _is_weight(tensor):
            values = (numpy_helper.to_array(one.graph.initializer[place]) for one in models)
            mean = sum(share * value for share, value in zip(shares, values, strict=True))
            tensor.CopyFrom(numpy_helper.from_array(np.asarray(mean, np.float32), tensor.name))
    return model


def _mixed(models: Sequence[ModelProto], shares: Sequence[float]) -> ModelProto:
    """Build a model that computes sum_k share_k f_k(x): each network paints, and the pictures are added up."""
    from onnx import compose, helper, numpy_helper

    merged = helper.make_graph([], "blend", [], [])
    merged.input.append(models[0].graph.input[0])
    merged.output.append(models[0].graph.output[0])
    pictures: list[str] = []
    for place, (model, share) in enumerate(zip(models, shares, strict=True)):
        part = compose.add_prefix_graph(model.graph, f"style{place}.")
        photo, picture = part.input[0].name, part.output[0].name
        for node in part.node:
            node.input[:] = [models[0].graph.input[0].name if name == photo else name for name in node.input]
        merged.node.extend(part.node)
        merged.initializer.extend(part.initializer)
        merged.initializer.append(numpy_helper.from_array(np.array(share, np.float32), f"{picture}.share"))
        merged.node.append(helper.make_node("Mul", [picture, f"{picture}.share"], [f"{picture}.shared"]))
        pictures.append(f"{picture}.shared")
    merged.node.append(helper.make_node("Sum", pictures, ["stylized"]))
    return helper.make_model(merged, opset_imports=models[0].opset_import, ir_version=models[0].ir_version)


def _unclear(text: str, fault: str) -> UsageError:
    return UsageError(f"{text}: {fault}", hint='Write a blend as "great-wave:0.6+starry-night:0.4".')
