"""Files that the commands write, as the person who typed them: whole or not at all."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from syncd.cli.words import say
from syncd.errors import SyncdError


def write(path: Path, data: bytes) -> None:
    """Write a file, over an older one in one step. Raises SyncdError("usage") for a place that can't be written."""
    making = path.with_name(f".{path.name}.part")
    try:
        making.write_bytes(data)
        making.replace(path)
    except OSError as error:
        making.unlink(missing_ok=True) if making.is_file() else None
        hint = say("choose a file in a directory that exists and is writable", "请选择已存在且可写的目录中的文件")
        raise SyncdError("usage", str(error.strerror), hint=hint, where=str(path)) from None


def carried(facts: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Write what the desk sent in `data` (base64); without it the desk has written the file itself."""
    if "data" not in facts:
        return dict(facts)
    write(path, base64.b64decode(facts["data"]))
    return {"path": str(path), "bytes": facts["bytes"]}
