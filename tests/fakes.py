"""A provider that follows a script and a step kind that uses it: the engine's tests need nothing else."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import trio

from tiktoker_batch.model import Json, Step, Video
from tiktoker_batch.planning.build import Draft, Planning
from tiktoker_batch.providers.base import Job, Produced, Request
from tiktoker_batch.steps.base import Inputs, Made, Work
from tiktoker_batch.steps.keeping import keep_text
from tiktoker_batch.store.artifacts import write_artifact


@dataclass
class ScriptedProvider:
    """Takes ``seconds`` a job; ``script`` gives a step's errors in order, ``None`` and its end meaning success."""

    script: Mapping[str, Sequence[Exception | None]] = field(default_factory=dict)
    seconds: float = 1.0
    name: str = "fake"
    submitted: list[str] = field(default_factory=list)
    running: int = 0
    peak: int = 0

    async def prepare(self, request: Request) -> Request:
        await trio.lowlevel.checkpoint()
        return request

    async def submit(self, request: Request) -> Job:
        await trio.lowlevel.checkpoint()
        self.submitted.append(request.prompt)
        return Job(id=f"job-{len(self.submitted)}", provider=self.name, model=request.model, request=request)

    async def collect(self, job: Job, into: Mapping[str, Path], begun: Callable[[], None]) -> Produced:
        assert job.request is not None
        name = job.request.prompt
        self.running += 1
        self.peak = max(self.peak, self.running)
        try:
            await trio.sleep(self.seconds)
        finally:
            self.running -= 1
        tries = self.submitted.count(name)
        error = dict(enumerate(self.script.get(name, ()), start=1)).get(tries)
        if error is not None:
            raise error
        return Produced(value=f"made {name}")

    async def find(self, request: Request, sent: datetime) -> Job | None:
        await trio.lowlevel.checkpoint()
        return None

    async def cancel(self, job: Job) -> bool:
        await trio.lowlevel.checkpoint()
        return True


@dataclass
class FakeKind:
    """Buys one thing and keeps it together with what it consumed, as a text file; as real steps do in a thread."""

    eager: bool = False
    in_thread: bool = False  # not with a clock that jumps

    def plan(self, video: Video, planning: Planning) -> Iterable[Draft]:
        return ()

    def consumed(self, step: Step, inputs: Inputs) -> Json:
        return inputs.digests()

    async def run(self, work: Work) -> Made:
        arrived = {need: await work.arrival(need) for need in work.step.needs} if self.eager else {}
        inputs = (
            Inputs(layout=work.layout, artifacts={need: found for need, found in arrived.items() if found})
            if self.eager
            else work.inputs
        )
        produced = await work.buy(
            Request(kind=work.step.kind, model=work.step.model, prompt=work.step.id, params=work.step.params), {}
        )
        read = [inputs.path(need).read_text() for need in inputs.artifacts]
        final = work.layout.work_of(work.step.video) / f"{work.step.id.replace('/', '-')}.txt"
        text = "\n".join([str(produced.value), str(work.step.params.get("text", "")), *read])
        root = work.layout.root
        kept = await keep_text(final, text, root=root) if self.in_thread else write_artifact(final, text, root=root)
        return Made(artifacts=(kept,), inputs=inputs)
