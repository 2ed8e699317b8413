"""The container image. Where no container can be built, its steps are done for real on a copy of this machine's system.

That copy is an overlay which is thrown away. What differs from a real build is the base image, and nothing else.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cli.conftest import TINY
from tests.installing import ROOT

DOCKERFILE = ROOT / ".ci" / "Dockerfile"
IGNORED = ROOT / ".dockerignore"
# The base image has pip, whatever this machine has.
PIP = "command -v pip > /dev/null || { python3 -m venv /opt/base && ln -s /opt/base/bin/pip /usr/local/bin/; }"
pytestmark = pytest.mark.skipif(not DOCKERFILE.exists(), reason="only a checkout has it")


@dataclass(kw_only=True)
class Stage:
    """What stands between a FROM and the next."""

    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def last(self, instruction: str) -> str:
        """The one that counts."""
        return [value for name, value in self.steps if name == instruction][-1]


def stages() -> list[Stage]:
    text = re.sub(r"\\\n", "", re.sub(r"(?m)^#.*\n", "", DOCKERFILE.read_text(encoding="utf-8")))
    found: list[Stage] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        instruction, value = line.split(maxsplit=1)
        if instruction == "FROM":
            base, *name = value.split(" AS ")
            found.append(Stage(base=base, name=name[0] if name else ""))
        else:
            found[-1].steps.append((instruction, value))
    return found


def copied() -> Iterator[str]:
    for stage in stages():
        for instruction, value in stage.steps:
            if instruction == "COPY":
                yield from value.split()[:-1]


def test_what_is_copied_is_in_the_repository_and_goes_to_the_builder() -> None:
    sources = set(copied())
    known = subprocess.run(["git", "ls-files", *sources], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {path.split("/")[0] for path in known.splitlines()} == sources
    lines = IGNORED.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and line[0] not in "#!"] == ["*", "**/__pycache__"]
    assert {line[1:] for line in lines if line.startswith("!")} == sources
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {*wheel["packages"], *wheel["force-include"]} <= sources


def test_it_is_run_by_nobody_in_particular_and_is_the_command() -> None:
    *_, image = stages()
    user, _, group = image.last("USER").partition(":")
    assert int(user) > 1000
    assert int(group) > 1000
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert json.loads(image.last("ENTRYPOINT")) == [*scripts]
    assert image.last("WORKDIR") in json.loads(image.last("VOLUME"))
    assert {stage.base for stage in stages()} == {"python:3.12-slim"}
    assert all(instruction != "ADD" for stage in stages() for instruction, _ in stage.steps)


def script(root: Path, recipe: Path) -> Iterator[str]:
    """Shell lines that do what a builder does, each stage on an overlay of its own, and then run the image."""
    yield f"mount -t tmpfs tmpfs {root}"
    for number, stage in enumerate(stages()):
        home = root / str(number)
        at = home / "system"
        yield f"mkdir -p {home}/upper {home}/work {at}"
        yield f"mount -t overlay overlay -o lowerdir=/,upperdir={home}/upper,workdir={home}/work {at}"
        yield f"mount --bind /dev {at}/dev && mount -t proc proc {at}/proc"
        yield in_chroot(at, "/", {"HOME": "/root"}, PIP)
        folder, environ = "/", {"EXTRAS": "espeak", "HOME": "/root"}
        for instruction, value in stage.steps:
            if instruction == "WORKDIR":
                folder = value
                yield f"mkdir -p {at}{folder}"
            elif instruction == "COPY":
                *sources, target = value.split()
                whole = target.removeprefix("./") if len(sources) == 1 and (ROOT / sources[0]).is_dir() else ""
                for source in sources:
                    yield f"cp -r {ROOT / source} {at}{folder}/{whole}"
            elif instruction == "ENV":
                environ |= dict(pair.split("=", 1) for pair in value.split())
            elif instruction == "RUN":
                mounted = re.match(r"--mount=type=bind,from=wheels,source=(\S+),target=(\S+)\s+", value)
                if mounted:
                    yield f"mkdir -p {at}{mounted[2]} && mount --bind {root}/0/system{mounted[1]} {at}{mounted[2]}"
                yield in_chroot(at, folder, environ, value[mounted.end() :] if mounted else value)
    yield f"cp {recipe} {at}/work/tiny.yaml"
    for user in (stages()[-1].last("USER"), "4321:4321"):
        uid, gid = user.split(":")
        command = f"{json.loads(stages()[-1].last('ENTRYPOINT'))[0]} run tiny.yaml --output out-{uid} --progress none"
        as_user = f"setpriv --reuid {uid} --regid {gid} --clear-groups {command}"
        yield in_chroot(at, folder, {**environ, "HOME": "/"}, as_user)


def in_chroot(at: Path, folder: str, environ: dict[str, str], command: str) -> str:
    given = " ".join(f"{name}={shlex.quote(value)}" for name, value in environ.items())
    inside = f"chroot {at} sh -ec {shlex.quote(f'cd {folder} && {command}')}"
    return f'env -i PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin {given} "${{KEPT[@]}}" {inside}'


@pytest.mark.thorough
def test_its_steps_lead_to_a_command_that_anybody_may_run(tmp_path: Path) -> None:
    if os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "chroot", "setpriv", "useradd"))):
        pytest.skip("needs root, and util-linux")
    tried = "mount -t tmpfs t {0} && mkdir {0}/u {0}/w {0}/s"
    tried += " && mount -t overlay o -o lowerdir=/,upperdir={0}/u,workdir={0}/w {0}/s"
    root = tmp_path / "build"
    root.mkdir()
    if subprocess.run(["unshare", "-m", "sh", "-c", tried.format(root)], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a file system")
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(TINY, encoding="utf-8")
    recipe.chmod(0o644)
    network = [
        f"{name}={value}"
        for name, value in os.environ.items()
        if name.lower().startswith(("pip_", "http", "ssl_", "no_proxy"))
    ]
    kept = f"KEPT=({shlex.join(network)})"
    lines = "\n".join(["set -eux", kept, *script(root, recipe)])
    done = subprocess.run(["unshare", "-m", "bash", "-c", lines], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout.count("tiny: done in ") == 2
