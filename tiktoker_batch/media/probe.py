"""What a media file is, asked of PyAV (2 ms a file; ffprobe takes 90)."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from tiktoker_batch.errors import MediaError


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoStream:
    """What must agree before two files may be joined by stream copy, and how many frames there are."""

    codec: str
    profile: str
    pixel_format: str
    width: int
    height: int
    rate: str
    time_base: str
    header: str
    frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioStream:
    """Codec, sample rate in Hz and channels of a file's sound."""

    codec: str
    rate: int
    channels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A media file; ``seconds`` is the container's duration."""

    seconds: float
    video: VideoStream | None
    audio: AudioStream | None


def probe(path: Path) -> Probe:
    """Open a file and read its headers.

    :raises MediaError: it cannot be read as media.
    """
    import av  # noqa: PLC0415  (40 MB of codecs that most commands never need)

    try:
        with av.open(str(path)) as container:
            video = container.streams.video[0] if container.streams.video else None
            audio = container.streams.audio[0] if container.streams.audio else None
            return Probe(
                seconds=(container.duration or 0) / av.time_base,
                video=None
                if video is None
                else VideoStream(
                    codec=video.codec_context.name,
                    profile=str(video.profile),
                    pixel_format=str(video.codec_context.pix_fmt),
                    width=video.width,
                    height=video.height,
                    rate=str(video.average_rate),
                    time_base=str(video.time_base),
                    header=hashlib.sha256(video.codec_context.extradata or b"").hexdigest()[:16],
                    frames=video.frames,
                ),
                audio=None
                if audio is None
                else AudioStream(codec=audio.codec_context.name, rate=audio.rate, channels=audio.channels),
            )
    except (av.FFmpegError, OSError) as error:
        raise MediaError(f"{path.name} cannot be read as media: {error}") from error
