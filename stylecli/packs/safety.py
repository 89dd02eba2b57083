"""Check that a style pack from a stranger is safe: its files, and the graphs of its networks.

A pickle could run code, external data could read any file, a custom operator could call any library, a loop could run
for ever. So the check parses models and executes nothing. Only a model that passes is tried, in its own process
(`trial`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from stylecli.core.errors import PackError
from stylecli.core.files import name_of_place
from stylecli.packs.card import CARD_FILE, Card, ModelFile, read_card
from stylecli.packs.trial import trial_problem

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from onnx import GraphProto, ModelProto, ValueInfoProto

MODEL_BYTES_MAX = 64 * 2**20  # the bundled models have 0.1 to 5 MB
PACK_BYTES_MAX = 256 * 2**20
PACK_FILES_MAX = 64

DROPPINGS = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})  # left by file managers; ignored
PICKLE_SUFFIXES = frozenset({".bin", ".ckpt", ".joblib", ".npy", ".npz", ".pickle", ".pkl", ".pt", ".pth"})
ARCHIVE_MAGIC = b"PK\x03\x04"  # a zip, in which torch.save and numpy.savez put pickles
STANDARD_DOMAINS = frozenset({"", "ai.onnx"})
CONTROL_FLOW = frozenset({"If", "Loop", "Scan", "SequenceMap"})  # a style network needs none


def verify(folder: Path) -> list[str]:
    """Check a pack completely; returns its problems, such as `wave/fast.onnx: missing`, or an empty list.

    Checks the card, the sizes, the sha256 of every file, that the card names every file, that none is a link or a
    pickle, and each model by `model_problems` and `trial_problem`.
    """
    try:
        card = read_card(folder)
    except PackError as error:
        return [str(error)]
    try:
        faults = list(_file_faults(folder, card)) or list(_model_faults(folder, card.models))
    except OSError as error:
        faults = [f"{Path(error.filename or folder).name}: cannot be read ({error.strerror})"]
    return [_printable(f"{name_of_place(folder)}/{fault}") for fault in faults]


def model_problems(content: bytes) -> list[str]:
    """Check that an ONNX model is self-contained, uses standard operators and keeps the contract; returns problems.

    The contract: one input `image` and one output `stylized`, float32, (N, 3, H, W), with N, H and W dynamic.
    """
    import onnx  # takes 0.2 s, which only checks should cost
    from google.protobuf.message import DecodeError

    try:
        network = onnx.load_model_from_string(content)
    except DecodeError:
        return ["not an ONNX model"]
    return [*_node_problems(network), *_contract_problems(network.graph)] or _checker_problems(content)


def _file_faults(folder: Path, card: Card) -> Iterator[str]:
    present = {path.name: path for path in sorted(folder.iterdir()) if path.name not in DROPPINGS | {CARD_FILE}}
    for name in sorted(card.files.keys() - present.keys()):
        yield f"{name}: missing"
    if len(present) > PACK_FILES_MAX:
        yield f"{len(present)} files, a pack has at most {PACK_FILES_MAX}"
        return
    if irregular := [name for name, path in present.items() if path.is_symlink() or not path.is_file()]:
        yield from (f"{name}: not a plain file" for name in irregular)
        return
    if sum(path.stat().st_size for path in present.values()) > PACK_BYTES_MAX:
        yield f"larger than {PACK_BYTES_MAX // 2**20} MB"
        return
    for name, path in present.items():
        content = path.read_bytes()
        if path.suffix.lower() in PICKLE_SUFFIXES or _is_pickle(content):
            yield f"{name}: a pickle or an archive, which can run code when it is loaded"
        elif name not in card.files:
            yield f"{name}: not named in {CARD_FILE}"
        elif hashlib.sha256(content).hexdigest() != card.files[name]:
            yield f"{name}: not the file that {CARD_FILE} describes (its sha256 differs)"


def _model_faults(folder: Path, models: Iterable[ModelFile]) -> Iterator[str]:
    for model in models:
        size = (folder / model.file).stat().st_size
        if size != model.bytes:
            yield f"{model.file}: {size} bytes, but {CARD_FILE} says {model.bytes}"
        elif size > MODEL_BYTES_MAX:
            yield f"{model.file}: larger than {MODEL_BYTES_MAX // 2**20} MB"
        else:
            content = (folder / model.file).read_bytes()
            if problems := model_problems(content) or [one for one in [trial_problem(content)] if one]:
                yield from (f"{model.file}: {problem}" for problem in problems)


def _is_pickle(content: bytes) -> bool:
    # Protocol 2 to 5 begins with 0x80, its number, an opcode. Opcodes are never 0: that would be the header length
    # of a safetensors file. Protocols 0 and 1 cannot be told from text; stylecli loads no pickle in any case.
    is_bare = content[:1] == b"\x80" and content[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05") and content[2:3] != b"\0"
    return is_bare or content.startswith(ARCHIVE_MAGIC)


def _node_problems(network: ModelProto) -> Iterator[str]:
    import onnx

    foreign, branching, external = set(), set(), False
    for message in _messages(network):
        if isinstance(message, onnx.NodeProto) and message.domain not in STANDARD_DOMAINS:
            foreign.add(f"{message.domain}.{message.op_type}")
        elif isinstance(message, onnx.NodeProto) and message.op_type in CONTROL_FLOW:
            branching.add(message.op_type)
        elif isinstance(message, onnx.TensorProto):
            external |= message.data_location == onnx.TensorProto.EXTERNAL or len(message.external_data) > 0
    if foreign:
        yield f"operators that are not standard ONNX: {', '.join(sorted(foreign))}"
    elif branching:
        yield f"control flow, which may never end: {', '.join(sorted(branching))}"
    if external:
        yield "external data, a model must be self-contained"


def _messages(message: Message) -> Iterator[Message]:
    """Yield a protobuf message and all messages inside it: subgraphs, functions, attributes."""
    from google.protobuf.message import Message

    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for child in [value] if isinstance(value, Message) else value:
                yield from _messages(child)


def _contract_problems(graph: GraphProto) -> Iterator[str]:
    for what, values, name in (("input", graph.input, "image"), ("output", graph.output, "stylized")):
        if [value.name for value in values] != [name]:
            found = ", ".join(str(value.name) for value in values) or "none"
            yield f"needs one {what} named {name}, but has {found}"
        elif not _is_picture(values[0]):
            yield f"{what} {name} is not float32 of shape (N, 3, H, W) with N, H and W dynamic"


def _is_picture(value: ValueInfoProto) -> bool:
    import onnx

    tensor = value.type.tensor_type
    sizes = [size.dim_value if size.HasField("dim_value") else None for size in tensor.shape.dim]
    return tensor.elem_type == onnx.TensorProto.FLOAT and sizes == [None, 3, None, None]


def _checker_problems(content: bytes) -> list[str]:
    import onnx

    try:
        onnx.checker.check_model(content)
    except onnx.checker.ValidationError as error:
        return [f"not valid ONNX ({str(error).splitlines()[0]})"]
    except UnicodeDecodeError:  # the checker's message quotes a name that is not text
        return ["not valid ONNX"]
    return []


def _printable(text: str) -> str:
    # Names come from the stranger too: no escape sequence may reach the terminal.
    return "".join(character if character.isprintable() else "?" for character in text)
