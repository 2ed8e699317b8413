"""Narration of a whole text into one WAV file, sentence by sentence, with the time of every shown word."""

import wave
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tiktoker_batch.errors import Rejected
from tiktoker_batch.media.words import Word
from tiktoker_batch.providers.local.speech.align import voiced_frames
from tiktoker_batch.providers.local.speech.check import ESPEAK_HINT, Engine, check_text
from tiktoker_batch.providers.local.speech.text import Sentence, sentences

__all__ = ["check_text", "speak"]

SAMPLE_RATE = 24_000
SENTENCE_PAUSE = 0.26  # seconds of silence, beside what is left of the sentences' own edges
PARAGRAPH_PAUSE = 0.52
_EDGE = 0.06  # kept around the sound of a sentence, faded
Audio = npt.NDArray[np.float32]
Span = tuple[float, float]


class _Speaker(Protocol):
    def say(self, words: Sequence[str], seed: int) -> tuple[Audio, list[Span]]: ...


def speak(*, text: str, language: str, voice: str, engine: Engine, seed: int, into: Path) -> tuple[Word, ...]:
    """Write the narration as mono 24 kHz 16-bit WAV and return its words as shown, in order, each once.

    The same arguments give the same bytes. ``voice`` is one of hibari's, or a voice or ``+variant`` of espeak-ng
    (``""`` and ``"default"``: as the language says).

    :raises Rejected: the text has nothing that this engine can say.
    :raises PreflightError: the engine or its voice is not installed.
    :raises BadRequest: there is no such voice.
    """
    problem = check_text(text, engine, language)
    if problem:
        raise Rejected(problem)
    with _speaker(engine, voice, language) as speaker:
        audio, words = _narrate(speaker, sentences(text), seed)
    if not words or not voiced_frames(audio, SAMPLE_RATE).any():
        raise Rejected(f"{engine} made no sound of this text", hint=ESPEAK_HINT if engine == "hibari" else None)
    _write_wav(into, audio)
    return words


def _speaker(engine: Engine, voice: str, language: str) -> AbstractContextManager[_Speaker]:
    if engine == "hibari":
        from tiktoker_batch.providers.local.speech.hibari import hibari_voice  # noqa: PLC0415

        return nullcontext(hibari_voice("heart" if voice in {"", "default"} else voice))
    from tiktoker_batch.providers.local.speech.espeak import espeak_voice  # noqa: PLC0415

    return espeak_voice(voice=voice, language=language)


def _narrate(speaker: _Speaker, parts: Sequence[Sentence], seed: int) -> tuple[Audio, tuple[Word, ...]]:
    pieces: list[Audio] = []
    words: list[Word] = []
    at = 0  # samples so far
    for index, sentence in enumerate(parts):
        audio, spans = _trim(*speaker.say(sentence.words, seed + index))
        words += [
            Word(text=text, start=round(at / SAMPLE_RATE + start, 4), end=round(at / SAMPLE_RATE + end, 4))
            for text, (start, end) in zip(sentence.words, spans, strict=True)
        ]
        pause = PARAGRAPH_PAUSE if sentence.ends_paragraph else SENTENCE_PAUSE
        silent = index == len(parts) - 1 or not len(audio)
        pieces += [audio, np.zeros(0 if silent else int(pause * SAMPLE_RATE), np.float32)]
        at += len(pieces[-2]) + len(pieces[-1])
    return np.concatenate(pieces) if pieces else np.zeros(0, np.float32), tuple(words)


def _trim(audio: Audio, spans: Sequence[Span]) -> tuple[Audio, list[Span]]:
    """Cut the silence around a sentence, fade its edges and move its words along; words stay within the sound."""
    voiced = np.flatnonzero(voiced_frames(audio, SAMPLE_RATE))
    if not len(voiced):
        return audio[:0], [(0.0, 0.0)] * len(spans)
    frame, edge = SAMPLE_RATE // 100, int(_EDGE * SAMPLE_RATE)
    first = max(0, int(voiced[0]) * frame - edge)
    cut = audio[first : (int(voiced[-1]) + 1) * frame + edge].copy()
    ramp = np.linspace(0.0, 1.0, min(edge, len(cut) // 2), dtype=np.float32)
    cut[: len(ramp)] *= ramp
    cut[len(cut) - len(ramp) :] *= ramp[::-1]
    shift, length = first / SAMPLE_RATE, len(cut) / SAMPLE_RATE
    return cut, [(min(max(start - shift, 0.0), length), min(max(end - shift, 0.0), length)) for start, end in spans]


def _write_wav(into: Path, audio: Audio) -> None:
    samples = (np.clip(audio, -1.0, 1.0) * 32767.0).astype("<i2")
    with wave.open(str(into), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.tobytes())
