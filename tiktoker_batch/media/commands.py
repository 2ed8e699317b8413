"""ffmpeg argument lists, composed with ffmpeg-python. Pure: nothing here runs or touches a file.

All paths are plain names relative to the folder ffmpeg runs in, so that no filter sees a character it must escape.
The figures (encoder settings, time base, level) are those measured for stream-copy concatenation: every segment made
with them by one encoder shares one codec header, whatever it was made from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ffmpeg

from tiktoker_batch.media.encoders import X264, Encoder
from tiktoker_batch.media.timing import Fill

SAMPLE_RATE = 48_000
AUDIO_BITRATE = "192k"
TARGET_LUFS = -14.0  # what TikTok, YouTube and Instagram level to
PEAK_LIMIT = 0.80  # -1.9 dBFS before AAC, whose overshoot then stays below -1 dBTP
# H.264 levels by short side and rate: 720p24 fits 3.1; 4.0 leaves room to 30 fps at 1080p, 4.2 to 60.
LEVEL_SLOW, LEVEL_FAST = "4.0", "4.2"
# BT.709 in limited range, written into the stream's own header.
_TELL_COLOURS = (
    "h264_metadata=colour_primaries=1:transfer_characteristics=1:matrix_coefficients=1:video_full_range_flag=0"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Canvas:
    """The form every segment is brought into: pixels and frames a second."""

    width: int
    height: int
    fps: int


def video_settings(canvas: Canvas, encoder: Encoder = X264) -> dict[str, Any]:
    """Encoder options of every segment."""
    return {
        "c:v": encoder.codec,
        **encoder.options,
        "profile:v": "high",
        "level:v": encoder.level(LEVEL_FAST if canvas.fps > 30 else LEVEL_SLOW),
        **({} if encoder.device else {"pix_fmt": "nv12" if encoder.name == "qsv" else "yuv420p"}),
        "g": canvas.fps * 2,
        "bf": 2,
        "video_track_timescale": _time_base(canvas),
        "color_primaries": "bt709",
        "color_trc": "bt709",
        "colorspace": "bt709",
        "color_range": "tv",
    }


def _time_base(canvas: Canvas) -> int:
    """Ticks a second of every segment."""
    return canvas.fps * 512


def normalise(
    source: str,
    into: str,
    *,
    canvas: Canvas,
    frames: int,
    fill: Fill,
    captions: str | None,
    encoder: Encoder = X264,
    untold: str | None = None,
) -> list[str]:
    """Bring a clip into canonical form with exactly ``frames`` frames and burn its captions.

    ``untold`` is the colour matrix of a clip that tells none.
    """
    stream = ffmpeg.input(source, **({"colorspace": untold} if untold else {})).video
    if fill.stretch > 1.0:
        stream = stream.filter("setpts", f"{fill.stretch:.6f}*PTS")
    stream = _onto(stream, canvas).filter("tpad", stop_mode="clone", stop_duration=f"{fill.hold_seconds + 1:.3f}")
    return _encode(stream, into, canvas, frames, captions, encoder)


def cut(source: str, into: str, *, canvas: Canvas, frames: int, told_colours: bool) -> list[str]:
    """The first pictures of a clip, in the order they are decoded, as they are: none is encoded again.

    Where the clip does not tell its colours, it is made to tell those that an encode would.
    """
    output = ffmpeg.input(source)["v:0"].output(
        into,
        format="mp4",
        c="copy",
        map_metadata=-1,
        map_chapters=-1,
        fflags="+bitexact",
        video_track_timescale=_time_base(canvas),
        **{"frames:v": frames},
        **({} if told_colours else {"bsf:v": _TELL_COLOURS}),
    )
    return _compiled(output)


def still(
    picture: str, into: str, *, canvas: Canvas, frames: int, captions: str | None, encoder: Encoder = X264
) -> list[str]:
    """Stand in for a clip that never came: its picture, slowly nearing."""
    stream = ffmpeg.input(picture, loop=1, framerate=canvas.fps)
    seconds = frames / canvas.fps
    # Zooming on a 4x canvas keeps the motion under a tenth of a pixel of jitter.
    stream = (
        stream.filter("scale", canvas.width * 4, canvas.height * 4, force_original_aspect_ratio="increase")
        .filter("crop", canvas.width * 4, canvas.height * 4)
        .filter(
            "zoompan",
            z=f"1+0.06*on/{frames}",
            x="iw/2-(iw/zoom/2)",
            y="ih/2-(ih/zoom/2)",
            d=1,
            s=f"{canvas.width}x{canvas.height}",
            fps=canvas.fps,
        )
        .filter("setsar", 1)
        .filter("tpad", stop_mode="clone", stop_duration=f"{seconds:.3f}")
    )
    return _encode(stream, into, canvas, frames, captions, encoder)


def trial(source: str, into: str, *, canvas: Canvas, frames: int, encoder: Encoder) -> list[str]:
    """Encode a test pattern (``testsrc2`` or another source of ffmpeg's) as segments are."""
    pattern = ffmpeg.input(f"{source}=size={canvas.width}x{canvas.height}:rate={canvas.fps}", format="lavfi")
    return _encode(pattern.video, into, canvas, frames, None, encoder)


def concat(listing: str, audio: str, into: str) -> list[str]:
    """Join canonical segments and the finished audio by stream copy.

    Lengths match because frame counts do: ``-t`` and ``-shortest`` are not frame exact with B-frames.
    """
    video = ffmpeg.input(listing, format="concat", safe=0)
    sound = ffmpeg.input(audio)
    return _compiled(
        ffmpeg.output(
            video.video,
            sound.audio,
            into,
            format="mp4",
            c="copy",
            movflags="+faststart",
            map_metadata=-1,
            fflags="+bitexact",
        )
    )


def concat_listing(segments: Sequence[tuple[str, int]], fps: int) -> str:
    """The list file of ``concat``: names and frame counts."""
    lines = ["ffconcat version 1.0"]
    for name, frames in segments:
        lines += [f"file '{name}'", f"duration {frames / fps:.6f}"]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """What is heard: file names, seconds, and how the music lies under the voice."""

    narration: str
    tempo: float
    seconds: float
    music: str | None = None
    music_gain_db: float = -18.0
    duck: bool = True


def mix(sound: Sound, into: str) -> list[str]:
    """Voice and music as one 48 kHz stereo float file of exactly the video's length, not yet levelled."""
    samples = round(sound.seconds * SAMPLE_RATE)
    voice = ffmpeg.input(sound.narration).audio
    if sound.tempo > 1.0:
        voice = voice.filter("atempo", f"{sound.tempo:.6f}")
    voice = _stereo(voice).filter("apad", whole_len=samples).filter("atrim", end_sample=samples)
    mixed = voice if sound.music is None else _with_music(voice, sound, samples)
    return _compiled(mixed.output(into, format="wav", acodec="pcm_f32le", ar=SAMPLE_RATE, fflags="+bitexact"))


def _with_music(voice: Any, sound: Sound, samples: int) -> Any:
    bed = _stereo(ffmpeg.input(sound.music, stream_loop=-1).audio)
    fade = min(1.5, sound.seconds / 4)
    bed = (
        bed.filter("atrim", end_sample=samples)
        .filter("volume", f"{sound.music_gain_db}dB")
        .filter("afade", type="out", start_time=f"{sound.seconds - fade:.3f}", duration=f"{fade:.3f}")
    )
    if not sound.duck:
        return ffmpeg.filter([voice, bed], "amix", inputs=2, duration="first", normalize=0)
    split = voice.filter_multi_output("asplit")
    ducked = ffmpeg.filter([bed, split[1]], "sidechaincompress", threshold=0.02, ratio=6, attack=20, release=400)
    return ffmpeg.filter([split[0], ducked], "amix", inputs=2, duration="first", normalize=0)


def measure(source: str, gain_db: float | None) -> list[str]:
    """Report loudness (EBU R128) of a file, as it is or as ``level`` would leave it."""
    stream = ffmpeg.input(source).audio
    if gain_db is not None:
        stream = _levelled(stream, gain_db)
    return _compiled(stream.filter("ebur128", peak="true").output("-", format="null"))


def level(source: str, into: str, gain_db: float) -> list[str]:
    """Bring a mix to its loudness and encode it."""
    stream = _levelled(ffmpeg.input(source).audio, gain_db)
    return _compiled(
        stream.output(
            into,
            format="ipod",
            acodec="aac",
            audio_bitrate=AUDIO_BITRATE,
            ar=SAMPLE_RATE,
            ac=2,
            map_metadata=-1,
            fflags="+bitexact",
        )
    )


def bed(source: str, into: str) -> list[str]:
    """Decode the user's music once, into 48 kHz stereo FLAC."""
    stream = _stereo(ffmpeg.input(source).audio)
    return _compiled(
        stream.output(into, format="flac", acodec="flac", ar=SAMPLE_RATE, map_metadata=-1, fflags="+bitexact")
    )


def first_frame(source: str, into: str) -> list[str]:
    """The first picture of a clip, as a PNG."""
    stream = ffmpeg.input(source).video
    return _compiled(
        stream.output(into, format="image2", vcodec="png", map_metadata=-1, update=1, **{"frames:v": 1}),
    )


def _levelled(stream: Any, gain_db: float) -> Any:
    # Limiting at 4x the rate sees the peaks between the samples too.
    return (
        stream.filter("volume", f"{gain_db:.3f}dB")
        .filter("aresample", SAMPLE_RATE * 4)
        .filter("alimiter", limit=PEAK_LIMIT, attack=2, release=60, level=0)
        .filter("aresample", SAMPLE_RATE)
    )


def _stereo(stream: Any) -> Any:
    return stream.filter("aresample", SAMPLE_RATE).filter("aformat", channel_layouts="stereo", sample_fmts="fltp")


def _onto(stream: Any, canvas: Canvas) -> Any:
    return (
        stream.filter(
            "scale",
            canvas.width,
            canvas.height,
            force_original_aspect_ratio="increase",
            flags="bicubic",
            out_range="tv",
        )
        .filter("crop", canvas.width, canvas.height)
        .filter("setsar", 1)
        .filter("fps", canvas.fps)
    )


def _encode(stream: Any, into: str, canvas: Canvas, frames: int, captions: str | None, encoder: Encoder) -> list[str]:
    if captions:
        stream = stream.filter("subtitles", captions, fontsdir="fonts")
    if encoder.device:
        stream = stream.filter("format", "nv12").filter("hwupload")
    output = stream.output(
        into,
        format="mp4",
        an=None,
        sn=None,
        dn=None,
        map_metadata=-1,
        fflags="+bitexact",
        **{"frames:v": frames},
        **video_settings(canvas, encoder),
    )
    device = ["-vaapi_device", encoder.device] if encoder.device else []
    return [*device, *_compiled(output)]


def _compiled(output: Any) -> list[str]:
    arguments: list[str] = output.compile()
    return arguments[1:]
