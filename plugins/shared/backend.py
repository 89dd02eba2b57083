"""stylecli, as a process: how it is found, what it is told, what it answers. Knows nothing of the host it is in."""

import collections
import json
import os
import subprocess
import threading
from pathlib import Path

CONFIG = Path(__file__).resolve().parent / "stylecli.json"
PROTOCOL = "1"
ANSWER = 60  # seconds for the list of styles
SILENCE = 1800  # seconds without a word, after which a painting is given up
PROGRESS, ERROR = "stylecli-progress ", "stylecli-error "

# For the host's own Python and libraries; another Python would stumble over them.
FOREIGN = ("PYTHON", "GI_TYPELIB", "GIMP", "GEGL", "BABL", "BLENDER", "LD_")

Style = collections.namedtuple("Style", "name title preview")


class BackendError(Exception):
    """stylecli could not do it; the text is for whoever sits at the screen."""


def blended(style, second, share):
    """What `--style` is told for two styles; share: that of the second one, in per cent.

    Raises BackendError where the first is a blend by itself.
    """
    if not second or share <= 0 or second == style:
        return style
    if "+" in style:
        raise BackendError(f"{style} is a blend already. Leave the second style out.")
    if share >= 100:
        return second
    return f"{style}:{100 - share:.6g}+{second}:{share:.6g}"


class Backend:
    """The stylecli that the installer has written down, for a host by the installer's name."""

    def __init__(self, host):
        self._repair = f"To repair it, run in a terminal: stylecli plugins install {host}"
        try:
            self._command = [str(word) for word in json.loads(CONFIG.read_bytes())["command"]]
        except OSError as error:
            raise BackendError(f"stylecli is not connected: {CONFIG}: {error.strerror}.\n{self._repair}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise BackendError(f"{CONFIG} is damaged.\n{self._repair}") from error

    def styles(self):
        """All styles that there are now, as Style; at least one."""
        process = self._start(["styles", "list", "--json"])
        try:
            answer, said = process.communicate(timeout=ANSWER)
        except subprocess.TimeoutExpired as error:
            raise BackendError(f"stylecli did not tell its styles within {ANSWER} seconds.\n{self._repair}") from error
        finally:
            _end(process)
        if process.returncode:
            raise BackendError(f"stylecli does not start:\n{_last_line(said)}\n{self._repair}")
        entries = [json.loads(line) for line in answer.decode("utf-8").splitlines()]
        styles = [Style(one["style"], one["title"], one.get("preview", "")) for one in entries if "style" in one]
        if not styles:
            raise BackendError("stylecli has no styles. Add one: stylecli styles add FOLDER")
        return styles

    def paint(self, pixels, layout, style, look, progress):
        """Give pixels, get as many back, painted. `progress` is called with 0..1 and a text, in this thread.

        layout: width, height, pixel, color, alpha, as the options of `stylecli pipe` are called.
        """
        options = [word for name, value in layout.items() for word in ("--" + name, str(value))]
        process = self._start(
            ["pipe", "--protocol", PROTOCOL, *options, "--style", style, *look], stdin=subprocess.PIPE
        )
        writer = _Thread(_write, process.stdin, pixels)
        reader = _Thread(process.stdout.read)
        watchdog = threading.Timer(SILENCE, process.kill)
        watchdog.start()
        fault, words = None, "stylecli ended without a word"
        try:
            for raw in process.stderr:
                line = raw.decode("utf-8", "replace").strip()
                if line.startswith(PROGRESS):
                    fraction, _, text = line[len(PROGRESS) :].partition(" ")
                    progress(float(fraction), text)
                elif line.startswith(ERROR):
                    fault = fault or json.loads(line[len(ERROR) :])
                elif line:
                    words = line  # of a library, or of an interpreter that could not even begin
            writer.join()
            reader.join()
            process.wait()
        finally:
            watchdog.cancel()
            _end(process)
        if fault:
            raise BackendError("\n".join(text for text in (fault["message"], fault["hint"]) if text))
        if process.returncode:
            raise BackendError(f"stylecli failed (exit code {process.returncode}): {words}")
        if len(reader.result) != len(pixels):
            raise BackendError(f"stylecli gave {len(reader.result)} bytes for {len(pixels)}.\n{self._repair}")
        return reader.result

    def _start(self, arguments, stdin=subprocess.DEVNULL):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        environment["PYTHONUTF8"] = "1"
        try:
            return subprocess.Popen(
                self._command + arguments,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                cwd=Path.home(),  # not where another `stylecli` may lie
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            text = f"stylecli is not where it was: {self._command[0]}: {error.strerror}.\n{self._repair}"
            raise BackendError(text) from error


class _Thread(threading.Thread):
    """A call in a thread of its own, and its result."""

    def __init__(self, function, *arguments):
        super().__init__(daemon=True)
        self._call = function, arguments
        self.result = b""
        self.start()

    def run(self):
        function, arguments = self._call
        self.result = function(*arguments)


def _write(stream, pixels):
    try:
        with stream:
            stream.write(pixels)
    except OSError:
        pass  # stylecli stopped listening, and says why


def _end(process):
    if process.poll() is None:
        process.kill()
        process.wait()


def _last_line(said):
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "no message"
