"""Pixels of a GIMP layer, mask or channel, as stylecli takes them, and the painting put back where it belongs."""

from gi.repository import Gegl, Gimp

# How the pixels travel: GEGL's format and stylecli's name of it.
BYTES = ("R'G'B'A u8", "rgba8")
DEEP = ("R'G'B'A u16", "rgba16")  # for all other integers: linear ones need more than 8 bits in the shadows
FLOATS = ("R'G'B'A float", "rgba32f")  # sRGB-encoded; above 1 is kept
LIGHT = ("RGBA float", "rgba32f")  # linear, of any number of bits

OUTPUTS = ("layer", "new-layer", "new-layer-mask")


class TargetError(Exception):
    """This cannot be painted; the text is for whoever sits at the screen."""


class Target:
    """What is painted: one drawable of an image, and where the painting goes."""

    def __init__(self, image, drawable, output):
        self._image = image
        self._drawable = drawable
        self._output = output
        self._width, self._height = drawable.get_width(), drawable.get_height()
        self._format, self._pixel = _format_of(image.get_precision())
        if fault := self._fault():
            raise TargetError(fault)

    def layout(self):
        """The pixels in the words of `stylecli pipe`."""
        alpha = "straight" if self._drawable.has_alpha() else "ignore"
        size = {"width": self._width, "height": self._height}
        color = "linear" if self._format == LIGHT[0] else "srgb"
        return {**size, "pixel": self._pixel, "color": color, "alpha": alpha}

    def read(self):
        """All pixels of the drawable as bytes."""
        pixels = self._drawable.get_buffer().get(self._whole(), 1.0, self._format, Gegl.AbyssPolicy.CLAMP)
        return bytes(pixels)

    def write(self, painted, style):
        """Put the painting in place, as one step of undo. It begins only here: a failure leaves none."""
        self._image.undo_group_start()
        try:
            if self._output == "layer":
                self._write_here(painted)
            else:
                self._write_above(painted, f"{self._drawable.get_name()} ({style})")
        finally:
            self._image.undo_group_end()

    def _fault(self):
        """Why this cannot be painted; GIMP checks little of it for a call by a script."""
        if self._image.get_base_type() == Gimp.ImageBaseType.INDEXED:
            return "The image has a palette. Change it first: Image > Mode > RGB."
        if self._output not in OUTPUTS:
            return "There is no output {!r}. Give one of: {}.".format(self._output, ", ".join(OUTPUTS))
        if self._output == "layer":
            if self._drawable.is_group():
                return "A group of layers has no pixels of its own. Choose a new layer as output."
            if self._drawable.get_lock_content():
                return "The pixels of this layer are locked. Unlock them, or choose a new layer as output."
        elif not isinstance(self._drawable, Gimp.Layer):
            return "A mask or channel can only be painted itself. Choose this layer as output."
        return ""

    def _whole(self):
        return Gegl.Rectangle.new(0, 0, self._width, self._height)

    def _write_here(self, painted):
        # By the shadow buffer: merging it heeds the selection, feathered edges included.
        shadow = self._drawable.get_shadow_buffer()
        shadow.set(self._whole(), self._format, painted)
        shadow.flush()
        self._drawable.merge_shadow(True)
        self._drawable.update(0, 0, self._width, self._height)

    def _write_above(self, painted, name):
        image, below = self._image, self._drawable
        is_gray = image.get_base_type() == Gimp.ImageBaseType.GRAY
        kind = Gimp.ImageType.GRAYA_IMAGE if is_gray else Gimp.ImageType.RGBA_IMAGE
        layer = Gimp.Layer.new(image, name, self._width, self._height, kind, 100.0, Gimp.LayerMode.NORMAL)
        image.insert_layer(layer, below.get_parent(), image.get_item_position(below))
        _, left, top = below.get_offsets()
        layer.set_offsets(left, top)
        buffer = layer.get_buffer()
        buffer.set(self._whole(), self._format, painted)
        buffer.flush()
        if self._output == "new-layer-mask" and not Gimp.Selection.is_empty(image):
            layer.add_mask(layer.create_mask(Gimp.AddMaskType.SELECTION))
        layer.update(0, 0, self._width, self._height)


def _format_of(precision):
    """GEGL's format and stylecli's name for the pixels of an image, such as U8_NON_LINEAR or HALF_LINEAR."""
    kind, _, curve = precision.value_name.replace("GIMP_PRECISION_", "").partition("_")
    if kind in ("HALF", "FLOAT", "DOUBLE"):
        return LIGHT if curve == "LINEAR" else FLOATS
    return BYTES if kind == "U8" and curve != "LINEAR" else DEEP
