"""onnxruntime sessions, on devices that were tried and work."""

from __future__ import annotations

import ctypes.util
import io
import os
import sys
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from stylecli.core.errors import DeviceError, PackError

Device = Literal["auto", "cpu", "cuda", "coreml"]
DEVICES: tuple[Device, ...] = get_args(Device)
PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider", "coreml": "CoreMLExecutionProvider"}
INSTALL_HINT = {
    "cuda": 'Install a CUDA 13 driver and `pip install "stylecli[cuda]"`, see `stylecli doctor`, '
    'or use `device="cpu"`.',
    "coreml": 'CoreML needs a Mac with Apple silicon. Use `device="cpu"`.',
}
SAFE_LEVELS = 63  # largest 8-bit weight for which a sum of two products fits into 16 bits: 2 * 63 * 255 < 2 ** 15
SILENT = 4  # onnxruntime's severity "fatal": else it reports a missing CUDA on the native stderr; we raise an error


def working_devices() -> dict[str, str]:
    """Try each device; returns by name "" if it works, else why not.

    onnxruntime lists CUDA even on machines without it, so this opens a session with a tiny network on each device.
    """
    found = {}
    for name in PROVIDERS:
        try:
            _session_on(name, _tiny_model(), threads=None)
            found[name] = ""
        except DeviceError as error:
            found[name] = error.message
    return found


def best_device() -> tuple[Device, str]:
    """Return the fastest device that works; and, if CUDA fails although an NVIDIA driver is there, the reason."""
    driver = ctypes.util.find_library("nvcuda" if sys.platform == "win32" else "cuda")
    if driver is None:
        return "cpu", ""
    try:
        _session_on("cuda", _tiny_model(), threads=None)
    except DeviceError as error:
        return "cpu", str(error)
    return "cuda", ""


def open_session(model: bytes, name: str, device: str, threads: int | None) -> Any:
    """Open a session with the model of the style `name`.

    Raises:
        DeviceError: the device does not work.
        PackError: onnxruntime cannot open the model.
    """
    try:
        return _session_on(device, model, threads)
    except DeviceError:
        raise
    except Exception as error:  # onnxruntime's own exceptions derive from Exception alone
        raise PackError(
            f"{name}: onnxruntime cannot open its network ({error})", hint="Add the style again, or upgrade stylecli."
        ) from error


def open_cpu_session(model: bytes | Path, *, threads: int | None = None) -> Any:
    """Open a session on the CPU with any ONNX model: its bytes, or its file, which may have external data beside it.

    threads: for the operators; None leaves the choice to onnxruntime.

    Raises:
        Exception: onnxruntime cannot open the model. Its exceptions have no common type.
    """
    import onnxruntime  # heavy, and not needed by --help

    options = onnxruntime.SessionOptions()
    options.log_severity_level = SILENT
    if threads is not None:
        options.intra_op_num_threads = threads
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=[PROVIDERS["cpu"]])


def _session_on(device: str, model: bytes, threads: int | None) -> Any:
    import onnxruntime  # heavy, and not needed by --help

    onnxruntime.set_default_logger_severity(SILENT)
    provider = PROVIDERS[device]
    if provider not in onnxruntime.get_available_providers():
        raise DeviceError(f"{device}: this onnxruntime is built without it", hint=INSTALL_HINT.get(device, ""))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = SILENT
    if _adds_in_16_bits() and has_large_weights(model):
        options.add_session_config_entry("session.x64quantprecision", "1")  # slow, but right
    if threads is not None:
        options.intra_op_num_threads = threads
    if device == "cpu":
        _share_memory()
        options.add_session_config_entry("session.use_env_allocators", "1")
        options.enable_mem_pattern = False  # a memory pattern allocates its memory anew, past the shared allocator
    if device == "cuda":
        with redirect_stdout(io.StringIO()):  # it prints missing libraries; the check below finds out what works
            onnxruntime.preload_dlls()  # CUDA and cuDNN from the wheels of the extra `cuda`
    session = onnxruntime.InferenceSession(model, options, providers=[provider])
    if session.get_providers()[0] != provider:  # it fell back to the CPU and said so only on the native stderr
        raise DeviceError(f"{device}: no such device works here", hint=INSTALL_HINT.get(device, ""))
    return session


def is_out_of_memory(error: Exception) -> bool:
    """Whether an exception of onnxruntime means that memory ran out; it has no type of its own for that."""
    text = str(error).lower()
    return any(sign in text for sign in ("failed to allocate", "out of memory", "bad_alloc", "bad allocation"))


def _adds_in_16_bits() -> bool:
    """Whether this processor adds products of bytes in 16 bits, which can overflow: x86 with AVX2 but without VNNI.

    Known on Linux only; elsewhere the answer is False.
    """
    try:
        facts = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return "avx2" in facts and "vnni" not in facts


def has_large_weights(model: bytes) -> bool:
    """Whether 16-bit sums could overflow with a model's 8-bit weights.

    Models exported by `training.export.int8` have small enough weights.
    """
    import numpy as np
    from onnx import TensorProto, numpy_helper

    from stylecli.inference.model_graph import parsed

    tensors = (one for one in parsed(model).graph.initializer if one.data_type == TensorProto.INT8)
    return any(np.abs(numpy_helper.to_array(one).astype(np.int16)).max() > SAFE_LEVELS for one in tensors)


@cache
def _share_memory() -> None:
    """Let all CPU sessions share one memory allocator.

    Each new scene of a video opens a session. With an allocator for each session, its first pictures took 1.5 times as
    long, because memory came fresh from the system, and the process held twice as much.
    """
    import onnxruntime

    place = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(place, None)


def physical_cores() -> int:
    """Count the physical cores that this process may use."""
    import psutil

    allowed = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return min(allowed, psutil.cpu_count(logical=False) or allowed)


def _tiny_model() -> bytes:
    """Build an ONNX model of one node, to try devices with."""
    import onnx
    from onnx import TensorProto, helper

    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1])
    output = helper.make_tensor_value_info("stylized", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Relu", ["image"], ["stylized"])], "probe", [image], [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    serialized: bytes = onnx.ModelProto.SerializeToString(model)
    return serialized
