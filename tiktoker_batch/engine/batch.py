"""What a run is given."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tiktoker_batch.engine.breaker import Breaker
from tiktoker_batch.engine.budget import Purse
from tiktoker_batch.engine.capacity import Capacity
from tiktoker_batch.engine.pause import Pause
from tiktoker_batch.engine.reuse import Reuse
from tiktoker_batch.engine.shelf import Shelf
from tiktoker_batch.engine.syncing import OnDisk, already_on_disk
from tiktoker_batch.model import Budget, Kind, Plan, Video
from tiktoker_batch.outcomes import Artifact
from tiktoker_batch.providers.base import Provider
from tiktoker_batch.recording import Recorder
from tiktoker_batch.steps.base import StepKind, Tools
from tiktoker_batch.store.durations import Durations
from tiktoker_batch.store.jobs import OpenJobs
from tiktoker_batch.store.layout import Layout


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Everything a run needs.

    ``open_jobs`` are requests that earlier runs left open, by step. ``selected`` are the steps that may be done, if not
    all; the others are taken as they are. ``shelf`` holds what other batches have bought. ``durations`` tells how long
    jobs take, by ``provider:model``. ``measure`` gives the length in seconds of a finished video's file. ``on_disk``
    waits until what was told is on disk.
    """

    plan: Plan
    kinds: Mapping[Kind, StepKind]
    providers: Mapping[str, Provider]
    capacity: Capacity
    recorder: Recorder
    layout: Layout
    reuse: Reuse
    tools: Tools
    open_jobs: OpenJobs = field(default_factory=dict)
    selected: frozenset[str] | None = None
    shelf: Shelf | None = None
    on_disk: OnDisk = already_on_disk
    pause: Pause = field(default_factory=Pause)
    breaker: Breaker = field(default_factory=Breaker)
    purse: Purse = field(default_factory=lambda: Purse(ceilings=Budget()))
    durations: Durations = field(default_factory=lambda: Durations({}))
    fail_fast: bool = False
    measure: Callable[[Video, Artifact], float | None] = lambda _video, _file: None
    rng: random.Random = field(default_factory=random.Random)
