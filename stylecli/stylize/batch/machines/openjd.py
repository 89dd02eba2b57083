"""A batch as a job of Open Job Description, which render farms run (AWS Deadline Cloud and others).

Specification: https://github.com/OpenJobDescription/openjd-specifications, version 2023-09 with the extension
TASK_CHUNKING. A task is an item; the farm runs as many at a time as take about five minutes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from stylecli.core.errors import UsageError
from stylecli.core.files import blamed_on, write_atomically
from stylecli.stylize.batch.options import BatchOptions

SUFFIXES = (".yaml", ".yml", ".json")
ITEMS_AT_FIRST = 10  # of a chunk, until the farm knows how long an item takes
CHUNK_SECONDS = 300  # that a chunk should take: long enough that starting and loading the style weigh little


def write_job(path: Path, manifest: Path, count: int, options: BatchOptions, *, overwrite: bool = False) -> None:
    """Write the template of a job that does the `count` items of a manifest.

    The manifest and all its files must be reachable from the farm; `Manifest` is a parameter of the job.

    Raises:
        UsageError: the file exists, or has another suffix.
        MediaError: it cannot be written.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path}: no format of a job template", hint=f"Use {' or '.join(SUFFIXES)}.")
    if path.exists() and not overwrite:
        raise UsageError(f"{path}: exists already", hint="Use `overwrite=True` to replace it.")
    template = json.dumps(_template(manifest, count, options), indent=2)  # JSON is YAML too
    with blamed_on(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, f"{template}\n".encode())


def _template(manifest: Path, count: int, options: BatchOptions) -> dict[str, object]:
    arguments = ["batch", "{{Param.Manifest}}", "--rows", "{{Task.Param.Item}}", *_arguments(options)]
    item = {
        "name": "Item",
        "type": "CHUNK[INT]",
        "range": f"1-{count}",
        "chunks": {
            "defaultTaskCount": ITEMS_AT_FIRST,
            "targetRuntimeSeconds": CHUNK_SECONDS,
            "rangeConstraint": "CONTIGUOUS",
        },
    }
    step: dict[str, object] = {
        "name": "Stylize",
        "parameterSpace": {"taskParameterDefinitions": [item]},
        "script": {"actions": {"onRun": {"command": "{{Param.Stylecli}}", "args": arguments}}},
    }
    if options.device == "cuda":
        step["hostRequirements"] = {"amounts": [{"name": "amount.worker.gpu", "min": 1}]}
    whole = os.path.abspath(manifest)  # noqa: PTH100  # keeps links
    return {
        "specificationVersion": "jobtemplate-2023-09",
        "extensions": ["TASK_CHUNKING"],
        "name": f"stylecli batch {manifest.name}"[:128],
        "parameterDefinitions": [
            {"name": "Manifest", "type": "STRING", "default": whole, "description": "On a folder that all see."},
            {"name": "Stylecli", "type": "STRING", "default": "stylecli", "description": "The program."},
        ],
        "steps": [step],
    }


def _arguments(options: BatchOptions) -> Iterator[str]:
    """The options that a task needs too."""
    yield from ("--retries", str(options.retries), "--device", options.device)
    if options.workers:
        yield from ("--workers", str(options.workers))
    if options.timeout:
        yield from ("--timeout", f"{options.timeout:g}")
    if options.styles_dir:
        yield from ("--styles-dir", os.path.abspath(options.styles_dir))  # noqa: PTH100
    if options.overwrite:
        yield "--overwrite"
