"""All kinds of steps, in order of need."""

from tiktoker_batch.model import Kind
from tiktoker_batch.steps.assembly import AssemblyStep
from tiktoker_batch.steps.base import StepKind
from tiktoker_batch.steps.captions import CaptionsStep
from tiktoker_batch.steps.clip import ClipStep
from tiktoker_batch.steps.image import ImageStep
from tiktoker_batch.steps.music import MusicStep
from tiktoker_batch.steps.narration import NarrationStep
from tiktoker_batch.steps.shots import ShotsStep
from tiktoker_batch.steps.story import StoryStep

STEP_KINDS: dict[Kind, StepKind] = {
    Kind.STORY: StoryStep(),
    Kind.SHOTS: ShotsStep(),
    Kind.NARRATION: NarrationStep(),
    Kind.CAPTIONS: CaptionsStep(),
    Kind.MUSIC: MusicStep(),
    Kind.IMAGE: ImageStep(),
    Kind.CLIP: ClipStep(),
    Kind.ASSEMBLY: AssemblyStep(),
}
