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
    share = dialog.get_scale_entry("share", 1)
    for name in ("strength", "brush"):
        dialog.get_scale_entry(name, 1)
    dialog.get_content_area().pack_start(_style_box(config, styles, share), False, False, 0)
    dialog.fill(["share", "strength", "brush", "preserve-color", "output"])
    agreed = dialog.run()
    dialog.destroy()
    return agreed


def _style_box(config, styles, share):
    """The list of styles, a line for any other name, the preview of the chosen one, and the style to blend it with."""
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=SPACING)
    box.set_margin_top(2 * SPACING)
    box.set_margin_bottom(SPACING)
    choice, typed, preview, second = Gtk.ComboBoxText(), Gtk.Entry(), Gtk.Image(), Gtk.ComboBoxText()
    _connect_style(config, styles, choice, typed, preview)
    _connect_second(config, styles, second, share)
    box.pack_start(_row("St_yle", choice), False, False, 0)
    box.pack_start(_row("Style by name", typed), False, False, 0)
    box.pack_start(preview, False, False, 0)
    box.pack_start(_row("Blend _with", second), False, False, 0)
    box.show_all()
    return box


def _connect_style(config, styles, choice, typed, preview):
    """Let the list and the line show and set the style. Text in the line counts more than the list."""
    names = [style.name for style in styles]
    for style in styles:
        choice.append(style.name, _title(style))

    def choose(_):
        typed.set_text("")
        style = styles[choice.get_active()]
        config.set_property("style", style.name)
        _show(preview, style.preview)

    def take(_):
        name, listed = typed.get_text().strip(), styles[choice.get_active()]
        config.set_property("style", name or listed.name)
        _show(preview, "" if name else listed.preview)

    def follow(*_):
        """Show a style that was set from elsewhere, such as by "Reset to defaults"."""
        style = config.get_property("style")
        if not style or style in names:
            if style != typed.get_text().strip():
                choice.set_active(names.index(style) if style else 0)
                typed.set_text("")
        elif style != typed.get_text().strip():
            typed.set_text(style)

    latest = config.get_property("style")
    choice.connect("changed", choose)
    choice.set_active(names.index(latest) if latest in names else 0)
    typed.set_text(latest if latest not in names else "")
    typed.connect("changed", take)
    typed.set_activates_default(True)
    if typed.get_text():
        take(typed)
    config.connect("notify::style", follow)


def _connect_second(config, styles, second, share):
    """Let the list show and set the second style, which a blend that was typed cannot have."""
    names = ["", *(style.name for style in styles)]
    second.append("", "none")
    for style in styles:
        second.append(style.name, _title(style))

    def choose(_):
        config.set_property("second-style", names[second.get_active()])

    def follow(*_):
        latest = config.get_property("second-style")
        second.set_active(names.index(latest) if latest in names else 0)
        is_blend = "+" in config.get_property("style")
        if is_blend:
            second.set_active(0)
        second.set_sensitive(not is_blend)
        share.set_sensitive(second.get_active() > 0)

    second.connect("changed", choose)
    follow()
    config.connect("notify::style", follow)
    config.connect("notify::second-style", follow)


def _title(style):
    return f"{style.name} – {style.title}" if style.title else style.name


def _row(title, widget):
    label = Gtk.Label.new_with_mnemonic(title)
    label.set_mnemonic_widget(widget)
    row = Gtk.Box(orientation=Gtk.Orientation.HORIZONTAL, spacing=SPACING)
    row.pack_start(label, False, False, 0)
    row.pack_start(widget, True, True, 0)
    return row


def _show(preview, file):
    try:
        preview.set_from_pixbuf(GdkPixbuf.Pixbuf.new_from_file_at_scale(file, PREVIEW_WIDTH, -1, True))
    except GLib.Error:  # not every style has one, and not every sandbox may read it
        preview.clear()
