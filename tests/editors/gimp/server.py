"""Runs inside GIMP, as the code of python-fu-eval: does what the tests send to a socket, one request after the other.

A request is a line of JSON: {"code": Python that sets `result`, "values": its variables}; null ends it. The answer is
{"result": ...} or {"traceback": text}. `Gimp`, `Gio` and what stands below are there for the code.
"""

import json
import os
import socket
import traceback

PROCEDURE = "plug-in-stylecli"


def load(path):
    """An image from a file."""
    return Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))  # noqa: F821


def save(image, path):
    """Flattened only where the format needs it."""
    assert Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(path), None)  # noqa: F821


def stylize(image, drawables=None, run_mode=None, **arguments):
    """Call the plug-in as scripts do; [status, message]."""
    config = Gimp.get_pdb().lookup_procedure(PROCEDURE).create_config()  # noqa: F821
    config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE if run_mode is None else run_mode)  # noqa: F821
    config.set_property("image", image)
    config.set_core_object_array("drawables", image.get_selected_layers() if drawables is None else drawables)
    for name, value in arguments.items():
        config.set_property(name.replace("_", "-"), value)
    answer = config.get_procedure().run(config)
    return [answer.index(0).value_nick, str(answer.index(1)) if answer.length() > 1 else ""]


def _answer(request):
    scope = dict(globals(), **request["values"])
    try:
        exec(request["code"], scope)
        return {"result": scope.get("result")}
    except Exception:
        return {"traceback": traceback.format_exc()}
    finally:
        for image in Gimp.get_images():  # noqa: F821
            image.delete()


_listener = socket.socket(socket.AF_UNIX)
_listener.bind(os.environ["STYLECLI_TEST_SOCKET"])
_listener.listen(1)
while True:
    _connection, _ = _listener.accept()
    with _connection, _connection.makefile("rwb") as _stream:
        _request = json.loads(_stream.readline())
        if _request is None:
            break
        _stream.write(json.dumps(_answer(_request)).encode() + b"\n")
