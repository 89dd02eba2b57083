"""The nodes that draw the strokes of a picture out along its shapes; `inference.flow` puts them behind a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stylecli.inference.model_graph import Graph, rename_tensors
from stylecli.inference.model_tail import COLORS, PHASES
from stylecli.media.pixels import LUMA

if TYPE_CHECKING:
    from onnx import NodeProto

FLOW_INPUT = "flow"

# Lengths below are in pixels of half the resolution.
MARGIN = 8  # around the picture, where its border is repeated; even, since the tensor is averaged over 2 x 2
TENSOR_BLUR = 2.0  # standard deviation of the neighbourhood in which strokes have one direction
STEPS = (1, 3)  # to the pixels on both sides, along the longer axis, with which each is averaged in turn
QUIET = 4e-3  # contrast, as the tensor measures it, that is too weak for directions that meet
MIXED, ALIKE = 0.2, 0.7  # coherence of the directions from which strokes begin to be drawn out, and are all
SHARPENING, SHARPENING_BLUR = 1.2, 0.8  # unsharp mask: weight and standard deviation
ENLARGING = 3  # pixels on each side that a pixel of the full resolution is computed from
CUBIC = -0.75  # the parameter of cubic interpolation (Keys 1981), the usual value for pictures

# The nodes, in ONNX's text format: from the network's picture at half of the resolution, `halved`, to `stylized`. What
# is not made here is a constant.
BEFORE = """
  halved_size = Shape <start = 2> (halved)
  odd = Mod (halved_size, two)
  after = Add (odd, margin)
  sides = Concat <axis = 0> (none, margin, none, after)
  framed = Pad <mode = "edge"> (halved, sides)
  red = Slice (framed, first, second, channels)
  green = Slice (framed, second, third, channels)
  blue = Slice (framed, third, fourth, channels)
"""
# The structure tensor. dx and dy are differences over two pixels.
TENSOR = """
  red_part = Mul (red, red_share)
  green_part = Mul (green, green_share)
  blue_part = Mul (blue, blue_share)
  warm_part = Add (red_part, green_part)
  luma = Add (warm_part, blue_part)
  luma_framed = Pad <mode = "edge"> (luma, pixel_around)
  on_the_left = Slice (luma_framed, left_start, left_end, places)
  on_the_right = Slice (luma_framed, right_start, right_end, places)
  above = Slice (luma_framed, above_start, above_end, places)
  below = Slice (luma_framed, below_start, below_end, places)
  dx = Sub (on_the_right, on_the_left)
  dy = Sub (below, above)
  dx_dx = Mul (dx, dx)
  dy_dy = Mul (dy, dy)
  dx_dy = Mul (dx, dy)
  tensor = Concat <axis = 1> (dx_dx, dy_dy, dx_dy)
  coarse = AveragePool <kernel_shape = [2, 2], strides = [2, 2]> (tensor)
  coarse_framed = Pad (coarse, blur_around)
  coarse_rows = Conv <group = 3> (coarse_framed, blur_along_rows)
  blurred = Conv <group = 3> (coarse_rows, blur_along_columns)
  smooth = Resize <mode = "linear"> (blurred, , doubled)
  smooth_dx_dx = Slice (smooth, first, second, channels)
  smooth_dy_dy = Slice (smooth, second, third, channels)
  smooth_dx_dy = Slice (smooth, third, fourth, channels)
"""
# How far strokes are drawn out, from the share by which the directions of the neighbourhood agree.
WEIGHT = """
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
  alike = Div (over_mixed, mixed_to_alike)
  alike_share = Clip (alike, black, white)
  weight_map = Mul (alike_share, flow)
  weight = Reshape (weight_map, flat)
  half_weight = Mul (weight, half)
  quarter_weight = Mul (weight, quarter)
  kept = Sub (white, half_weight)
"""
# Where strokes run: along the axis to which they are nearer, and by `slope` to its side. A place is an index into all
# pixels.
DIRECTION = """
  opposite = Neg (mixture)
  steepness = Abs (difference)
  strength_and_steepness = Add (strength, steepness)
  divisor = Add (strength_and_steepness, tiny)
  slope_map = Div (opposite, divisor)
  slope = Reshape (slope_map, flat)
  is_level_map = LessOrEqual (difference, black)
  is_level = Reshape (is_level_map, flat)
  framed_size = Shape <start = 2> (framed)
  row_long = Slice (framed_size, second, third, first)
  row = Cast <to = 6> (row_long)
  along = Where (is_level, next_pixel, row)
  beside = Where (is_level, row, next_pixel)
  pixels_long = ReduceProd <keepdims = 0> (framed_size)
  pixels = Cast <to = 6> (pixels_long)
  place = Range (first_pixel, pixels, next_pixel)
  last_pixel = Sub (pixels, next_pixel)
  red_0 = Reshape (red, flat)
  green_0 = Reshape (green, flat)
  blue_0 = Reshape (blue, flat)
"""
# One pass: each pixel is averaged with those `step` pixels away along the stroke, on both sides. Each of these lies
# between two pixels, one nearer to the axis, one farther from it.
PASS = """
  step_{k} = Cast <to = 6> (length_{k})
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
  {distance}_{side}_any_{k} = {operator} (place, {distance}_{k})
  {distance}_{side}_least_{k} = Max ({distance}_{side}_any_{k}, first_pixel)
  {distance}_{side}_{k} = Min ({distance}_{side}_least_{k}, last_pixel)
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
# Back to the full resolution, sharpened; the size is that of `image`.
AFTER = """
  drawn_out = Concat <axis = 1> (red_{k}, green_{k}, blue_{k})
  framed_shape = Shape (framed)
  planes = Reshape (drawn_out, framed_shape)
  phases = Conv <group = 3> (planes, enlarging)
  enlarged = DepthToSpace <blocksize = 2, mode = "CRD"> (phases)
  in_range = Clip (enlarged, black, white)
  size = Shape <start = 2> (image)
  end = Add (size, cropped)
  stylized = Slice (in_range, cropped, end, places)
"""


def drawn_out(graph: Graph) -> list[NodeProto]:
    """Return the nodes that make `stylized` of `halved`; their constants are added to the graph."""
    from onnx import parser

    passes = "".join(_pass(number) for number in range(len(STEPS)))
    text = "".join([BEFORE, TENSOR, WEIGHT, DIRECTION, passes, AFTER.format(k=len(STEPS))])
    flow = parser.parse_graph(f"flow (float image, float halved, float flow) => (float stylized) {{{text}}}")
    prefix = "flow."
    rename_tensors(flow, prefix=prefix, but=("image", "halved", FLOW_INPUT, "stylized"))
    for name, value in _constants().items():
        graph.add_constant(value, f"{prefix}{name}")
    nodes: list[NodeProto] = [*flow.node]
    return nodes


def _pass(number: int) -> str:
    """Return the nodes of one pass."""
    nodes = PASS.format(k=number)
    for distance in ("near", "far"):
        for side, operator in (("ahead", "Add"), ("behind", "Sub")):
            nodes += PLACE.format(k=number, distance=distance, side=side, operator=operator)
    return nodes + "".join(COLOR.format(k=number, next=number + 1, color=color) for color in ("red", "green", "blue"))


def _constants() -> dict[str, NDArray[Any]]:
    """Return the constants of the nodes, by name."""
    blur = _gaussian(TENSOR_BLUR / 2).astype(np.float32)  # the tensor is halved once more
    reach, all_of_it = len(blur) // 2, 2**31 - 1
    lists = {
        "margin": [MARGIN] * 2,
        "cropped": [PHASES * (MARGIN - ENLARGING)] * 2,
        "none": [0, 0],
        "two": [2],
        **{name: [place] for place, name in enumerate(("first", "second", "third", "fourth"))},
        "channels": [1],
        "places": [2, 3],
        "flat": [0, 0, -1],
        "pixel_around": [0, 0, 1, 1] * 2,
        "blur_around": [0, 0, reach, reach] * 2,
        "left_start": [1, 0],
        "left_end": [-1, -2],
        "right_start": [1, 2],
        "right_end": [-1, all_of_it],
        "above_start": [0, 1],
        "above_end": [-2, -1],
        "below_start": [2, 1],
        "below_end": [all_of_it, -1],
    }
    numbers = {
        **dict(zip(("red_share", "green_share", "blue_share"), LUMA.tolist(), strict=True)),
        "black": 0,
        "white": 1,
        "quarter": 0.25,
        "half": 0.5,
        "double": 2,
        "tiny": 1e-12,
        "quiet": QUIET,
        "mixed": MIXED,
        "mixed_to_alike": ALIKE - MIXED,
        **{f"length_{number}": step for number, step in enumerate(STEPS)},
    }
    return {
        **{name: np.array(value, np.int64) for name, value in lists.items()},
        **{name: np.array(value, np.float32) for name, value in numbers.items()},
        **{name: np.array(value, np.int32) for name, value in (("first_pixel", 0), ("next_pixel", 1))},
        "doubled": np.array([1, 1, 2, 2], np.float32),
        "blur_along_rows": np.tile(blur, (COLORS, 1, 1, 1)),
        "blur_along_columns": np.tile(blur[:, None], (COLORS, 1, 1, 1)),
        "enlarging": _enlarging_kernel(),
    }


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
