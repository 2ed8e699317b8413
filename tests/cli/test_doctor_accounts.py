"""What the doctor finds out about accounts: keys that look wrong, keys that are refused, services out of reach."""

import json
import socket
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio
from trio.testing import MockClock

from tests.cli.conftest import Call
from tests.simulated import a_world
from tests.values import a_step
from tiktoker_batch.doctor.accounts import (
    Needs,
    account_checks,
    ask_together,
    clock_check,
    examine_accounts,
    key_checks,
    needs_of,
)
from tiktoker_batch.doctor.check import Check
from tiktoker_batch.errors import AuthFailed, Unavailable
from tiktoker_batch.model import Step
from tiktoker_batch.providers import accounts
from tiktoker_batch.providers.account import Account
from tiktoker_batch.providers.registry import PROVIDERS, Entry
from tiktoker_batch.simulator.server import Simulator, simulate_in_thread
from tiktoker_batch.simulator.speech import premade_voices

KEYS = {
    "FAL_KEY": "0a1b2c3d-canary-4e5f:00112233445566778899canary",
    "ELEVENLABS_API_KEY": "sk_canary0123456789",
    "OPENROUTER_API_KEY": "sk-or-v1-canary0123456789",
}
CLOUD = """\
version: 1
name: cloud
voices: {me: "elevenlabs:21m00Tcm4TlvDq8ikWAM"}
defaults:
  duration: 8
  models: {text: "openrouter:openai/gpt-4o-mini", image: "fal:fal-ai/flux/schnell", narration: "elevenlabs:eleven_v3"}
  voice: me
videos: [{id: tea, topic: tea}]
"""
RACHEL = "21m00Tcm4TlvDq8ikWAM"

NEEDED = Needs(needed=True)
NONSENSE = "/_simulator/ledger?"  # JSON, and none that anybody asked for


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with simulate_in_thread(a_world()) as running:
        yield running


STEPS = [
    a_step("v/story", provider="openrouter"),
    a_step("v/01/image", provider="fal"),
    a_step("v/narration", provider="elevenlabs", params={"voice": RACHEL}),
]


def commanded(call: Call, folder: Path, *options: str, **environ: str) -> tuple[int, dict[str, Check]]:
    """The command's exit code and its checks by name; no part of a key is anywhere in what was printed."""
    (folder / "cloud.yaml").write_text(CLOUD, encoding="utf-8")
    done = call("doctor", "cloud.yaml", "--format", "json", *options, **environ)
    assert "canary" not in done.stdout + done.stderr
    return done.returncode, {check["name"]: Check(**check) for check in json.loads(done.stdout)}


def examined(simulator: Simulator, steps: Collection[Step] = STEPS, **environ: str) -> dict[str, Check]:
    """The checks of accounts by name; no part of a key is in their words."""
    checks = list(examine_accounts(steps, {**simulator.environ, **KEYS, **environ}))
    assert "canary" not in repr(checks)
    return {check.name: check for check in checks}


def verdicts(checks: Mapping[str, Check], part: str) -> dict[str, str]:
    return {name: check.verdict for name, check in checks.items() if part in name}


# ---------------------------------------------------------------------- accounts, asked


def test_accounts_that_accept_their_keys_say_what_they_have(call: Call, tmp_path: Path, simulator: Simulator) -> None:
    code, checks = commanded(call, tmp_path, **{**simulator.environ, **KEYS})
    assert code == 0
    assert set(verdicts(checks, "account").values()) == set(verdicts(checks, "key").values()) == {"ok"}
    assert checks["fal account"].message == "the key is accepted"
    assert checks["elevenlabs account"].message == f"the key is accepted; {len(premade_voices())} voices"
    assert checks["elevenlabs voices"].message == "the account has every voice of the recipe"
    assert checks["openrouter account"].message == "the key is accepted; it has no limit of its own"
    assert simulator.world.ledger.entries == []


def test_nobody_is_asked_when_offline(call: Call, tmp_path: Path, simulator: Simulator) -> None:
    before = simulator.world.ledger.requests.copy()
    code, checks = commanded(call, tmp_path, "--offline", **{**simulator.environ, **KEYS})
    assert code == 0
    assert set(verdicts(checks, "key").values()) == {"ok"}
    assert verdicts(checks, "account") == {}
    assert simulator.world.ledger.requests == before


def test_a_key_that_cannot_be_sent_is_not_and_starts_nothing(call: Call, tmp_path: Path, simulator: Simulator) -> None:
    spoilt = {"OPENROUTER_API_KEY": "sk-or-canary\nX-Canary: yes", "ELEVENLABS_API_KEY": "sk_canaryé"}
    environ = {**simulator.environ, **KEYS, **spoilt}
    code, checks = commanded(call, tmp_path, **environ)
    assert code == 3
    assert verdicts(checks, "openrouter") == {"openrouter key": "problem"}
    assert verdicts(checks, "elevenlabs") == {"elevenlabs key": "problem"}
    stopped = call("run", "cloud.yaml", **environ)
    assert stopped.returncode == 3
    assert "what OPENROUTER_API_KEY holds cannot be sent as a key" in stopped.stderr
    assert "anary" not in stopped.stderr
    assert not (tmp_path / "output").exists()


def test_each_account_is_asked_one_thing_that_costs_nothing(simulator: Simulator) -> None:
    before = simulator.world.ledger.requests.copy()
    examined(simulator)
    assert simulator.world.ledger.requests - before == {
        "GET /v1/models/pricing": 1,
        "GET /v1/voices": 1,
        "GET /api/v1/key": 1,
    }


def test_a_refused_key_is_a_problem_for_a_recipe_that_needs_it(simulator: Simulator) -> None:
    simulator.world.keys = frozenset({KEYS["ELEVENLABS_API_KEY"], KEYS["OPENROUTER_API_KEY"]})
    try:
        needed, alone = examined(simulator), examined(simulator, ())
    finally:
        simulator.world.keys = frozenset()
    refused = needed["fal account"]
    assert refused.verdict == "problem"
    assert "401" in refused.message
    assert "https://fal.ai/dashboard/keys" in (refused.mend or "")
    assert needed["openrouter account"].verdict == "ok"
    assert alone["fal account"].verdict == "warning"


def test_a_service_out_of_reach_is_no_problem_but_worth_a_look(simulator: Simulator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
    checks = examined(simulator, OPENROUTER_BASE_URL=nobody)
    assert checks["openrouter account"].verdict == "warning"
    assert "cannot reach 127.0.0.1" in checks["openrouter account"].message
    assert "OPENROUTER_BASE_URL" in (checks["openrouter account"].mend or "")
    assert checks["fal account"].verdict == "ok"


def test_no_key_is_sent_over_plain_http_to_another_machine(simulator: Simulator) -> None:
    checks = examined(simulator, FAL_QUEUE_URL="http://proxy.example")
    assert verdicts(checks, "fal ") == {"fal key": "ok", "fal address": "problem"}
    assert "FAL_QUEUE_URL is plain http to proxy.example" in checks["fal address"].message
    assert "https" in (checks["fal address"].mend or "")


def test_a_voice_that_the_account_does_not_have_is_named(simulator: Simulator) -> None:
    step = a_step("v/narration", provider="elevenlabs", params={"voice": "nobodysVoice"})
    check = examined(simulator, [step])["elevenlabs voices"]
    assert check.verdict == "warning"
    assert "nobodysVoice" in check.message


def test_a_service_that_answers_nonsense_was_not_understood(simulator: Simulator) -> None:
    elsewhere = dict.fromkeys(("FAL_API_URL", "ELEVENLABS_BASE_URL", "OPENROUTER_BASE_URL"), NONSENSE)
    checks = examined(simulator, **{name: f"{simulator.base}{path}" for name, path in elsewhere.items()})
    assert set(verdicts(checks, "account").values()) == {"warning"}
    assert all("unexpected answer" in checks[f"{name} account"].message for name in ("fal", "elevenlabs", "openrouter"))


# ---------------------------------------------------------------------- shapes of keys


@pytest.mark.parametrize(
    ("provider", "environ"),
    [
        ("fal", {"FAL_KEY": "0a1b2c3d-0000-1111-2222-333344445555:00112233445566778899aabbccddeeff"}),
        ("fal", {"FAL_KEY_ID": "0a1b2c3d-0000", "FAL_KEY_SECRET": "00112233"}),
        ("fal", {"FAL_API_KEY": "id:secret"}),
        ("elevenlabs", {"ELEVENLABS_API_KEY": "0123456789abcdef" * 2}),
        ("elevenlabs", {"ELEVENLABS_API_KEY": "sk_0123456789abcdef"}),
        ("openrouter", {"OPENROUTER_API_KEY": "sk-or-v1-0123"}),
    ],
)
def test_a_key_of_the_right_shape_is_just_set(provider: str, environ: dict[str, str]) -> None:
    (check,) = key_checks(PROVIDERS[provider], environ, NEEDED)
    assert (check.verdict, check.message) == ("ok", "set")


@pytest.mark.parametrize(
    ("provider", "environ", "words"),
    [
        ("fal", {"FAL_KEY": "canary"}, "FAL_KEY does not look like one: expected two parts with a colon"),
        ("fal", {"FAL_KEY": "'canary:canary'"}, "FAL_KEY holds blanks, quotes or line ends"),
        ("fal", {"FAL_KEY": "canary:canary\n"}, "FAL_KEY holds blanks, quotes or line ends"),
        ("fal", {"FAL_KEY_ID": "canary:canary", "FAL_KEY_SECRET": "canary"}, "FAL_KEY_ID does not look like one"),
        ("elevenlabs", {"ELEVENLABS_API_KEY": "canary"}, "expected sk_ and letters"),
        ("openrouter", {"OPENROUTER_API_KEY": "sk-canary"}, "begins with sk-or-"),
        ("openrouter", {"OPENROUTER_API_KEY": "sk-or-cänäry"}, "holds characters that no key has"),
    ],
)
def test_a_key_of_another_shape_gets_a_warning_that_shows_nothing_of_it(
    provider: str, environ: dict[str, str], words: str
) -> None:
    (check,) = key_checks(PROVIDERS[provider], environ, Needs())
    assert check.verdict == "warning"
    assert words in check.message
    assert "https://" in (check.mend or "")
    assert not any(value.strip("'\n") in f"{check.message} {check.mend}" for value in environ.values())


def test_an_odd_shape_stops_no_recipe_but_a_key_that_cannot_be_sent_does() -> None:
    fal = PROVIDERS["fal"]
    checks = [*key_checks(fal, {"FAL_KEY": "oddly"}, NEEDED), *key_checks(fal, {"FAL_KEY": "od:d ly"}, NEEDED)]
    assert [check.verdict for check in checks] == ["warning", "problem"]


def test_the_shape_of_a_plugins_key_is_its_own_affair() -> None:
    entry = Entry(name="echo", open=PROVIDERS["local"].open, keys=(("ECHO_KEY",),))
    (sound,) = key_checks(entry, {"ECHO_KEY": "whatever"}, Needs())
    (odd,) = key_checks(entry, {"ECHO_KEY": "what ever"}, Needs())
    assert (sound.verdict, odd.verdict) == ("ok", "warning")


# ---------------------------------------------------------------------- what an answer means


def account(answer: Account | Exception | None, needs: Needs) -> list[Check]:
    return list(account_checks(PROVIDERS["elevenlabs"], answer, needs))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "needed", "verdict"),
    [
        (Account(message="well"), True, "ok"),
        (Account(message="nothing left", mend="top up"), True, "warning"),
        (AuthFailed("elevenlabs: 401"), True, "problem"),
        (AuthFailed("elevenlabs: 401"), False, "warning"),
        (Unavailable("elevenlabs: 500"), True, "warning"),
        (None, True, "warning"),
    ],
)
def test_only_a_refusal_keeps_a_batch_that_needs_it_from_running(answer: Any, needed: bool, verdict: str) -> None:
    (check,) = account(answer, Needs(needed=needed))
    assert check.verdict == verdict
    assert verdict == "ok" or check.mend


def test_voices_are_compared_only_where_the_account_tells_them() -> None:
    needs = Needs(needed=True, voices=frozenset({"abc"}))
    assert [check.name for check in account(Account(message="may not list"), needs)] == ["elevenlabs account"]
    told = account(Account(message="well", voices=frozenset({"abc", "d"})), needs)
    assert [check.verdict for check in told] == ["ok", "ok"]


def test_a_recipe_needs_the_voices_of_its_own_steps_only() -> None:
    steps = [
        a_step("v/narration", provider="elevenlabs", params={"voice": "abc"}),
        a_step("w/narration", provider="fal", params={"voice": "Rachel"}),
    ]
    assert needs_of("elevenlabs", steps) == Needs(needed=True, voices=frozenset({"abc"}))
    assert needs_of("openrouter", steps) == Needs()


async def test_accounts_are_asked_at_once_and_a_silent_or_broken_one_holds_nobody_up(autojump_clock: MockClock) -> None:
    async def quick(environ: Mapping[str, str]) -> Account:
        await trio.sleep(9)
        return Account(message="late but here")

    async def silent(environ: Mapping[str, str]) -> Account:
        await trio.sleep_forever()
        raise AssertionError("never")

    async def broken(environ: Mapping[str, str]) -> Account:
        raise LookupError("canary")

    entries = [
        Entry(name=name, open=PROVIDERS["local"].open, keys=(("ECHO_KEY",),), check=check)
        for name, check in {"silent": silent, "first": quick, "second": quick, "broken": broken}.items()
    ]
    began = trio.current_time()
    answers = await ask_together(entries, {"ECHO_KEY": "any"})
    assert trio.current_time() - began == pytest.approx(10.0)
    assert answers["silent"] is None
    assert str(answers["broken"]) == "broken: asking ends in LookupError"
    assert answers["first"] == answers["second"] == Account(message="late but here")


@pytest.mark.parametrize(
    ("ahead", "verdict", "says"),
    [
        ({}, "ok", "not compared: no service told its time"),
        ({"fal": 0.4}, "ok", "agrees with fal's to 1 s"),
        ({"fal": -59.0}, "ok", "agrees with fal's to 59 s"),
        ({"fal": 3600.0, "elevenlabs": 95.0}, "warning", "95 s ahead of elevenlabs's"),
        ({"fal": -86400.0}, "warning", "86400 s behind fal's"),
    ],
)
def test_a_clock_that_differs_from_every_service_s_is_warned_of(
    ahead: dict[str, float], verdict: str, says: str
) -> None:
    answers = {name: Account(message="well", clock_ahead_seconds=seconds) for name, seconds in ahead.items()}
    check = clock_check({**answers, "openrouter": None, "other": Account(message="tells no time")})
    assert (check.name, check.verdict, check.message) == ("clock", verdict, says)


@pytest.mark.parametrize(
    ("date", "seconds"),
    [("Mon, 01 Jan 2024 12:00:00 GMT", 90.0), ("Mon, 01 Jan 2024 12:00:00 -0000", 90.0), ("soon", None), (None, None)],
)
def test_the_date_of_an_answer_tells_how_far_the_clock_is_ahead(
    monkeypatch: pytest.MonkeyPatch, date: str | None, seconds: float | None
) -> None:
    class Now(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Now":
            return cls(2024, 1, 1, 12, 1, 30, tzinfo=tz)

    monkeypatch.setattr(accounts, "datetime", Now)

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"data": {}}, headers={"Date": date} if date else {})

    def client(**_: object) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(answer))

    monkeypatch.setattr(accounts, "open_client", client)
    account = trio.run(accounts.check_openrouter, {"OPENROUTER_API_KEY": "sk-or-v1-canary"})
    assert account.clock_ahead_seconds == seconds
