"""The offline bundle can be made for the machines that sites have."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from tools import bundle


def test_the_lock_file_pins_every_package_with_hashes() -> None:
    text = bundle.LOCK.read_text(encoding="utf-8")
    packages = re.findall(r"^([a-z0-9_.-]+)==", text, re.MULTILINE)
    blocks = re.split(r"^(?=[a-z0-9_.-]+==)", text, flags=re.MULTILINE)[1:]
    assert len(packages) > 40
    assert [block.split("==")[0] for block in blocks if "--hash=sha256:" not in block] == []


@pytest.mark.servers
@pytest.mark.parametrize("arch", bundle.ARCHES)
def test_every_locked_package_has_a_wheel_for_glibc_2_28(arch: str) -> None:
    try:
        found = bundle.resolve(arch)
    except subprocess.CalledProcessError as error:
        if "Could not find a version" in error.stderr or "No matching distribution" in error.stderr:
            pytest.fail(error.stderr)
        pytest.skip(f"no package index can be reached: {error.stderr.splitlines()[-1:]}")
    text = bundle.LOCK.read_text(encoding="utf-8")
    assert len(found) == len(re.findall(r"^[a-z0-9_.-]+==", text, re.MULTILINE))
    names = [str(row["download_info"]["url"]).rsplit("/", 1)[-1] for row in found]  # type: ignore[index]
    assert [name for name in names if not name.endswith(".whl")] == []
    newest = max(int(m) for name in names for m in re.findall(r"manylinux_2_(\d+)_", name) or ["0"])
    assert newest <= 28


def test_the_install_script_is_one_that_a_shell_accepts() -> None:
    shell = shutil.which("sh")
    assert shell
    done = subprocess.run([shell, "-n"], input=bundle.INSTALL, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
