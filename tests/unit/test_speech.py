"""Offline narration: what is said, what is shown, and when."""

# ruff: noqa: RUF001 - other alphabets
import itertools
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from tests.listening import compare, listen
from tiktoker_batch.errors import BadRequest, PreflightError, Rejected
from tiktoker_batch.media.words import Word
from tiktoker_batch.providers.local.speech.align import voiced_frames
from tiktoker_batch.providers.local.speech.hibari import HibariVoice, hibari_voice
from tiktoker_batch.providers.local.speech.speak import check_text, speak
from tiktoker_batch.providers.local.speech.spoken import assign, spoken_form
from tiktoker_batch.providers.local.speech.text import sentences


def say(text: str, into: Path, *, language: str = "en", engine: str = "hibari", voice: str = "default", seed: int = 1):
    return speak(text=text, language=language, voice=voice, engine=engine, seed=seed, into=into)  # type: ignore[arg-type]


def samples(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 24_000)
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768


def assert_in_order(words: tuple[Word, ...], seconds: float) -> None:
    assert all(0 <= word.start <= word.end <= seconds for word in words)
    assert all(one.start <= next_.start for one, next_ in itertools.pairwise(words))


# --------------------------------------------------------------------------- sentences and words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It works, i.e. it runs. Good!", ["It works, i.e. it runs.", "Good!"]),
        ("Dr. Smith met J. K. Rowling. He left.", ["Dr. Smith met J. K. Rowling.", "He left."]),
        ("The U.S. Army left the U.S. The end.", ["The U.S. Army left the U.S.", "The end."]),
        ("It costs $3.14 at No. 5. Why?", ["It costs $3.14 at No. 5.", "Why?"]),
        ("“Is it?” he asked. “Yes.” She sat.", ["“Is it?” he asked.", "“Yes.”", "She sat."]),
        ("Wait... what?! No way!!!", ["Wait... what?!", "No way!!!"]),
        ("Он сказал: «Да». Потом, т.е. позже, ушёл.", ["Он сказал: «Да».", "Потом, т.е. позже, ушёл."]),
    ],
)
def test_text_splits_where_sentences_end(text: str, expected: list[str]) -> None:
    assert [" ".join(sentence.words) for sentence in sentences(text)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Stop — now", ["Stop —", "now"]),
        ("so - fine", ["so -", "fine"]),
        ("(really?) “yes” it's well-known", ["(really?)", "“yes”", "it's", "well-known"]),
        ("Great 🎉 news 👍🏽!", ["Great", "news!"]),
        ("See https://x.yz/a?b=c now", ["See", "now"]),
        ("The #coffee trend. #fyp #viral", ["The", "coffee", "trend."]),
        ("A **bold** [link](https://x.yz) and snake_case", ["A", "bold", "link", "and", "snake_case"]),
        ("salt & pepper @ 20 €", ["salt", "&", "pepper", "@", "20", "€"]),
        ("zero\u200bwidth\u00a0space", ["zerowidth", "space"]),
    ],
)
def test_shown_words_are_those_that_have_a_sound(text: str, expected: list[str]) -> None:
    assert [word for sentence in sentences(text) for word in sentence.words] == expected


def test_wrapped_lines_go_on_and_short_lines_and_blank_lines_end_a_sentence() -> None:
    text = "A line that was wrapped because it had grown\ntoo long goes on.\n\nRoses are red\nViolets are blue"
    parts = sentences(text)
    assert [" ".join(part.words) for part in parts] == [
        "A line that was wrapped because it had grown too long goes on.", "Roses are red", "Violets are blue",
    ]  # fmt: skip
    assert [part.ends_paragraph for part in parts] == [True, False, True]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("i.e.", "that is"),
        ("(e.g.", "(for example"),
        ("20€", "€20"),
        ("10k", "10 thousand"),
        ("left--fast", "left—fast"),
    ],
)
def test_words_are_spelled_out_where_the_phonemizer_would_stumble(word: str, expected: str) -> None:
    assert spoken_form(word) == expected


@pytest.mark.parametrize(
    ("shown", "spoken", "owners"),
    [
        (["$3.2", "billion,", "that", "is"], ["3.2", "billion", "dollars,", "that", "is"], [0, 1, 1, 2, 3]),
        (["on", "4", "July", "1969."], ["on", "the", "fourth", "of", "July", "1969."], [0, 1, 1, 1, 2, 3]),
        (["2-3", "hrs", "at", "9:30"], ["2", "to", "3", "hours", "at", "nine", "thirty"], [0, 0, 0, 1, 2, 3, 3]),
        (["Henry", "VIII", "ate"], ["Henry", "the", "eighth", "ate"], [0, 1, 1, 2]),
    ],
)  # fmt: skip
def test_every_spoken_word_belongs_to_a_shown_word(shown: list[str], spoken: list[str], owners: list[int]) -> None:
    from hibari.g2p import normalize

    assert assign(shown, spoken, normalize) == owners


# --------------------------------------------------------------------------- what cannot be said


@pytest.mark.parametrize("text", ["", "  \n", "🎉 👍", "#fyp #viral", "https://example.com/x", "— … !"])
def test_a_text_without_words_is_refused(text: str, tmp_path: Path) -> None:
    assert "nothing to say" in str(check_text(text, "hibari", "en"))
    with pytest.raises(Rejected, match="nothing to say"):
        say(text, tmp_path / "x.wav")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("text", "language"), [("Привет, мир", "en"), ("你好", "en"), ("Guten Tag", "de")])
def test_what_hibari_would_mangle_is_sent_to_espeak(text: str, language: str) -> None:
    problem = check_text(text, "hibari", language)
    assert problem is not None
    assert "pip install 'tiktoker-batch[espeak]'" in problem
    assert check_text(text, "espeak-ng", language) is None


def test_latin_letters_with_accents_are_fine() -> None:
    assert check_text("A naïve café in Łódź, 20 °C", "hibari", "en-GB") is None


def test_an_unknown_voice_is_named_with_those_that_exist(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="heart"):
        say("Hello.", tmp_path / "x.wav", voice="nobody")


def test_a_voice_that_would_have_to_be_downloaded_is_a_matter_for_preflight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIBARI_HOME", str(tmp_path))
    with pytest.raises(PreflightError, match="only 'heart' comes with the package"):
        say("Hello.", tmp_path / "x.wav", voice="emma")


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(PreflightError, match=r"pip install 'tiktoker-batch\[espeak\]'"):
        say("Привет", tmp_path / "x.wav", engine="espeak-ng", language="ru")


# --------------------------------------------------------------------------- hibari


TRICKY = (
    "The U.S. Army paid $3.2 billion, i.e. 45% of it, on 4 July 1969. Dr. Smith's e-mail — well-known… (really?) “yes”."
    "\n\nIt's 5 km or 2-3 hrs at 9:30 am 🎉. Rock 'n' roll @ home & 24/7! #music"
)


def test_every_shown_word_comes_once_and_in_order(tmp_path: Path) -> None:
    words = say(TRICKY, tmp_path / "x.wav")
    assert [word.text for word in words] == [word for part in sentences(TRICKY) for word in part.words]
    assert_in_order(words, len(samples(tmp_path / "x.wav")) / 24_000)
    assert all(word.end - word.start > 0.02 for word in words)


def test_a_number_lasts_as_long_as_its_spoken_words(tmp_path: Path) -> None:
    words = {word.text: word.end - word.start for word in say(TRICKY, tmp_path / "x.wav")}
    assert words["1969."] > 0.8
    assert words["45%"] > 0.7
    assert words["of"] < 0.2


def test_the_same_arguments_give_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    one, two, other = (tmp_path / name for name in ("1.wav", "2.wav", "3.wav"))
    assert say("Hello there. Good night.", one) == say("Hello there. Good night.", two)
    say("Hello there. Good night.", other, seed=2)
    assert one.read_bytes() == two.read_bytes() != other.read_bytes()


def test_sound_begins_and_ends_at_once_and_breathes_between_sentences(tmp_path: Path) -> None:
    words = say("First one. Second one.\n\nThird one.", tmp_path / "x.wav")
    voiced = np.flatnonzero(voiced_frames(samples(tmp_path / "x.wav"), 24_000))
    assert voiced[0] / 100 <= 0.12
    assert len(samples(tmp_path / "x.wav")) / 24_000 - voiced[-1] / 100 <= 0.12
    sentence, paragraph = words[2].start - words[1].end, words[4].start - words[3].end
    assert 0.15 < sentence < 0.6
    assert paragraph > sentence + 0.2


@pytest.mark.parametrize("text", ["word " * 150, "supercalifragilistic" * 40, "well, " * 120])
def test_sentences_beyond_what_the_model_takes_are_said_in_breaths(text: str, tmp_path: Path) -> None:
    words = say(text, tmp_path / "x.wav")
    assert len(words) == len(text.split())
    assert_in_order(words, len(samples(tmp_path / "x.wav")) / 24_000)


def test_the_model_tells_its_durations() -> None:
    assert hibari_voice("heart").has_durations


def test_without_durations_words_are_aligned_within_their_sentence() -> None:
    exact, guessing = hibari_voice("heart"), HibariVoice("heart", durations="/not_in_this_export")
    assert not guessing.has_durations
    distances = []
    for text in (
        "Down there, no light ever reaches the water.",
        "People found pots of it in old tombs, still good to eat.",
    ):
        (audio, known), (same, found) = exact.say(text.split(), 1), guessing.say(text.split(), 1)
        assert (audio == same).all()
        distances += [abs(a[0] - b[0]) for a, b in zip(known, found, strict=True)]
    assert max(distances) < 0.3
    assert np.median(distances) < 0.1


def test_a_recogniser_hears_the_words_where_we_say_they_are(tmp_path: Path) -> None:
    text = (
        "Coffee was once banned in the city. The king said it made people think too much. So they met in secret rooms."
    )
    words = say(text, tmp_path / "x.wav")
    heard = compare(words, listen(tmp_path / "x.wav"))
    distances = np.abs(list(heard.offsets.values()))
    assert heard.word_error_rate <= 0.35
    assert len(distances) > 15
    assert distances.max() <= 0.25
    assert np.median(distances) <= 0.12


# --------------------------------------------------------------------------- espeak-ng


@pytest.fixture
def espeak() -> None:
    pytest.importorskip("espeakng_loader", reason="needs the espeak extra")


@pytest.mark.usefixtures("espeak")
@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Кофе запрещали пять раз в истории. Это случилось в 1511 году — в Мекке!", "ru"),
        ("Die Donaudampfschifffahrt kostet 20 €, z.B. sonntags.", "de"),
        ("Olá, tudo bem? Café às 9:30.", "pt-BR"),
    ],
)
def test_other_languages_are_spoken_by_espeak_with_a_time_for_every_word(
    text: str, language: str, tmp_path: Path
) -> None:
    words = say(text, tmp_path / "x.wav", engine="espeak-ng", language=language)
    assert [word.text for word in words] == [word for part in sentences(text) for word in part.words]
    audio = samples(tmp_path / "x.wav")
    assert_in_order(words, len(audio) / 24_000)
    assert len({word.start for word in words}) == len(words)
    assert voiced_frames(audio, 24_000).mean() > 0.4


@pytest.mark.usefixtures("espeak")
def test_espeak_says_the_same_thing_the_same_way_every_time(tmp_path: Path) -> None:
    for name in ("1.wav", "2.wav"):
        say("Доброе утро. Как дела?", tmp_path / name, engine="espeak-ng", language="ru")
        say("Something in between.", tmp_path / "x.wav", engine="espeak-ng")
    assert (tmp_path / "1.wav").read_bytes() == (tmp_path / "2.wav").read_bytes()


@pytest.mark.usefixtures("espeak")
def test_espeak_voices_are_a_language_with_a_variant_or_an_error(tmp_path: Path) -> None:
    say("Hello", tmp_path / "1.wav", engine="espeak-ng")
    say("Hello", tmp_path / "2.wav", engine="espeak-ng", voice="+f3")
    assert (tmp_path / "1.wav").read_bytes() != (tmp_path / "2.wav").read_bytes()
    with pytest.raises(BadRequest, match="no voice 'xx'"):
        say("Hello", tmp_path / "3.wav", engine="espeak-ng", language="xx")
