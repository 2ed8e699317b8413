"""What an engine costs where the steps cost nothing: ``python -m tests.benchmarks.engines``.

A thousand steps, a hundred chains of ten, by ours (with journal and manifest on the disk), by Snakemake, by Prefect and
by asyncio alone, which keeps no books. Measured is the processor time of the whole process tree, less what the very
same takes for a graph without steps. They take turns; the medians count.
"""

import argparse
import asyncio
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

LENGTH = 10
OURS_MS, TIMES = 1.0, 10.0
SNAKEFILE = """\
CHAINS = {chains}

rule all:
    input: expand("chain{{c}}/{length}", c=range(CHAINS))

rule first:
    output: touch("chain{{c}}/1")

rule step:
    input: lambda wildcards: f"chain{{wildcards.c}}/{{int(wildcards.n) - 1}}"
    output: touch("chain{{c}}/{{n}}")
    wildcard_constraints: n="[2-9]|10"
"""
PREFECT = """\
from prefect import flow, task

@task
def step(before):
    return before

@flow
def batch():
    for _ in range({chains}):
        before = None
        for _ in range({length}):
            before = step(before)

if __name__ == "__main__":
    batch()
"""


def main() -> None:
    """Take turns, compare; exit 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", choices=("ours", "asyncio"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    chains = given.steps // LENGTH
    if given.child:
        {"ours": _ours, "asyncio": _asyncio}[given.child](chains)
        return
    rivals: dict[str, Callable[[int, Path], list[str]]] = {
        "ours": lambda chains, folder: _python("ours", chains),
        "asyncio": lambda chains, folder: _python("asyncio", chains),
        "snakemake": _snakemake,
        "prefect": _prefect,
    }
    found: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(given.rounds):
        for name, command in rivals.items():
            found[name].append(1000 * (_cpu(command, chains) - _cpu(command, 0)) / given.steps)
    sys.exit(0 if _told({name: statistics.median(each) for name, each in found.items()}, given.steps) else 1)


def _told(ms: dict[str, float], steps: int) -> bool:
    print(f"{steps} steps that do nothing, in chains of {LENGTH}: processor time of a step, less start-up")
    for name, each in ms.items():
        times = "" if name == "ours" else f"  {each / ms['ours']:6.2f} times ours"
        print(f"  {name:10} {each:7.3f} ms{times}")
    print(f"targets: ours at most {OURS_MS:g} ms; Snakemake and Prefect at least {TIMES:g} times ours")
    return ms["ours"] <= OURS_MS and min(ms["snakemake"], ms["prefect"]) >= TIMES * ms["ours"]


def _cpu(command: Callable[[int, Path], list[str]], chains: int) -> float:
    """Seconds of processor time of a command and all that it starts."""
    with tempfile.TemporaryDirectory() as folder:
        argv = command(chains, Path(folder))
        quiet = {"PREFECT_HOME": f"{folder}/prefect", "PREFECT_LOGGING_LEVEL": "ERROR", "DO_NOT_TRACK": "1"}
        root = str(Path(__file__).parents[2])
        environ = {**os.environ, **quiet, "PYTHONPATH": root, "XDG_CACHE_HOME": f"{folder}/cache"}
        before = _children()
        subprocess.run(argv, cwd=folder, env=environ, check=True, capture_output=True)
        return _children() - before


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


# ---------------------------------------------------------------------- the others


def _python(name: str, chains: int) -> list[str]:
    return [sys.executable, "-m", "tests.benchmarks.engines", "--child", name, "--steps", str(chains * LENGTH)]


def _snakemake(chains: int, folder: Path) -> list[str]:
    (folder / "Snakefile").write_text(SNAKEFILE.format(chains=chains, length=LENGTH), encoding="utf-8")
    beside = Path(sys.executable).with_name("snakemake")
    return [str(beside if beside.exists() else shutil.which("snakemake")), "--cores", "2", "--quiet", "all"]


def _prefect(chains: int, folder: Path) -> list[str]:
    script = folder / "batch.py"
    script.write_text(PREFECT.format(chains=chains, length=LENGTH), encoding="utf-8")
    return [sys.executable, str(script)]


def _asyncio(chains: int) -> None:
    async def step() -> None:
        await asyncio.sleep(0)

    async def chain() -> None:
        for _ in range(LENGTH):
            await step()

    async def all_of_them() -> None:
        await asyncio.gather(*(chain() for _ in range(chains)))

    asyncio.run(all_of_them())


# ---------------------------------------------------------------------- ours


def _ours(chains: int) -> None:
    import trio

    from tests.fakes import ScriptedProvider
    from tests.values import a_plan, a_step
    from tiktoker_batch.engine.announce import announce
    from tiktoker_batch.engine.batch import Batch
    from tiktoker_batch.engine.capacity import Capacity
    from tiktoker_batch.engine.collecting import seldom_collected
    from tiktoker_batch.engine.reuse import Reuse
    from tiktoker_batch.engine.supervise import supervise
    from tiktoker_batch.engine.syncing import synced_together
    from tiktoker_batch.events import RunFinished
    from tiktoker_batch.model import Json, Kind, Step, Video
    from tiktoker_batch.outcomes import Artifact
    from tiktoker_batch.planning.build import Draft, Planning
    from tiktoker_batch.recording import Recorder
    from tiktoker_batch.steps.base import Inputs, Made, Tools, Work
    from tiktoker_batch.store.journal import Journal
    from tiktoker_batch.store.layout import Layout
    from tiktoker_batch.store.manifest import ManifestWriter

    nothing = Artifact(path="nothing", sha256="0" * 64, bytes=0)

    class Nothing:
        eager = False

        def plan(self, video: Video, planning: Planning) -> Iterable[Draft]:
            return ()

        def consumed(self, step: Step, inputs: Inputs) -> Json:
            return inputs.digests()

        async def run(self, work: Work) -> Made:
            await trio.lowlevel.checkpoint()
            return Made(artifacts=(nothing,))

    steps = []
    for chain in range(chains):
        names = [f"v{chain}/{number:02d}/clip" for number in range(1, LENGTH + 1)]
        steps += [a_step(name, *names[:at][-1:]) for at, name in enumerate(names)]
    root = Path.cwd()
    layout, plan, kinds = Layout(root), a_plan(steps), {kind: Nothing() for kind in Kind}
    writer = ManifestWriter(layout)
    with Journal.open(layout.journal) as journal, seldom_collected():
        recorder = Recorder([journal, writer], run=1)
        announce(plan, recorder, options={}, limits={})

        async def run() -> None:
            async with synced_together(journal) as on_disk:
                batch = Batch(
                    plan=plan,
                    kinds=kinds,
                    providers={"fake": ScriptedProvider()},
                    capacity=Capacity({"fake": 100}),
                    recorder=recorder,
                    layout=layout,
                    reuse=Reuse(kinds, layout, {}),
                    tools=Tools(ffmpeg="", font_cache=root),
                    on_disk=on_disk,
                )
                await supervise(batch, writer)

        trio.run(run)
        recorder.emit(RunFinished(state="done"))
        writer.flush()


if __name__ == "__main__":
    main()
