"""Speech in some hundred languages by espeak-ng, from the shared library of espeakng-loader.

espeak-ng reports for every word where it stands in the text and when it is heard: exact word times without guessing.
"""

import _ctypes
import ctypes
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from tiktoker_batch.errors import BadRequest, Broken, PreflightError

SAMPLE_RATE = 24_000
_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS, speak_lib.h
_UTF8 = 1  # espeakCHARS_UTF8
_POSITION_CHARACTER = 1  # POS_CHARACTER
_LIST_TERMINATED, _WORD = 0, 1  # espeakEVENT_TYPE
_RATE, _WORDS_PER_MINUTE = 1, 165  # espeakRATE; the default of 175 is hard to follow
# espeak-ng's names where they differ from the tags that recipes use
_LANGUAGES = {"en": "en-us", "zh": "cmn", "no": "nb", "pt": "pt-br", "tl": "fil"}

Audio = npt.NDArray[np.float32]
Span = tuple[float, float]


class _Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h; ``id`` is a union whose largest member has eight bytes."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),  # in characters, from 1
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),  # milliseconds
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class EspeakVoice:
    """One of espeak-ng's voices, in a library of its own (see :func:`espeak_voice`)."""

    def __init__(self, library: Any, rate: int, *, voice: str, language: str) -> None:
        self._library, self._rate = library, rate
        tag = language.lower().replace("_", "-")
        spoken = _LANGUAGES.get(tag, tag)
        named = "" if voice == "default" else voice
        self._choose(f"{spoken}{named}" if not named or named.startswith("+") else named)

    def say(self, words: Sequence[str], seed: int) -> tuple[Audio, list[Span]]:
        """One sentence: its samples at 24 kHz and the (start, end) of every word in seconds."""
        text = " ".join(words)
        pcm, heard = _synthesise(self._library, text)
        audio = _resample(np.frombuffer(pcm, np.int16).astype(np.float32) / np.float32(32768), self._rate)
        return audio, _spans(words, [(at, sample / self._rate) for at, sample in heard], len(audio) / SAMPLE_RATE)

    def _choose(self, name: str) -> None:
        if self._library.espeak_SetVoiceByName(name.encode()) != 0:
            raise BadRequest(
                f"espeak-ng has no voice {name!r}",
                hint="name a language ('ru', 'de'), a variant of it ('+f3'), or leave the voice 'default'",
            )
        self._library.espeak_SetParameter(_RATE, _WORDS_PER_MINUTE, 0)


@contextmanager
def espeak_voice(*, voice: str, language: str) -> Iterator[EspeakVoice]:
    """A voice for one narration (15 ms).

    The library keeps what it has said in variables that nothing resets, so that the next sentence comes out
    differently. A copy of its file is loaded afresh: same text, same samples, also in a long-lived process.

    :raises PreflightError: the ``espeak`` extra is not installed.
    :raises BadRequest: espeak-ng has no such voice or language.
    """
    try:
        import espeakng_loader  # noqa: PLC0415

        data = espeakng_loader.get_data_path()
        with tempfile.TemporaryDirectory() as folder:
            library = ctypes.CDLL(shutil.copy(espeakng_loader.get_library_path(), folder))
    except (ImportError, OSError, RuntimeError) as error:
        raise PreflightError(
            f"speech by espeak-ng needs a package that is not there: {error}",
            hint="pip install 'tiktoker-batch[espeak]'",
        ) from None
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, data.encode(), 0)
    if rate <= 0:
        raise PreflightError("espeak-ng does not start", hint="pip install --force-reinstall espeakng-loader")
    try:
        yield EspeakVoice(library, rate, voice=voice, language=language)
    finally:
        library.espeak_Terminate()
        _ctypes.dlclose(library._handle)  # noqa: SLF001 - ctypes has no public way to unload


def _synthesise(library: Any, text: str) -> tuple[bytes, list[tuple[int, int]]]:
    """The 16-bit samples and, per word heard, the character it begins at (from 0) and its sample."""
    pcm = bytearray()
    heard: list[tuple[int, int]] = []

    def take(samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            pcm.extend(ctypes.string_at(samples, count * 2))
        index = 0
        while events[index].type != _LIST_TERMINATED:
            if events[index].type == _WORD:
                heard.append((events[index].text_position - 1, events[index].sample))
            index += 1
        return 0

    callback = _Callback(take)
    library.espeak_SetSynthCallback(callback)
    encoded = text.encode() + b"\0"
    status = library.espeak_Synth(encoded, ctypes.c_size_t(len(encoded)), 0, _POSITION_CHARACTER, 0, _UTF8, None, None)
    library.espeak_Synchronize()
    library.espeak_SetSynthCallback(None)
    if status != 0:
        raise Broken(f"espeak-ng failed with status {status}")
    return bytes(pcm), heard


def _spans(words: Sequence[str], heard: Sequence[tuple[int, float]], length: float) -> list[Span]:
    """Spans of shown words; an event belongs to the word that its character lies in."""
    starts: list[float | None] = [None] * len(words)
    ends = np.cumsum([len(word) + 1 for word in words])  # of each word, in characters, with its space
    for at, seconds in heard:
        index = int(np.searchsorted(ends, at, side="right"))
        if index < len(words) and starts[index] is None:
            starts[index] = min(seconds, length)
    known = [(index, start) for index, start in enumerate(starts) if start is not None]
    if not known:
        known = [(0, 0.0)]
    at_index = [*(index for index, _ in known), len(words)]
    at_time = np.maximum.accumulate([*(start for _, start in known), length])
    edges = np.interp(np.arange(len(words) + 1), at_index, at_time).tolist()
    return list(pairwise(edges))


def _resample(audio: Audio, rate: int) -> Audio:
    """To 24 kHz through the spectrum; a sentence is short enough for that and begins and ends in silence."""
    if rate == SAMPLE_RATE or not len(audio):
        return audio
    count = round(len(audio) * SAMPLE_RATE / rate)
    spectrum = np.fft.rfft(audio)
    padded = np.zeros(count // 2 + 1, spectrum.dtype)
    shared = min(len(spectrum), len(padded))
    padded[:shared] = spectrum[:shared]
    return (np.fft.irfft(padded, count) * (count / len(audio))).astype(np.float32)
