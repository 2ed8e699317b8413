"""The command installed as a user would have it: a wheel of the checkout in an environment of its own."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]


def build_wheel(folder: Path) -> Path:
    """A wheel of the checkout; hatchling itself is called: no network, no build environment."""
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=ROOT, check=True)
    return next(folder.glob("*.whl"))


def environment_for(home: Path) -> Path:
    """A fresh environment's folder of commands; pip and all that the wheel depends on are borrowed from this one."""
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    told = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = Path(subprocess.run(told, capture_output=True, text=True, check=True).stdout.strip())
    (site / "borrowed.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return python.parent


def install(bin: Path, wheel: Path) -> Path:
    """Install a wheel there; the path of its command."""
    argv = [
        str(bin / "python"),
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--force-reinstall",
        str(wheel),
    ]
    subprocess.run(argv, check=True, env={"PATH": "/usr/bin:/bin", "PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    return bin / "tiktoker-batch"
