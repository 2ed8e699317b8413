"""What need not be done again: same key, same inputs, verified artifacts."""

import hashlib
from collections.abc import Iterable, Mapping

import trio

from tiktoker_batch.errors import Damaged
from tiktoker_batch.model import Kind, Plan, Step
from tiktoker_batch.outcomes import Artifact, Reused
from tiktoker_batch.planning.digest import digest
from tiktoker_batch.steps.base import Inputs, StepKind
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.seen import Seen
from tiktoker_batch.store.state import Success


class Reuse:
    """Decides step by step. A file is hashed once, unless ``seen`` knows it by its looks; then on use.

    ``forced`` are steps that are done again whatever still holds.
    """

    def __init__(
        self,
        kinds: Mapping[Kind, StepKind],
        layout: Layout,
        successes: Mapping[str, Success],
        forced: frozenset[str] = frozenset(),
        seen: Seen | None = None,
    ) -> None:
        self._kinds = kinds
        self._layout = layout
        self._successes = successes
        self.forced = forced
        self._seen = seen or Seen(layout)
        self._predicted: tuple[Plan, dict[str, Reused]] | None = None

    def check(self, step: Step, inputs: Inputs) -> Reused | None:
        """The earlier result of this step if it still holds for these inputs."""
        success = self._successes.get(step.id)
        if step.locked and success and self._is_there(success):
            return Reused(
                artifacts=success.artifacts,
                inputs=success.inputs,
                key=None if success.key == step.key else success.key,
            )
        if step.id in self.forced:
            return None
        if success is None or success.key != step.key:
            return None
        if not self._is_there(success):
            return None
        if success.inputs != inputs_digest(self._kinds[step.kind], step, inputs):
            return None
        return Reused(artifacts=success.artifacts, inputs=success.inputs)

    def lost(self, step: Step) -> Artifact | None:
        """The file of a locked step that is not what it was: nothing may be made in its place."""
        success = self._successes.get(step.id) if step.locked else None
        artifacts = success.artifacts if success else ()
        return next((artifact for artifact in artifacts if not self._seen.is_intact(artifact)), None)

    def predict(self, plan: Plan) -> dict[str, Reused]:
        """The steps that a run would reuse, as far as can be known before it: all they need is reused too, or is a text
        that is known already. It is found out once.
        """
        if self._predicted is None or self._predicted[0] is not plan:
            self._predicted = (plan, self._foresee(plan))
        return self._predicted[1]

    def _foresee(self, plan: Plan) -> dict[str, Reused]:
        found: dict[str, Reused] = {}
        known: dict[str, tuple[Artifact, ...]] = {}
        texts: dict[str, str] = {}
        for step in plan.steps:
            if not step.locked and any(need not in known for need in step.needs):
                continue
            artifacts = {need: known[need] for need in step.needs if need in known}
            reused = self.check(step, Inputs(layout=self._layout, artifacts=artifacts, texts=texts))
            if reused:
                found[step.id], known[step.id] = reused, reused.artifacts
            elif step.text is not None:
                texts[step.id], known[step.id] = step.text, (_foreseen(step.text),)
        return found

    def _is_there(self, success: Success) -> bool:
        return all(self._seen.is_intact(artifact) for artifact in success.artifacts)

    def note(self, artifacts: Iterable[Artifact]) -> None:
        """These were finished just now."""
        self._seen.note(artifacts)

    async def confirm(self, artifacts: Iterable[Artifact]) -> None:
        """Hash what a step is about to take in, where so far only its looks are known.

        :raises Damaged: it is not what was recorded; the next run will make it again.
        """
        for artifact in artifacts:
            if self._seen.is_known(artifact):
                continue
            if not await trio.to_thread.run_sync(self._seen.is_whole, artifact):
                raise Damaged(
                    f"{self._layout.root / artifact.path} has been damaged since it was made",
                    hint="run again: it is made anew",
                )


def _foreseen(text: str) -> Artifact:
    """A text's file before it is there."""
    content = text.encode(errors="backslashreplace")
    return Artifact(path="", sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))


def inputs_digest(kind: StepKind, step: Step, inputs: Inputs) -> str:
    """The digest of what a step consumes of its inputs."""
    return digest(kind.consumed(step, inputs))
