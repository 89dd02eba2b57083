"""Edit an ONNX model so that its brush strokes run along the shapes, instead of a fine weave.

A small network paints with strokes of a few pixels that cross each other. Here its picture is smoothed along the edges
and sharpened across them, as in coherence-enhancing filtering (Kyprianidis and Kang 2011): the structure tensor,
blurred, tells in which direction the strokes run, and a line integral (Cabral and Leedom 1993) draws them out. Where
many directions meet, as in an eye or in letters, the picture stays as it is.

All of this runs at half of the resolution, as part of the graph, so that onnxruntime does it on every device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import PackError
from stylecli.inference.model_graph import Graph, edited, parsed, rename_tensors
from stylecli.inference.model_tail import COLORS, PHASES, POINTWISE, convolution_of, tail_of

if TYPE_CHECKING:
    from onnx import NodeProto

FLOW_INPUT = "flow"
FLOW_REACH = 64  # pixels: how far a pixel of the network's picture affects others; tests measure less
OPSET_LEAST = 15

# Lengths below are in pixels of half the resolution.
MARGIN = 8  # around the picture, where its border is repeated; even, since the tensor is averaged over 2 x 2
TENSOR_BLUR = 2.0  # standard deviation of the neighbourhood in which strokes have one direction; even multiples of 1
STEPS = (1, 3)  # to the pixels on both sides, along the longer axis, with which each is averaged in turn
QUIET = 4e-3  # contrast, as the tensor measures it, that is too weak for directions that meet
MIXED, ALIKE = 0.2, 0.7  # coherence of the directions from which strokes begin to be drawn out, and are all
SHARPENING, SHARPENING_BLUR = 1.2, 0.8  # unsharp mask: weight and standard deviation
ENLARGING = 3  # pixels on each side that a pixel of the full resolution is computed from
CUBIC = -0.75  # the parameter of cubic interpolation (Keys 1981), the usual value for pictures

# From the network's picture at half of the resolution, `halved`, to `stylized`; `image` only gives the size.
# dx and dy are differences over two pixels. `slope` is that of the strokes, along the axis to which they are nearer.
GRAPH = """
flow (float[N, 3, H, W] image, float[N, 3, h, w] halved, float flow) => (float[N, 3, H, W] stylized)
<
  int64[2] margin = {{{margin}, {margin}}}, int64[2] cropped = {{{cropped}, {cropped}}}, int64[2] none = {{0, 0}},
  int64[8] frame = {{0, 0, 1, 1, 0, 0, 1, 1}}, int64[1] zero = {{0}}, int64[1] one = {{1}}, int64[1] two = {{2}},
  int64[1] three = {{3}}, int64[2] both = {{2, 3}}, int64[2] middle_left = {{1, 0}}, int64[2] middle_right = {{1, 2}},
  int64[2] upper = {{0, 1}}, int64[2] lower = {{2, 1}}, int64[2] left_end = {{-1, -2}}, int64[2] upper_end = {{-2, -1}},
  int64[2] right_end = {{-1, {most}}}, int64[2] lower_end = {{{most}, -1}}, int64[3] flat = {{0, 0, -1}},
  float[4] doubled = {{1, 1, 2, 2}}, float red_share = {{0.299}}, float green_share = {{0.587}},
  float blue_share = {{0.114}}, float black = {{0}}, float white = {{1}}, float double = {{2}}, float half = {{0.5}},
  float quarter = {{0.25}}, float tiny = {{1e-12}}, float quiet = {{{quiet}}}, float mixed = {{{mixed}}},
  float range = {{{range}}}, int32 start = {{0}}, int32 step = {{1}}
>
{{
  size = Shape <start = 2> (image)
  halved_size = Shape <start = 2> (halved)
  odd = Mod (halved_size, two)
  after = Add (odd, margin)
  sides = Concat <axis = 0> (none, margin, none, after)
  framed = Pad <mode = "edge"> (halved, sides)
  red = Slice (framed, zero, one, one)
  green = Slice (framed, one, two, one)
  blue = Slice (framed, two, three, one)

  red_part = Mul (red, red_share)
  green_part = Mul (green, green_share)
  blue_part = Mul (blue, blue_share)
  warm_part = Add (red_part, green_part)
  luma = Add (warm_part, blue_part)
  luma_framed = Pad <mode = "edge"> (luma, frame)
  on_the_left = Slice (luma_framed, middle_left, left_end, both)
  on_the_right = Slice (luma_framed, middle_right, right_end, both)
  above = Slice (luma_framed, upper, upper_end, both)
  below = Slice (luma_framed, lower, lower_end, both)
  dx = Sub (on_the_right, on_the_left)
  dy = Sub (below, above)
  dx_dx = Mul (dx, dx)
  dy_dy = Mul (dy, dy)
  dx_dy = Mul (dx, dy)
  tensor = Concat <axis = 1> (dx_dx, dy_dy, dx_dy)
  coarse = AveragePool <kernel_shape = [2, 2], strides = [2, 2]> (tensor)
  coarse_rows = Conv <group = 3, pads = [0, {blur_reach}, 0, {blur_reach}]> (coarse, blur_along_rows)
  blurred = Conv <group = 3, pads = [{blur_reach}, 0, {blur_reach}, 0]> (coarse_rows, blur_along_columns)
  smooth = Resize <mode = "linear"> (blurred, , doubled)
  smooth_dx_dx = Slice (smooth, zero, one, one)
  smooth_dy_dy = Slice (smooth, one, two, one)
  smooth_dx_dy = Slice (smooth, two, three, one)

  energy = Add (smooth_dx_dx, smooth_dy_dy)
  difference = Sub (smooth_dx_dx, smooth_dy_dy)
  mixture = Mul (smooth_dx_dy, double)
  difference_squared = Mul (difference, difference)
  mixture_squared = Mul (mixture, mixture)
  strength_squared = Add (difference_squared, mixture_squared)
  strength = Sqrt (strength_squared)
  strength_or_quiet = Add (strength, quiet)
  energy_or_quiet = Add (energy, quiet)
  coherence = Div (strength_or_quiet, energy_or_quiet)
  over_mixed = Sub (coherence, mixed)
  alike = Div (over_mixed, range)
  alike_share = Clip (alike, black, white)
  weight_map = Mul (alike_share, flow)
  weight = Reshape (weight_map, flat)
  half_weight = Mul (weight, half)
  quarter_weight = Mul (weight, quarter)
  kept = Sub (white, half_weight)

  opposite = Neg (mixture)
  steepness = Abs (difference)
  twice_steep = Add (strength, steepness)
  divisor = Add (twice_steep, tiny)
  slope_map = Div (opposite, divisor)
  slope = Reshape (slope_map, flat)
  is_level_map = LessOrEqual (difference, black)
  is_level = Reshape (is_level_map, flat)
  framed_shape = Shape (framed)
  framed_size = Shape <start = 2> (framed)
  pixels_wide = ReduceProd <keepdims = 0> (framed_size)
  pixels = Cast <to = 6> (pixels_wide)
  row_wide = Slice (framed_size, one, two, zero)
  row = Cast <to = 6> (row_wide)
  along = Where (is_level, step, row)
  beside = Where (is_level, row, step)
  place = Range (start, pixels, step)
  last = Sub (pixels, step)
  red_0 = Reshape (red, flat)
  green_0 = Reshape (green, flat)
  blue_0 = Reshape (blue, flat)
  {passes}
  drawn_out = Concat <axis = 1> (red_{count}, green_{count}, blue_{count})
  planes = Reshape (drawn_out, framed_shape)
  phases = Conv <group = 3> (planes, enlarging)
  enlarged = DepthToSpace <blocksize = 2, mode = "CRD"> (phases)
  in_range = Clip (enlarged, black, white)
  end = Add (size, cropped)
  stylized = Slice (in_range, cropped, end, both)
}}
"""

# One pass: each pixel is averaged with those `step` pixels away along the stroke, on both sides. These lie between two
# pixels, `near` and `far` from the axis.
PASS = """
  step_{k} = Constant <value = int32 {{{step}}}> ()
  length_{k} = Constant <value = float {{{step}}}> ()
  shift_{k} = Mul (slope, length_{k})
  shift_floor_{k} = Floor (shift_{k})
  far_share_{k} = Sub (shift_{k}, shift_floor_{k})
  far_weight_{k} = Mul (quarter_weight, far_share_{k})
  near_weight_{k} = Sub (quarter_weight, far_weight_{k})
  shift_whole_{k} = Cast <to = 6> (shift_floor_{k})
  shift_beside_{k} = Mul (shift_whole_{k}, beside)
  shift_along_{k} = Mul (along, step_{k})
  near_{k} = Add (shift_along_{k}, shift_beside_{k})
  far_{k} = Add (near_{k}, beside)
"""
PLACE = """
  {name}_any_{k} = {operator} (place, {distance}_{k})
  {name}_least_{k} = Max ({name}_any_{k}, start)
  {name}_{k} = Min ({name}_least_{k}, last)
"""
COLOR = """
  {color}_near_ahead_{k} = GatherElements <axis = 2> ({color}_{k}, near_ahead_{k})
  {color}_near_behind_{k} = GatherElements <axis = 2> ({color}_{k}, near_behind_{k})
  {color}_near_{k} = Add ({color}_near_ahead_{k}, {color}_near_behind_{k})
  {color}_near_part_{k} = Mul ({color}_near_{k}, near_weight_{k})
  {color}_far_ahead_{k} = GatherElements <axis = 2> ({color}_{k}, far_ahead_{k})
  {color}_far_behind_{k} = GatherElements <axis = 2> ({color}_{k}, far_behind_{k})
  {color}_far_{k} = Add ({color}_far_ahead_{k}, {color}_far_behind_{k})
  {color}_far_part_{k} = Mul ({color}_far_{k}, far_weight_{k})
  {color}_others_{k} = Add ({color}_near_part_{k}, {color}_far_part_{k})
  {color}_own_{k} = Mul ({color}_{k}, kept)
  {color}_{next} = Add ({color}_own_{k}, {color}_others_{k})
"""


def flowing_model(content: bytes) -> bytes:
    """Return a model of the style-pack contract with one more input, `flow`, float32 (): how far strokes are drawn out.

    0: not at all, the picture is only softened; 1: all along the shapes.

    Raises:
        PackError: the model is of a version of ONNX that lacks an operator.
    """
    from onnx import TensorProto, helper

    model = parsed(content)
    version = next(one.version for one in model.opset_import if not one.domain)
    if version < OPSET_LEAST:
        raise PackError(
            f"a network of ONNX opset {version}: strokes flow from opset {OPSET_LEAST} on",
            hint="Set `flow` to 0, or export the style anew.",
        )
    rename_tensors(model.graph, prefix="network.", but=("image", "stylized"))
    graph = Graph(model.graph)
    nodes = [*_halved(graph), *_drawn_out(graph)]
    model.graph.input.append(helper.make_tensor_value_info(FLOW_INPUT, TensorProto.FLOAT, []))
    return edited(model, nodes)


def _halved(graph: Graph) -> list[NodeProto]:
    """Return the network's nodes with its picture at half of the resolution, `halved`, instead of `stylized`.

    The last convolution of most networks writes 2 x 2 pixels as channels. Then their mean is taken, which saves moving
    all of them to their places.
    """
    from onnx import helper

    tail = tail_of(graph)
    spreads = any(node.op_type == "DepthToSpace" and convolution_of(graph, node) for node in tail)
    crops = [node for node in tail if node.op_type == "Slice"]
    if not spreads or not all(_starts_evenly(graph, crop) for crop in crops):
        graph.makers["stylized"].output[0] = "network.stylized"
        sides = (PHASES, PHASES)
        pooling = helper.make_node(
            "AveragePool", ["network.stylized"], ["halved"], kernel_shape=sides, strides=sides, ceil_mode=1
        )
        return [*graph.graph.node, pooling]
    nodes = [node for node in graph.graph.node if not any(node is other for other in tail)]
    name = tail[0].input[0]
    for number, node in enumerate(node for node in tail if node.op_type in POINTWISE):
        node.input[0], node.output[0] = name, f"halving.{number}"
        nodes.append(node)
        name = node.output[0]
    mean = graph.add_constant(np.full((COLORS, PHASES**2, 1, 1), PHASES**-2, np.float32), "halving.mean")
    nodes.append(helper.make_node("Conv", [name, mean], ["halving.whole"], group=COLORS))
    two = graph.add_constant(np.array([PHASES]), "halving.two")
    name = "halving.whole"
    for number, crop in enumerate(crops):
        start, rest, end, result = (f"halving.{part}.{number}" for part in ("start", "rest", "end", "cropped"))
        nodes.append(helper.make_node("Div", [crop.input[1], two], [start]))
        nodes.append(helper.make_node("Div", [crop.input[2], two], [rest]))
        nodes.append(helper.make_node("Sub", [crop.input[2], rest], [end]))  # half of it, rounded up
        crop.input[:3], crop.output[0], name = [name, start, end], result, result
        nodes.append(crop)
    return [*nodes, helper.make_node("Identity", [name], ["halved"])]


def _starts_evenly(graph: Graph, crop: NodeProto) -> bool:
    """Whether a Slice begins at even, constant places, counted from the start."""
    start = crop.input[1]
    return start in graph.constants and bool(((graph.value(start) >= 0) & (graph.value(start) % PHASES == 0)).all())


def _drawn_out(graph: Graph) -> list[NodeProto]:
    """Return the nodes that make `stylized` of `halved`; their constants are added to the graph."""
    from onnx import parser

    passes = "".join(_pass(number, step) for number, step in enumerate(STEPS))
    blur = _gaussian(TENSOR_BLUR / 2)  # the tensor is at a quarter of the resolution
    text = GRAPH.format(
        margin=MARGIN,
        cropped=PHASES * (MARGIN - ENLARGING),
        most=2**31 - 1,
        quiet=QUIET,
        mixed=MIXED,
        range=ALIKE - MIXED,
        blur_reach=len(blur) // 2,
        passes=passes,
        count=len(STEPS),
    )
    flow = parser.parse_graph(text)
    rename_tensors(flow, prefix="flow.", but=("image", "halved", FLOW_INPUT, "stylized"))
    graph.graph.initializer.extend(flow.initializer)
    for name, shape in (("rows", (1, -1)), ("columns", (-1, 1))):
        kernel = np.tile(blur.reshape(1, 1, *shape), (COLORS, 1, 1, 1)).astype(np.float32)
        graph.add_constant(kernel, f"flow.blur_along_{name}")
    graph.add_constant(_enlarging_kernel(), "flow.enlarging")
    nodes: list[NodeProto] = [*flow.node]
    return nodes


def _pass(number: int, step: int) -> str:
    """Return the nodes of one pass, in ONNX's text format."""
    lines = PASS.format(k=number, step=step)
    for distance in ("near", "far"):
        for name, operator in (("ahead", "Add"), ("behind", "Sub")):
            lines += PLACE.format(k=number, distance=distance, name=f"{distance}_{name}", operator=operator)
    colors = (COLOR.format(k=number, next=number + 1, color=color) for color in ("red", "green", "blue"))
    return lines + "".join(colors)


def _enlarging_kernel() -> NDArray[np.float32]:
    """Return the convolution (12, 1, 7, 7) that doubles the size and sharpens; it writes 2 x 2 pixels as channels.

    Cubic interpolation and an unsharp mask.
    """
    taps = np.arange(-ENLARGING, ENLARGING + 1)
    blur = _gaussian(PHASES * SHARPENING_BLUR)
    reach = len(blur) // 2
    pixels = np.arange(-reach, PHASES + reach)  # of the full resolution; 0 and 1 are those of the tap 0
    enlarged = _cubic((pixels[:, None] + 0.5) / PHASES - 0.5 - taps)
    blurred = np.stack([blur @ enlarged[phase : phase + len(blur)] for phase in range(PHASES)])
    enlarged = enlarged[reach : reach + PHASES]
    sharp, soft = (np.einsum("iu,jv->ijuv", *(each / each.sum(1, keepdims=True),) * 2) for each in (enlarged, blurred))
    kernel = (1 + SHARPENING) * sharp - SHARPENING * soft
    return np.tile(kernel.reshape(PHASES**2, 1, len(taps), len(taps)), (COLORS, 1, 1, 1)).astype(np.float32)


def _cubic(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights of cubic interpolation for pixels at these distances (Keys 1981)."""
    x = np.abs(distance)
    near = ((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1
    far = CUBIC * (((x - 5) * x + 8) * x - 4)
    weights: NDArray[np.float64] = np.where(x <= 1, near, np.where(x < 2, far, 0))
    return weights


def _gaussian(deviation: float) -> NDArray[np.float64]:
    """Return the weights of a Gaussian blur, up to four standard deviations."""
    reach = round(4 * deviation)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    normalized: NDArray[np.float64] = weights / weights.sum()
    return normalized
