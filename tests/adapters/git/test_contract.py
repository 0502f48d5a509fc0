"""The git adapter keeps the contract, with pages as Hugo has them; tests/cms/git does it with all three real generators."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.adapters.git.contract import OnGit
from tests.adapters.git.kit import Site


class TestGit(OnGit):
    def setup_method(self) -> None:
        memory = Path("/dev/shm")
        self.root = Path(tempfile.mkdtemp(prefix="syncd-git-", dir=memory if memory.is_dir() else None))
        site = Site(self.root)
        self.options = {"repository": str(site.bare), "local": True, "columns": {"要闻": "yaowen"}}

    def teardown_method(self) -> None:
        shutil.rmtree(self.root)
