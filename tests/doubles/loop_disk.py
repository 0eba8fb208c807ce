"""A disk of its own, in a file, that the kernel makes read-only as if it had errors; only root may mount one."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

_MEGABYTES = 16


class LoopDisk:
    """An ext4 at a folder, whose blocks are a file beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._blocks = folder.with_suffix(".blocks")

    def fails(self) -> None:
        """Nothing can be written from now on, by those neither who have files open; nor can it be undone."""
        subprocess.run(["sync", "--file-system", self.folder], check=True)
        subprocess.run(["mount", "-o", "remount,abort", self.folder], check=True)

    def is_repaired(self) -> None:
        """A copy of it, checked, is mounted in its place. Who has files of the old one open keeps them."""
        copy = self._blocks.with_suffix(".repaired")
        shutil.copyfile(self._blocks, copy)
        subprocess.run(["umount", "--lazy", self.folder], check=True)
        done = subprocess.run(["/usr/sbin/fsck.ext4", "-y", copy], capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1), done.stdout  # 1: it had errors, and they are mended
        subprocess.run(["mount", "-o", "loop", copy, self.folder], check=True)

    @classmethod
    @contextlib.contextmanager
    def mounted(cls, folder: Path) -> Iterator[LoopDisk]:
        if os.geteuid() != 0:
            pytest.skip("only root may mount a disk")
        folder.mkdir()
        disk = cls(folder)
        with disk._blocks.open("wb") as blocks:
            blocks.truncate(_MEGABYTES * 2**20)
        subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-O", "^has_journal", disk._blocks], check=True)
        done = subprocess.run(
            ["mount", "-o", "loop", disk._blocks, folder], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            pytest.skip(f"no loop device here: {done.stderr.strip()}")
        try:
            yield disk
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)
