"""What a media file is: read from its boxes where it is one of ours, asked of PyAV (2 ms a file) where it is not."""

import hashlib
import wave
from dataclasses import dataclass
from pathlib import Path

from tiktoker_batch.errors import MediaError
from tiktoker_batch.media.mp4 import Track, mp4_outline


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoStream:
    """What must agree before two files may be joined by stream copy, and how many frames there are.

    ``header`` digests the codec's own header: profile, level, pixel format, colours.
    """

    codec: str
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


def is_high_definition(video: VideoStream) -> bool:
    """Whether players take a film of this size for BT.709 where it tells no colours, and not for BT.601."""
    return video.height >= 720 or video.width >= 1280


def probe(path: Path) -> Probe:
    """Open a file and read its headers.

    :raises MediaError: it cannot be read as media.
    """
    try:
        return _as_mp4(path) or _as_wav(path) or _opened(path)
    except (ValueError, OSError) as error:
        raise MediaError(f"{path.name} cannot be read as media: {error}") from error


def _as_mp4(path: Path) -> Probe | None:
    found = mp4_outline(path)
    if found is None:
        return None
    sound = found.audio
    return Probe(
        seconds=found.seconds,
        video=_video(found.video) if found.video else None,
        audio=AudioStream(codec=sound.codec, rate=int(sound.rate), channels=sound.channels) if sound else None,
    )


def _video(track: Track) -> VideoStream:
    return VideoStream(
        codec=track.codec,
        width=track.width,
        height=track.height,
        rate=str(track.rate),
        time_base=f"1/{track.scale}",
        header=track.header,
        frames=track.samples,
    )


def _as_wav(path: Path) -> Probe | None:
    """Plain 16-bit sound, as narrations are kept."""
    try:
        with wave.open(str(path)) as sound:
            if sound.getsampwidth() != 2:
                return None
            seconds = sound.getnframes() / sound.getframerate()
            audio = AudioStream(codec="pcm_s16le", rate=sound.getframerate(), channels=sound.getnchannels())
            return Probe(seconds=seconds, video=None, audio=audio)
    except (wave.Error, EOFError, ZeroDivisionError):
        return None


def _opened(path: Path) -> Probe:
    import av  # noqa: PLC0415  (17 MB of codecs that most batches never need)

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
    except av.FFmpegError as error:
        raise ValueError(str(error)) from error
