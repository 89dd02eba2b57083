"""A style pack opened in onnxruntime, on a device that was proven to work; the one conversion and the one rounding."""

from __future__ import annotations

import ctypes.util
import io
import sys
from contextlib import redirect_stdout
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from stylecli.errors import DeviceError, PackError
from stylecli.pack import StylePack

Device = Literal["auto", "cpu", "cuda", "coreml"]
DEVICES: tuple[Device, ...] = ("auto", "cpu", "cuda", "coreml")
PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider", "coreml": "CoreMLExecutionProvider"}
INSTALL_HINT = {
    "cuda": 'Install a CUDA 13 driver and `pip install "stylecli[cuda]"`, see `stylecli doctor`, or use --device cpu.',
    "coreml": "CoreML needs a Mac with Apple silicon. Use --device cpu.",
}
SILENT = 4  # onnxruntime's severity "fatal": it reports a missing CUDA in red on the native stderr, we raise instead


class Engine:
    """A style network, ready to run. Close it, or use it in a `with`.

    `device` is the device that really runs it ("cpu", "cuda" or "coreml"), never the one merely asked for.
    """

    def __init__(
        self, pack: StylePack, *, variant: str | None = None, device: Device = "auto", threads: int | None = None
    ) -> None:
        """Open a pack. `threads` limits the CPU threads; None leaves the choice to onnxruntime.

        Raises:
            PackError: the model file is damaged or breaks the contract.
            DeviceError: the device is not there; "auto" falls back to the CPU instead.
        """
        self.name = pack.name
        self.fallback = ""  # why "auto" did not take the graphics card that this machine has
        model = pack.model_bytes(variant)
        if device == "auto":
            device, self.fallback = _best_device()
        self.device: str = device
        self._session: Any = _open_session(model, pack.name, device, threads)
        _check_contract(self._session, pack.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the network's memory."""
        self._session = None

    def stylize(self, unit: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the network on a picture (H, W, 3), sRGB-encoded RGB in 0..1; same shape and range.

        Raises:
            DeviceError: out of memory.
        """
        image = np.ascontiguousarray(unit.transpose(2, 0, 1)[None])  # (1, 3, H, W)
        stylized = self._run(image)
        return np.ascontiguousarray(stylized[0].transpose(1, 2, 0))

    def _run(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        if self._session is None:
            raise RuntimeError("the engine is closed")
        try:
            (stylized,) = self._session.run(["stylized"], {"image": image})
        except Exception as err:  # onnxruntime's own exceptions derive from Exception alone
            height, width = image.shape[-2:]
            if not _is_out_of_memory(err):
                raise
            raise DeviceError(
                f"{self.device}: not enough memory for {width} x {height} pixels",
                hint="Use a larger --brush, which works on a smaller picture.",
            ) from err
        result: NDArray[np.float32] = stylized
        return result


def to_unit(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Any picture's samples (uint8, uint16, float32) as float32 in 0..1."""
    if pixels.dtype == np.float32:
        return pixels
    return pixels * np.float32(1 / np.iinfo(pixels.dtype).max)


def quantize(unit: NDArray[np.float32], dtype: DTypeLike) -> NDArray[Any]:
    """Samples in 0..1 as `dtype`, clipped and rounded to nearest; undoes `to_unit` exactly."""
    if np.dtype(dtype) == np.float32:
        return unit
    scaled = unit * np.float32(np.iinfo(dtype).max)
    scaled += np.float32(0.5)
    return np.clip(scaled, 0, np.float32(np.iinfo(dtype).max), out=scaled).astype(dtype)


def working_devices() -> dict[str, str]:
    """Which devices can really run a network: name to "" when it can, else to the reason.

    onnxruntime lists CUDA on any machine, so a session with a tiny network is opened on each.
    """
    found = {}
    for name in PROVIDERS:
        try:
            _session_on(name, _tiny_model(), threads=None)
            found[name] = ""
        except DeviceError as err:
            found[name] = err.message
    return found


def _best_device() -> tuple[Device, str]:
    """The fastest device that works, and why it is not CUDA on a machine that has an NVIDIA driver."""
    driver = ctypes.util.find_library("nvcuda" if sys.platform == "win32" else "cuda")
    if driver is None:
        return "cpu", ""
    try:
        _session_on("cuda", _tiny_model(), threads=None)
    except DeviceError as err:
        return "cpu", str(err)
    return "cuda", ""


def _open_session(model: bytes, name: str, device: Device, threads: int | None) -> Any:
    try:
        return _session_on(device, model, threads)
    except DeviceError:
        raise
    except Exception as err:  # onnxruntime's own exceptions derive from Exception alone
        raise PackError(
            f"{name}: onnxruntime cannot open its network ({err})", hint="Add the style again, or upgrade stylecli."
        ) from err


def _session_on(device: str, model: bytes, threads: int | None) -> Any:
    import onnxruntime  # heavy, and not needed by --help

    onnxruntime.set_default_logger_severity(SILENT)
    provider = PROVIDERS[device]
    if provider not in onnxruntime.get_available_providers():
        raise DeviceError(f"{device}: this onnxruntime is built without it", hint=INSTALL_HINT.get(device, ""))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = SILENT
    if threads is not None:
        options.intra_op_num_threads = threads
    if device == "cuda":
        with redirect_stdout(io.StringIO()):  # it prints what it misses; whether CUDA works is seen below
            onnxruntime.preload_dlls()  # CUDA and cuDNN from the wheels of the extra `cuda`
    session = onnxruntime.InferenceSession(model, options, providers=[provider])
    if session.get_providers()[0] != provider:  # it fell back to the CPU, and says so only on the native stderr
        raise DeviceError(f"{device}: no such device works here", hint=INSTALL_HINT.get(device, ""))
    return session


def _check_contract(session: Any, name: str) -> None:
    inputs = [(value.name, value.type) for value in session.get_inputs()]
    outputs = [(value.name, value.type) for value in session.get_outputs()]
    if inputs != [("image", "tensor(float)")] or outputs != [("stylized", "tensor(float)")]:
        raise PackError(
            f"{name}: its network takes {inputs} and gives {outputs}", hint="A style network maps image to stylized."
        )


def _is_out_of_memory(err: Exception) -> bool:
    text = str(err).lower()
    return any(sign in text for sign in ("failed to allocate", "out of memory", "bad_alloc", "bad allocation"))


def _tiny_model() -> bytes:
    """An ONNX model of one node, output = image: the smallest thing that tells whether a device works."""
    import onnx
    from onnx import TensorProto, helper

    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1])
    output = helper.make_tensor_value_info("stylized", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Relu", ["image"], ["stylized"])], "probe", [image], [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    serialized: bytes = onnx.ModelProto.SerializeToString(model)
    return serialized
