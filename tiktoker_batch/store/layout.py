"""Every path of an output folder. Nothing else knows how they are called."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tiktoker_batch.errors import TiktokerError


@dataclass(frozen=True, slots=True)
class Layout:
    """An output folder; it need not exist yet."""

    root: Path

    @property
    def manifest(self) -> Path:
        """The snapshot for programs."""
        return self.root / "manifest.json"

    @property
    def journal(self) -> Path:
        """Everything that happened."""
        return self.root / "journal.jsonl"

    @property
    def report(self) -> Path:
        """The report for people."""
        return self.root / "report.html"

    @property
    def review(self) -> Path:
        """The contact sheet for people."""
        return self.root / "review.html"

    @property
    def lock(self) -> Path:
        """Held by the one process that works here."""
        return self.root / ".lock"

    @property
    def seen(self) -> Path:
        """What the files looked like when their contents were last known."""
        return self.root / ".seen"

    @property
    def videos(self) -> Path:
        """The deliverables."""
        return self.root / "videos"

    @property
    def work(self) -> Path:
        """What they are made from."""
        return self.root / "work"

    def video(self, video_id: str) -> Path:
        """The finished video."""
        return self.videos / f"{video_id}.mp4"

    def srt(self, video_id: str) -> Path:
        """Its subtitles."""
        return self.videos / f"{video_id}.srt"

    def sidecar(self, video_id: str) -> Path:
        """What an uploader needs to know."""
        return self.videos / f"{video_id}.json"

    def work_of(self, video_id: str) -> Path:
        """The folder of one video's intermediate files."""
        return self.work / video_id

    def image(self, video_id: str, number: int) -> Path:
        """The picture of a segment."""
        return self.work_of(video_id) / f"{number:02d}.png"

    def layers(self, video_id: str, number: int, suffix: str) -> Path:
        """The layers of a segment's picture, where its painter separates them."""
        return self.work_of(video_id) / f"{number:02d}{suffix}"

    def clip(self, video_id: str, number: int) -> Path:
        """The clip of a segment as its provider delivered it."""
        return self.work_of(video_id) / f"{number:02d}.mp4"

    def story(self, video_id: str) -> Path:
        """The spoken text."""
        return self.work_of(video_id) / "story.txt"

    def stories(self, video_id: str) -> Path:
        """All texts that were written, where there were several to choose from."""
        return self.work_of(video_id) / "stories.json"

    def edit(self, video_id: str) -> Path:
        """Text and shots for a person to edit."""
        return self.work_of(video_id) / "shots.yaml"

    def shots(self, video_id: str) -> Path:
        """The shot list."""
        return self.work_of(video_id) / "shots.json"

    def narration(self, video_id: str) -> Path:
        """The spoken sound."""
        return self.work_of(video_id) / "narration.wav"

    def words(self, video_id: str) -> Path:
        """When each word is spoken."""
        return self.work_of(video_id) / "narration.json"

    def captions(self, video_id: str) -> Path:
        """The captions to burn."""
        return self.work_of(video_id) / "captions.ass"

    def music(self, video_id: str) -> Path:
        """The music, decoded."""
        return self.work_of(video_id) / "music.flac"

    def prompt(self, video_id: str, name: str) -> Path:
        """A prompt as it was sent."""
        return self.work_of(video_id) / "prompts" / f"{name}.txt"

    def segments(self, video_id: str) -> Path:
        """The folder where ffmpeg works: canonical segments and the finished sound."""
        return self.work_of(video_id) / "segments"

    def relative(self, path: Path) -> str:
        """A path below the root, with forward slashes.

        :raises ValueError: it is not below the root.
        """
        return path.relative_to(self.root).as_posix()

    def absolute(self, relative: str) -> Path:
        """The file that a relative path names.

        :raises TiktokerError: it names nothing inside the folder.
        """
        pure = PurePosixPath(relative)
        if pure.is_absolute() or ".." in pure.parts or not pure.parts or "\0" in relative:
            raise TiktokerError(
                f"{relative!r} is not a path inside the output folder {self.root}",
                hint="the journal or the manifest was changed by hand; undo that, or start a new output folder",
            )
        return self.root.joinpath(*pure.parts)


def shape_of(path: str, video_id: str) -> str | None:
    """A step's relative path without the name of its video: ``work/{video}/03.mp4``.

    ``None`` for a path that is not called after its video.
    """
    top, _, rest = path.partition("/")
    below = rest[len(video_id) :]
    if top not in {"work", "videos"} or not rest.startswith(video_id) or below[:1] not in {"/", "."}:
        return None
    return f"{top}/{{video}}{below}"


def placed(shape: str, video_id: str) -> str | None:
    """The path that a shape stands for at another video; ``None`` for what is no shape of ours."""
    top, found, below = shape.partition("{video}")
    if top not in {"work/", "videos/"} or not found or below[:1] not in {"/", "."}:
        return None
    parts = below.split("/")
    return None if ".." in parts or "\0" in below or parts[-1] in {"", "."} else f"{top}{video_id}{below}"
