"""`stylecli doctor`: check what is installed and which devices work."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from stylecli.cli import options
from stylecli.cli.console import emit, emit_json
from stylecli.core.errors import DeviceError


@click.command()
@options.styles_dir
@options.as_json
def command(styles_dir: Path | None, as_json: bool) -> None:
    """Check what is installed, which devices work, and which styles are found.

    Exit code 5 if something that stylecli needs does not work.
    """
    from stylecli.doctor import examine

    findings = examine(styles_dir)
    for finding in findings:
        if as_json:
            emit_json(asdict(finding))
        else:
            emit(f"{'ok     ' if finding.is_well else 'missing'} {finding.topic}: {finding.says}")
            if not finding.is_well and finding.advice:
                emit(f"        {finding.advice}")
    if broken := [finding.topic for finding in findings if finding.is_needed and not finding.is_well]:
        raise DeviceError(f"stylecli cannot work: {', '.join(broken)}", hint="Follow the advice above.")
