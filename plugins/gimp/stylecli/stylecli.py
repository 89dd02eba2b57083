#!/usr/bin/env python3
"""Filters > Artistic > Stylize...: a thin wrapper around stylecli, for GIMP 3.

GIMP's pixels go to a stylecli process and come back painted (`stylecli pipe`). Which styles there are, and how they
paint, is known there alone. Only GIMP's own Python is needed here.
"""

import os
import sys
import traceback

import gi

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
from backend import Backend, BackendError, blended  # noqa: E402  # the installer puts it beside this file
from gi.repository import Gegl, Gimp, GLib, GObject  # noqa: E402
from pixels import Target, TargetError  # noqa: E402

PROCEDURE = "plug-in-stylecli"
TITLE = "Stylize"
STROKES_MAX = 16.0

Status = Gimp.PDBStatusType


class Stylecli(Gimp.PlugIn):
    """The plug-in, as GIMP asks for it."""

    def do_set_i18n(self, _name):
        return False

    def do_query_procedures(self):
        return [PROCEDURE]

    def do_create_procedure(self, name):
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, run, None)
        procedure.set_image_types("RGB*, GRAY*")
        procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE)
        procedure.set_menu_label("Styli_ze...")
        procedure.add_menu_path("<Image>/Filters/Artistic")
        procedure.set_documentation(
            "Paint the layer in the style of a painting",
            "Hands the pixels to stylecli, which paints them with the style network of a painting.",
            name,
        )
        procedure.set_attribution("The stylecli developers", "The stylecli developers, MIT licence", "2026")
        add_arguments(procedure)
        return procedure


def add_arguments(procedure):
    """Everything that can be chosen; what GIMP remembers for `Repeat`, and what scripts may give."""
    flags = GObject.ParamFlags.READWRITE
    procedure.add_string_argument("style", "St_yle", "Name of a style; empty: the first there is", "", flags)
    procedure.add_string_argument(
        "second-style", "Blend _with", "Name of a style to blend with the first; empty: none", "", flags
    )
    procedure.add_double_argument(
        "share", "Sh_are of it", "Per cent: of the second style in the blend", 0, 100, 50, flags
    )
    procedure.add_double_argument(
        "strength", "Stren_gth", "Per cent: 0 keeps the picture, 100 is all style", 0, 100, 100, flags
    )
    procedure.add_double_argument(
        "brush",
        "Stroke si_ze (0 fits the picture)",
        "2 makes strokes twice as large; 0 fits them to the picture",
        0,
        STROKES_MAX,
        0,
        flags,
    )
    procedure.add_boolean_argument(
        "preserve-color", "_Keep the colours", "The picture's colours with the painting's brushwork", False, flags
    )
    output = Gimp.Choice.new()
    output.add("layer", 0, "This layer", "Paint the layer itself, where it is selected")
    output.add("new-layer", 1, "New layer", "Put the painting above it")
    output.add("new-layer-mask", 2, "New layer, masked by the selection", "The same, with the selection as its mask")
    procedure.add_choice_argument("output", "O_utput", "Where the painting goes", output, "layer", flags)


def run(procedure, run_mode, image, drawables, config, _data):
    """Run it: ask, check, paint, put the painting in place. The picture changes only when all has gone well."""
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # Cancel kills the whole group: stylecli ends with us, whatever it is doing
    try:
        Gegl.init(None)
        if len(drawables) != 1:
            return ended(procedure, Status.CALLING_ERROR, f"Select one layer: {len(drawables)} are selected.")
        target = Target(image, drawables[0], config.get_property("output"))
        backend = Backend("gimp")
        if run_mode == Gimp.RunMode.INTERACTIVE:
            from dialog import ask  # only now: without a display GTK cannot be loaded

            if not ask(procedure, config, TITLE, backend.styles()):
                return ended(procedure, Status.CANCEL)
            target = Target(image, drawables[0], config.get_property("output"))
        stylize(target, backend, config)
    except TargetError as error:
        return ended(procedure, Status.CALLING_ERROR, str(error))
    except BackendError as error:
        return ended(procedure, Status.EXECUTION_ERROR, str(error))
    except Exception:  # GIMP would say "execution error" and no more
        return ended(procedure, Status.EXECUTION_ERROR, f"A defect in the plug-in:\n{traceback.format_exc()}")
    Gimp.displays_flush()
    return ended(procedure, Status.SUCCESS)


def stylize(target, backend, config):
    """Paint the target with what was chosen; one step of undo."""
    first = config.get_property("style") or backend.styles()[0].name
    style = blended(first, config.get_property("second-style"), config.get_property("share"))
    look = ["--strength", "%.6g" % (config.get_property("strength") / 100)]
    if config.get_property("brush") > 0:
        look += ["--brush", "{:.6g}".format(config.get_property("brush"))]
    if config.get_property("preserve-color"):
        look.append("--preserve-color")
    Gimp.progress_init(f"{TITLE}: {style}")

    def progress(fraction, text):
        Gimp.progress_set_text(text)
        Gimp.progress_update(fraction)

    painted = backend.paint(target.read(), target.layout(), style, look, progress)
    target.write(painted, style)
    Gimp.progress_end()


def ended(procedure, status, message=""):
    """What GIMP is told; it shows a message to whoever is there."""
    return procedure.new_return_values(status, GLib.Error(message) if message else GLib.Error())


if __name__ == "__main__":
    Gimp.main(Stylecli.__gtype__, sys.argv)
