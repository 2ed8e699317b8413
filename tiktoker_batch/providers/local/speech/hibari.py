"""English speech by hibari's neural voice, with word times from the model's own durations.

The exported graph predicts how long each phoneme lasts but does not return it. A session of our own declares that
tensor an output: a few protobuf bytes appended to the model, no other package. Where the tensor is not found (another
export of the voice), words are aligned within their sentence instead.
"""

# ruff: noqa: RUF001 - typographic marks
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tiktoker_batch.errors import BadRequest, PreflightError
from tiktoker_batch.providers.local.speech.align import align
from tiktoker_batch.providers.local.speech.spoken import assign, spoken_form

SAMPLE_RATE = 24_000
DURATIONS = "/Cast_32_output_0"  # hibari-tts 0.2.1: int64, one per phoneme, in units of 600 samples
_UNIT = 600 / SAMPLE_RATE
# A word is heard before its frames begin: by 0.05 s in the median of 25 words that follow a silence (level of the
# samples, -35 dB). Taken off, our starts come within 0.03 s of a recogniser's.
_LEAD = 0.05
_MOST_PHONEMES = 400  # of the 510 that the model was trained with
_SILENT = frozenset(' ;:,.!?—…"()“”')
_CLAUSE_ENDS = frozenset(";:,—…")

Audio = npt.NDArray[np.float32]
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Phoneme:
    symbol: str
    word: int


class HibariVoice:
    """A loaded voice. Thread-safe after construction; speaks one sentence at a time."""

    def __init__(self, voice: str, *, durations: str = DURATIONS) -> None:
        from hibari.g2p import G2P, normalize  # noqa: PLC0415
        from hibari.tts import ASSETS  # noqa: PLC0415
        from hibari.voices import VOICES  # noqa: PLC0415

        model = _voice_file(voice)
        # onnxruntime builds its session without the interpreter's lock: a third off the first sentence.
        with ThreadPoolExecutor(max_workers=1) as beside:
            session = beside.submit(_open, model, durations)
            self._g2p = G2P(british=VOICES[voice]["british"])
            self._session, self.has_durations = session.result()
        self._normalize = normalize
        self._vocabulary = _vocabulary(Path(ASSETS))

    def say(self, words: Sequence[str], seed: int) -> tuple[Audio, list[Span]]:
        """One sentence: its samples and the (start, end) of every word in seconds."""
        pieces, spans, offset = [], dict[int, Span](), 0.0
        random = np.random.default_rng(seed)
        for phonemes in _breaths(self._phonemes(words)):
            audio, times = self._synthesise(phonemes, random)
            for phoneme, (start, end) in zip(phonemes, times, strict=True):
                if phoneme.symbol not in _SILENT:
                    first = spans.get(phoneme.word, (offset + start, 0.0))[0]
                    spans[phoneme.word] = (first, offset + end)
            pieces.append(audio)
            offset += len(audio) / SAMPLE_RATE
        audio = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
        return audio, _complete(spans, len(words), offset)

    def _phonemes(self, words: Sequence[str]) -> list[_Phoneme]:
        forms = [spoken_form(word) for word in words]
        if not forms[-1].rstrip("\"'”’»)]").endswith((".", "!", "?", "…")):
            forms[-1] += "."
        sentence = self._normalize(" ".join(forms))
        owners = assign(forms, sentence.split(), self._normalize)
        phonemes: list[_Phoneme] = []
        index = 0
        for token in self._g2p.phonemize_tokens(self._g2p.tokenize(sentence)):
            symbols = (token.phonemes or "") + (" " if token.whitespace else "")
            phonemes += [_Phoneme(symbol, owners[index]) for symbol in symbols if symbol in self._vocabulary]
            index += bool(token.whitespace)
        return phonemes

    def _synthesise(self, phonemes: Sequence[_Phoneme], random: np.random.Generator) -> tuple[Audio, list[Span]]:
        from hibari import dsp  # noqa: PLC0415

        ids = [0, *(self._vocabulary[phoneme.symbol] for phoneme in phonemes), 0]
        feed = {"ids": np.asarray([ids], np.int64), "speed": np.ones(1, np.float32)}
        spectrum = self._session.run(None, feed)
        audio: Audio = dsp.synth(*(part[0] for part in spectrum[:6]), random)
        if self.has_durations:
            edges = np.cumsum(spectrum[6]) * _UNIT
            if len(edges) == len(ids) and abs(edges[-1] - len(audio) / SAMPLE_RATE) < _UNIT:
                return audio, _from_edges(edges)
        return audio, align([phoneme.symbol for phoneme in phonemes], audio, SAMPLE_RATE)


@cache
def hibari_voice(voice: str) -> HibariVoice:
    """The voice, loaded once per process (half a second).

    :raises BadRequest: there is no such voice.
    :raises PreflightError: the voice is not on this machine, or hibari-tts is not installed.
    """
    return HibariVoice(voice)


def _voice_file(voice: str) -> Path:
    try:
        from hibari.voices import VOICES, voice_path  # noqa: PLC0415
    except ImportError:
        raise PreflightError("hibari-tts is not installed", hint="pip install hibari-tts==0.2.1") from None
    if voice not in VOICES:
        raise BadRequest(f"unknown voice {voice!r} for local speech", hint=f"voices: {', '.join(VOICES)}")
    try:
        return Path(voice_path(voice, download_missing=False))
    except FileNotFoundError as error:
        raise PreflightError(
            f"voice {voice!r} is not on this machine: only 'heart' comes with the package",
            hint=f"use voice 'heart', or fetch it once: hibari --voice {voice} -o x.wav Hello  (to {error})",
        ) from None


def _open(model: Path, durations: str) -> tuple[Any, bool]:
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    exported = model.read_bytes()
    found = durations.encode() in exported
    graph = exported + _output_declaration(durations) if found else exported
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"]), found


def _output_declaration(tensor: str) -> bytes:
    """Protobuf that adds an output to an ONNX model by concatenation: repeated fields of messages merge.

    ModelProto.graph is field 7, GraphProto.output field 12, ValueInfoProto.name field 1 (onnx.proto).
    """
    message = tensor.encode()
    for field in (1, 12, 7):
        message = bytes([field << 3 | 2]) + _varint(len(message)) + message
    return message


def _varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])


def _vocabulary(assets: Path) -> dict[str, int]:
    import json  # noqa: PLC0415

    vocabulary: dict[str, int] = json.loads((assets / "vocab.json").read_text(encoding="utf-8"))
    return vocabulary


def _breaths(phonemes: list[_Phoneme]) -> list[list[_Phoneme]]:
    """Pieces that the model can say at once, cut at the last clause's end, else at a space."""
    pieces = []
    while len(phonemes) > _MOST_PHONEMES:
        symbols = [phoneme.symbol for phoneme in phonemes[:_MOST_PHONEMES]]
        cut = max((i for i, symbol in enumerate(symbols) if symbol in _CLAUSE_ENDS), default=0)
        cut = cut or max((i for i, symbol in enumerate(symbols) if symbol == " "), default=0) or _MOST_PHONEMES - 1
        pieces.append(phonemes[: cut + 1])
        phonemes = phonemes[cut + 1 :]
    return [*pieces, phonemes] if phonemes else pieces


def _from_edges(edges: npt.NDArray[np.float64]) -> list[Span]:
    """Spans of the phonemes between the two pads."""
    return list(pairwise(np.maximum(edges[:-1] - _LEAD, 0.0).tolist()))


def _complete(spans: dict[int, Span], count: int, length: float) -> list[Span]:
    """A span for every word: one without a sound of its own gets a moment after its predecessor."""
    result: list[Span] = []
    previous = 0.0
    for index in range(count):
        start, end = spans.get(index, (previous, previous))
        start = min(max(start, previous if index else 0.0), length)
        previous = max(start, min(end, length))
        result.append((start, previous))
    return result
