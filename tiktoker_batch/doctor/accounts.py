"""The accounts behind a recipe, as the doctor sees them: is there a key, is it one, and is it accepted?"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import trio

from tiktoker_batch.doctor.check import Check, Verdict
from tiktoker_batch.errors import AuthFailed, PreflightError, ProviderError, TiktokerError, Unavailable
from tiktoker_batch.model import Kind, Step
from tiktoker_batch.providers.account import Account, misshapen, set_keys
from tiktoker_batch.providers.http import base_url
from tiktoker_batch.providers.registry import AccountCheck, Entry, providers

DEADLINE_SECONDS = 10.0
CLOCK_SECONDS = 60.0  # lost requests are looked for from so long before they were sent
Answer = Account | TiktokerError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a recipe wants of an account: anything at all, and these voices by their ids."""

    needed: bool = False
    voices: frozenset[str] = frozenset()


def examine_accounts(steps: Collection[Step], environ: Mapping[str, str], *, offline: bool = False) -> Iterator[Check]:
    """Keys and addresses, then what the accounts say: those with a key and a sound address are asked, all at once."""
    entries = [entry for entry in providers().values() if entry.keys]
    wrong = {entry.name: list(address_checks(entry, environ)) for entry in entries}
    asked = [] if offline else [entry for entry in entries if not wrong[entry.name]]
    answers = ask_accounts(asked, environ)
    for entry in entries:
        needs = needs_of(entry.name, steps)
        yield from key_checks(entry, environ, needs)
        yield from wrong[entry.name]
        if entry.name in answers:
            yield from account_checks(entry, answers[entry.name], needs)
    yield clock_check(answers)


def needs_of(provider: str, steps: Iterable[Step]) -> Needs:
    """What these steps want of a provider's account."""
    own = [step for step in steps if step.provider == provider]
    spoken = [step.params.get("voice") for step in own if step.kind is Kind.NARRATION]
    return Needs(needed=bool(own), voices=frozenset(voice for voice in spoken if isinstance(voice, str)))


def key_checks(entry: Entry, environ: Mapping[str, str], needs: Needs) -> Iterator[Check]:
    """Whether the key is there and looks like one; what it is stays unsaid.

    An odd shape is a warning, for services change their keys without telling; one that no request can carry is not.
    """
    name = f"{entry.name} key"
    if not entry.has_key(environ):
        yield _missing_key(entry, name, needs)
        return
    odd = [
        f"{variable} {reason}"
        for variable in set_keys(entry.keys, environ)
        if (reason := misshapen(environ[variable], entry.shapes.get(variable)))
    ]
    if odd:
        mend = f"copy the key again from {entry.signup}" if entry.signup else "copy the key again"
        verdict: Verdict = "problem" if needs.needed and entry.unsendable(environ) else "warning"
        yield Check(name=name, verdict=verdict, message="; ".join(odd), mend=mend)
    else:
        yield Check(name=name, message="set")


def _missing_key(entry: Entry, name: str, needs: Needs) -> Check:
    if not needs.needed:
        return Check(name=name, message=f"not set; only recipes with {entry.name}: models need it")
    return Check(
        name=name,
        verdict="problem",
        message="not set, and the recipe needs it",
        mend=f"set {' or '.join(' + '.join(group) for group in entry.keys)} in the environment or in a .env file; "
        f"keys: {entry.signup}",
    )


def address_checks(entry: Entry, environ: Mapping[str, str]) -> Iterator[Check]:
    """What is wrong with the addresses that stand for the service's own: no key may be sent to such a place."""
    for name in filter(environ.get, entry.addresses):
        try:
            base_url(environ, name, "")
        except PreflightError as error:
            yield Check(name=f"{entry.name} address", verdict="problem", message=error.message, mend=error.hint)


# ---------------------------------------------------------------------- asking


def ask_accounts(entries: Iterable[Entry], environ: Mapping[str, str]) -> dict[str, Answer]:
    """By provider what its account said, why not, or ``None`` for no answer within ``DEADLINE_SECONDS``."""
    asked = [entry for entry in entries if entry.has_key(environ) and not entry.unsendable(environ)]
    return trio.run(ask_together, asked, environ) if asked else {}


async def ask_together(entries: Iterable[Entry], environ: Mapping[str, str]) -> dict[str, Answer]:
    """The same inside an event loop."""
    asked = [(entry, entry.check) for entry in entries if entry.check]
    answers: dict[str, Answer] = dict.fromkeys(entry.name for entry, _ in asked)

    async def ask(entry: Entry, check: AccountCheck) -> None:
        try:
            answers[entry.name] = await check(environ)
        except (ProviderError, PreflightError) as error:
            answers[entry.name] = error
        except Exception as error:  # whatever a plug-in raises; its words may hold the key
            answers[entry.name] = Unavailable(f"{entry.name}: asking ends in {type(error).__name__}")

    with trio.move_on_after(DEADLINE_SECONDS):
        async with trio.open_nursery() as nursery:
            for entry, check in asked:
                nursery.start_soon(ask, entry, check)
    return answers


# ---------------------------------------------------------------------- what they said


def account_checks(entry: Entry, answer: Answer, needs: Needs) -> Iterator[Check]:
    """What an account's answer means for the recipe.

    Only a key that is refused, and an address to which no key may be sent, keep a batch from running: a network that
    leads nowhere from here may lead there tomorrow, or through a proxy.
    """
    name = f"{entry.name} account"
    serious: Verdict = "problem" if needs.needed else "warning"
    match answer:
        case Account():
            verdict: Verdict = "warning" if answer.mend else "ok"
            yield Check(name=name, verdict=verdict, message=answer.message, mend=answer.mend)
            yield from _voices(entry, answer, needs)
        case AuthFailed():
            mend = answer.hint or f"check the key at {entry.signup}"
            yield Check(name=name, verdict=serious, message=f"refused ({answer.message})", mend=mend)
        case PreflightError():
            yield Check(name=name, verdict="problem", message=answer.message, mend=answer.hint)
        case None:
            message = f"did not answer within {DEADLINE_SECONDS:g} seconds"
            yield Check(name=name, verdict="warning", message=message, mend=_way_there(entry))
        case _:
            message = f"could not be asked ({answer.message})"
            yield Check(name=name, verdict="warning", message=message, mend=answer.hint or _way_there(entry))


def _way_there(entry: Entry) -> str:
    elsewhere = f", and what {', '.join(entry.addresses)} name" if entry.addresses else ""
    return f"check the network{elsewhere}; 'doctor --offline' leaves this out"


def _voices(entry: Entry, account: Account, needs: Needs) -> Iterator[Check]:
    if account.voices is None or not needs.voices:
        return
    name, missing = f"{entry.name} voices", sorted(needs.voices - account.voices)
    if not missing:
        yield Check(name=name, message="the account has every voice of the recipe")
        return
    yield Check(
        name=name,
        verdict="warning",
        message=f"the account does not list {', '.join(missing)}, which the recipe speaks with",
        mend=f"add the voice to the account, or name one that {entry.name} lists under voices: in the recipe",
    )


def clock_check(answers: Mapping[str, Answer]) -> Check:
    """Whether this machine's clock agrees with the services': a lost request is looked for by when it was sent."""
    told = {
        name: answer.clock_ahead_seconds
        for name, answer in answers.items()
        if isinstance(answer, Account) and answer.clock_ahead_seconds is not None
    }
    if not told:
        return Check(name="clock", message="not compared: no service told its time")
    # A proxy may answer with an old date; whoever agrees best is believed.
    name, ahead = min(told.items(), key=lambda each: abs(each[1]))
    if abs(ahead) <= CLOCK_SECONDS:
        return Check(name="clock", message=f"agrees with {name}'s to {max(abs(ahead), 1):.0f} s")
    return Check(
        name="clock",
        verdict="warning",
        message=f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} {name}'s",
        mend="let the network set it (NTP): requests whose answer was lost are looked for by the time they were sent",
    )
