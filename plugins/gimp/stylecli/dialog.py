"""What is chosen before painting: GIMP's own dialog, with the styles that there are now and what each looks like."""

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("GimpUi", "3.0")
from gi.repository import GdkPixbuf, GimpUi, GLib, Gtk  # noqa: E402

PREVIEW_WIDTH = 400  # pixels
SPACING = 6


def ask(procedure, config, title, styles):
    """Show the dialog; whether to go on. The choice is in `config`, the latest one to begin with."""
    GimpUi.init("stylecli")
    dialog = GimpUi.ProcedureDialog.new(procedure, config, title)
    dialog.get_content_area().pack_start(_style_box(config, styles), False, False, 0)
    dialog.fill(["strength", "brush", "preserve-color", "output"])
    agreed = dialog.run()
    dialog.destroy()
    return agreed


def _style_box(config, styles):
    """The list of styles, with the preview of the chosen one below."""
    names = [style.name for style in styles]
    choice = Gtk.ComboBoxText()
    for style in styles:
        choice.append(style.name, f"{style.name} – {style.title}" if style.title else style.name)
    label = Gtk.Label.new_with_mnemonic("St_yle")
    label.set_mnemonic_widget(choice)
    row = Gtk.Box(orientation=Gtk.Orientation.HORIZONTAL, spacing=SPACING)
    row.pack_start(label, False, False, 0)
    row.pack_start(choice, True, True, 0)
    preview = Gtk.Image()

    def choose(_):
        style = styles[choice.get_active()]
        config.set_property("style", style.name)
        _show(preview, style.preview)

    choice.connect("changed", choose)
    latest = config.get_property("style")
    choice.set_active(names.index(latest) if latest in names else 0)
    # "Reset to defaults" and the like change the style from elsewhere.
    config.connect("notify::style", lambda *_: _follow(choice, names, config.get_property("style")))

    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=SPACING)
    box.set_border_width(2 * SPACING)
    box.pack_start(row, False, False, 0)
    box.pack_start(preview, False, False, 0)
    box.show_all()
    return box


def _follow(choice, names, style):
    wanted = names.index(style) if style in names else 0
    if choice.get_active() != wanted:
        choice.set_active(wanted)


def _show(preview, file):
    try:
        preview.set_from_pixbuf(GdkPixbuf.Pixbuf.new_from_file_at_scale(file, PREVIEW_WIDTH, -1, True))
    except GLib.Error:  # not every style has one, and not every sandbox may read it
        preview.clear()
