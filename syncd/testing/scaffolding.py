"""A package with an adapter to begin with: made from the one in `scaffold`, which keeps the contract as it stands."""

from __future__ import annotations

import keyword
import re
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from importlib.machinery import PathFinder
from pathlib import Path

from syncd.errors import SyncdError
from syncd.plugins import Plugin

TEMPLATE = Path(__file__).with_name("scaffold")
_KIND, _CLASS = "newcms", "Newcms"
"""What stands in the template for the name and for its form in class names and titles."""
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST = 40
_LEFT_OUT = frozenset({"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache"})


def refuse_name(name: str, known: Sequence[Plugin]) -> None:
    """Raises SyncdError unless the name can be an adapter's kind, a module's and a package's, and is nobody's yet.

    It is the word that operators write, `syncd_NAME` a Python module (PEP 8), and `syncd-NAME` a distribution (PEP 508).
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        near = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_0123456789")[:_LONGEST]
        hint = "small letters, digits and single underscores, a letter first" + (f", such as {near}" if near else "")
        raise SyncdError("bad_name", f"{name!r} can't be an adapter's name", hint=hint)
    if keyword.iskeyword(name):
        raise SyncdError("bad_name", f"{name!r} is a word of Python", hint="choose another")
    taken = next((plugin for plugin in known if plugin.name == name), None)
    if taken is not None:
        raise SyncdError("name_taken", f"there is an adapter {name!r} in {taken.dist or taken.value}", hint="choose another")
    if PathFinder.find_spec(f"syncd_{name}") is not None:
        raise SyncdError("name_taken", f"a module syncd_{name} is installed", hint="choose another, or uninstall it")


def make(name: str, folder: Path) -> list[Path]:
    """Write the package into a folder that is not there or empty, whole or not at all; the files, relative to it.

    Raises SyncdError for a folder that holds something or can't be written.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise SyncdError("folder_taken", f"{folder} is there and not empty", hint="name another with --dir")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".syncd-", dir=folder.parent) as made:
            files = _written(name, Path(made) / "package")
            folder.rmdir() if folder.exists() else None
            shutil.move(Path(made) / "package", folder)
    except OSError as error:
        raise SyncdError("cannot_write", f"{folder}: {error.strerror}", hint="name another place with --dir") from error
    return files


def _written(name: str, folder: Path) -> list[Path]:
    files = sorted(_files(TEMPLATE))
    for file in files:
        target = folder / _named(str(file), name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_named((TEMPLATE / file).read_text("utf-8"), name), "utf-8")
    return [Path(_named(str(file), name)) for file in files]


def _files(folder: Path) -> Iterable[Path]:
    for path in folder.rglob("*"):
        inner = path.relative_to(folder)
        if path.is_file() and not _LEFT_OUT & set(inner.parts):
            yield inner


def _named(text: str, name: str) -> str:
    """The template's words for this name: of the distribution with hyphens, of classes and titles in capitals."""
    words = "".join(part.capitalize() for part in name.split("_"))
    text = text.replace(f"syncd-{_KIND}", f"syncd-{name.replace('_', '-')}")
    return text.replace(_KIND, name).replace(_CLASS, words)
