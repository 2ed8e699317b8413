"""What need not be done again: same key, same inputs, verified artifacts."""

from collections.abc import Mapping

from tiktoker_batch.model import Artifact, Kind, Plan, Reused, Step
from tiktoker_batch.planning.digest import digest
from tiktoker_batch.steps.base import Inputs, StepKind
from tiktoker_batch.store.artifacts import is_intact
from tiktoker_batch.store.layout import Layout
from tiktoker_batch.store.state import Success


class Reuse:
    """Decides step by step. Each file is hashed once, however often it is asked about.

    ``forced`` are steps that are done again whatever still holds.
    """

    def __init__(
        self,
        kinds: Mapping[Kind, StepKind],
        layout: Layout,
        successes: Mapping[str, Success],
        forced: frozenset[str] = frozenset(),
    ) -> None:
        self._kinds = kinds
        self._layout = layout
        self._successes = successes
        self.forced = forced
        self._intact: dict[Artifact, bool] = {}

    def check(self, step: Step, inputs: Inputs) -> Reused | None:
        """The earlier result of this step if it still holds for these inputs."""
        if step.id in self.forced:
            return None
        success = self._successes.get(step.id)
        if success is None or success.key != step.key:
            return None
        if not all(self._is_intact(artifact) for artifact in success.artifacts):
            return None
        if success.inputs != inputs_digest(self._kinds[step.kind], step, inputs):
            return None
        return Reused(artifacts=success.artifacts, inputs=success.inputs)

    def predict(self, plan: Plan) -> dict[str, Reused]:
        """The steps that a run would reuse, as far as can be known before it: all they need is reused too."""
        found: dict[str, Reused] = {}
        for step in plan.steps:
            if all(need in found for need in step.needs):
                artifacts = {need: found[need].artifacts for need in step.needs}
                reused = self.check(step, Inputs(layout=self._layout, artifacts=artifacts))
                if reused:
                    found[step.id] = reused
        return found

    def _is_intact(self, artifact: Artifact) -> bool:
        if artifact not in self._intact:
            self._intact[artifact] = is_intact(artifact, root=self._layout.root)
        return self._intact[artifact]


def inputs_digest(kind: StepKind, step: Step, inputs: Inputs) -> str:
    """The digest of what a step consumes of its inputs."""
    return digest(kind.consumed(step, inputs))
