"""Small file systems of a test's own: they can be full, closed, or another device."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PLENTY = "2g"  # taken only as it is filled


@dataclass(frozen=True, kw_only=True)
class Disk:
    """A mounted tmpfs."""

    root: Path

    def fill(self) -> None:
        """Leave no room: the whole file system is made as small as what is in it."""
        for _ in range(100):  # somebody may be writing at this very moment
            used = os.statvfs(self.root)
            try:
                return self._remount(f"size={max((used.f_blocks - used.f_bfree) * used.f_frsize, 4096)}")
            except subprocess.CalledProcessError:
                continue
        raise AssertionError("the disk grows faster than it can be filled")

    def empty(self) -> None:
        """Have room again."""
        self._remount(f"size={PLENTY}")

    def close(self) -> None:
        """Let nobody write."""
        self._remount("ro")

    def _remount(self, how: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{how}", str(self.root)], check=True, capture_output=True)


@contextmanager
def a_disk(root: Path) -> Iterator[Disk]:
    """A file system at this place; the test is skipped where none may be mounted."""
    root.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={PLENTY}", "tmpfs", str(root)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount a file system")
    try:
        yield Disk(root=root)
    finally:
        subprocess.run(["umount", "--lazy", str(root)], check=True)
