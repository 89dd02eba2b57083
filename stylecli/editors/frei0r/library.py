"""A frei0r filter, loaded into this process as a video editor loads it."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, Structure, byref, c_char_p, c_double, c_int, c_uint, c_void_p
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import MediaError

STRING = 4  # of frei0r's types of parameters; the others that the filter has are numbers


class _PluginInfo(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("author", c_char_p),
        ("plugin_type", c_int),
        ("color_model", c_int),
        ("frei0r_version", c_int),
        ("major_version", c_int),
        ("minor_version", c_int),
        ("num_params", c_int),
        ("explanation", c_char_p),
    ]


class _ParameterInfo(Structure):
    _fields_ = [("name", c_char_p), ("type", c_int), ("explanation", c_char_p)]


class Frei0rFilter:
    """A filter for frames of one size. Close it, or use it in a `with`.

    Raises:
        MediaError: the library cannot be loaded.
    """

    def __init__(self, library: Path, width: int, height: int) -> None:
        try:
            self._library = ctypes.CDLL(str(library))
        except OSError as error:
            raise MediaError(f"{library}: {error}", hint="stylecli plugins install frei0r") from error
        self._library.f0r_construct.restype = c_void_p
        self._library.f0r_construct.argtypes = [c_uint, c_uint]
        for name in ("f0r_set_param_value", "f0r_get_param_value"):
            getattr(self._library, name).argtypes = [c_void_p, c_void_p, c_int]
        self._library.f0r_update.argtypes = [c_void_p, c_double, c_void_p, c_void_p]
        self._library.f0r_destruct.argtypes = [c_void_p]
        self._library.f0r_get_plugin_info.argtypes = [POINTER(_PluginInfo)]
        self._library.f0r_get_param_info.argtypes = [POINTER(_ParameterInfo), c_int]
        self._library.f0r_init()
        self._shape = (height, width, 4)
        self._instance = self._library.f0r_construct(width, height)

    def __enter__(self) -> Frei0rFilter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Free its memory."""
        self._library.f0r_destruct(self._instance)
        self._library.f0r_deinit()

    def parameters(self) -> dict[str, int]:
        """The type of every parameter, by name, in their order."""
        info, parameter = _PluginInfo(), _ParameterInfo()
        self._library.f0r_get_plugin_info(byref(info))
        types = {}
        for index in range(info.num_params):
            self._library.f0r_get_param_info(byref(parameter), index)
            types[parameter.name.decode()] = parameter.type
        return types

    def set(self, **values: float | str) -> None:
        """Set parameters by name, a space written as `_`."""
        types = self.parameters()
        for name, value in values.items():
            index = list(types).index(name.replace("_", " "))
            held: Any = c_char_p(value.encode()) if isinstance(value, str) else c_double(value)
            self._library.f0r_set_param_value(self._instance, byref(held), index)

    def get(self, name: str) -> float | str:
        """The value of a parameter."""
        types = self.parameters()
        held: Any = c_char_p() if types[name] == STRING else c_double()
        self._library.f0r_get_param_value(self._instance, byref(held), list(types).index(name))
        return held.value.decode() if types[name] == STRING else float(held.value)

    def update(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Paint a frame (H, W, 4)."""
        assert frame.shape == self._shape
        kept = np.ascontiguousarray(frame)
        painted = np.empty_like(kept)
        self._library.f0r_update(self._instance, 0.0, kept.ctypes.data, painted.ctypes.data)
        return painted
