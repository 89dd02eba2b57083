"""Image > Stylize... in Blender's image editor: a thin wrapper around stylecli.

The image's pixels go to a stylecli process and come back painted (`stylecli pipe`). Which styles there are, and how
they paint, is known there alone.
"""

import array

import bpy

from .backend import Backend, BackendError, blended  # the installer puts it beside this file

bl_info = {
    "name": "Stylize",
    "author": "The stylecli developers",
    "version": (0, 1, 0),
    "blender": (3, 4, 0),
    "location": "Image Editor > Image > Stylize...",
    "description": "Paints an image in the style of a painting, by stylecli",
    "category": "Paint",
}

CHANNELS = 4
FLOAT_BYTES = 4

NONE = "NONE"  # no style's name has capitals

# The lists that Blender's menus point into: they must outlive the call. Blender asks for them whenever it draws.
_first, _second = [], []


class ImageError(Exception):
    """This cannot be painted; the text is for whoever sits at the screen."""


def _renew_lists():
    try:
        _first[:] = [(one.name, one.name, one.title) for one in Backend("blender").styles()]
    except BackendError:
        _first[:] = []  # running it says why
    _second[:] = [(NONE, "none", "One style alone"), *_first]


def _styles(_operator, _context):
    if not _first:
        _renew_lists()
    return _first


def _second_styles(_operator, _context):
    if not _second:
        _renew_lists()
    return _second


class IMAGE_OT_stylecli(bpy.types.Operator):  # noqa: N801  # as Blender wants it
    """Paint the image in the style of a painting"""

    bl_idname = "image.stylecli"
    bl_label = "Stylize"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012  # as Blender wants it

    image: bpy.props.StringProperty(
        name="Image", description="Empty: the one that the editor shows", options={"SKIP_SAVE"}
    )
    name: bpy.props.StringProperty(name="Style by name", description="For scripts; empty: the one in the list")
    style: bpy.props.EnumProperty(name="Style", items=_styles)
    second: bpy.props.EnumProperty(
        name="Blend with", description="A second style, blended with the first", items=_second_styles
    )
    share: bpy.props.FloatProperty(
        name="Share of it", description="Of the second style in the blend", min=0, max=1, default=0.5
    )
    strength: bpy.props.FloatProperty(
        name="Strength", description="0 keeps the picture, 1 is all style", min=0, max=1, default=1
    )
    brush: bpy.props.FloatProperty(
        name="Stroke size (0 fits the picture)",
        description="2 makes strokes twice as large; 0 fits them to the picture",
        min=0,
        max=16,
    )
    preserve_color: bpy.props.BoolProperty(
        name="Keep the colours", description="The picture's colours with the painting's brushwork"
    )

    def invoke(self, context, _event):
        _renew_lists()
        return context.window_manager.invoke_props_dialog(self)

    def draw(self, _context):
        for option in ("style", "second", "share", "strength", "brush", "preserve_color"):
            self.layout.prop(self, option)

    def execute(self, context):
        manager = context.window_manager
        manager.progress_begin(0, 1)
        try:
            self._stylize(self._image(context), lambda fraction, _text: manager.progress_update(fraction))
        except (BackendError, ImageError) as fault:
            self.report({"ERROR"}, str(fault))
            return {"CANCELLED"}
        finally:
            manager.progress_end()
        return {"FINISHED"}

    def _image(self, context):
        image = bpy.data.images.get(self.image) if self.image else getattr(context.space_data, "image", None)
        if image is None:
            raise ImageError(f"There is no image {self.image}." if self.image else "Open an image first.")
        if len(image.pixels) != image.size[0] * image.size[1] * CHANNELS:  # 0: its file is missing
            raise ImageError(f"{image.name}: has no pixels of red, green, blue and alpha.")
        return image

    def _stylize(self, image, progress):
        width, height = image.size
        look = ["--strength", f"{self.strength:.6g}"]
        look += ["--brush", f"{self.brush:.6g}"] if self.brush else []
        look += ["--preserve-color"] if self.preserve_color else []
        # Blender keeps images of floats as light, multiplied by alpha; images of bytes as they are in their file.
        meaning = {"color": "linear", "alpha": "premultiplied"} if image.is_float else {"color": "srgb"}
        layout = {"width": width, "height": height, "pixel": "rgba32f", **meaning}
        pixels = array.array("f", bytes(width * height * CHANNELS * FLOAT_BYTES))
        image.pixels.foreach_get(pixels)
        backend = Backend("blender")
        style = self.name or self.style or backend.styles()[0].name
        if self.second != NONE:
            style = blended(style, self.second, 100 * self.share)
        painted = backend.paint(_upside_down(pixels.tobytes(), height), layout, style, look, progress)
        image.pixels.foreach_set(array.array("f", _upside_down(painted, height)))
        image.update()


def _upside_down(pixels, height):
    """Blender's rows begin at the bottom."""
    row = len(pixels) // height
    return b"".join(pixels[start : start + row] for start in range(len(pixels) - row, -1, -row))


def _menu(self, _context):
    self.layout.separator()
    self.layout.operator(IMAGE_OT_stylecli.bl_idname, text="Stylize...")


def register():
    bpy.utils.register_class(IMAGE_OT_stylecli)
    bpy.types.IMAGE_MT_image.append(_menu)


def unregister():
    bpy.types.IMAGE_MT_image.remove(_menu)
    bpy.utils.unregister_class(IMAGE_OT_stylecli)
