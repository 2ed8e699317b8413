"""Model entries, those of the catalog's file and those that somebody adds, as typed values."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, get_args, get_type_hints

from tiktoker_batch.catalog.fields import (
    Fields,
    WrongEntry,
    amounts,
    flag,
    interval,
    mapping,
    near,
    number,
    numbers,
    one_of,
    text,
    texts,
    usd,
    whole,
)
from tiktoker_batch.model import Field, Json, Model, Price

KINDS: tuple[str, ...] = get_args(get_type_hints(Model)["kind"])
FIELD_NAMES = (
    "prompt", "image", "reference", "seconds", "size", "aspect_ratio", "resolution", "seed", "voice", "language",
)  # fmt: skip
"""Our names of the values that a model can be sent."""

UNITS: Mapping[str, tuple[str, ...]] = {
    "text": ("call",),
    "image": ("image", "megapixel", "call"),
    "clip": ("second", "call"),
    "narration": ("1k_characters",),
}
"""What each kind of model is paid by, the usual unit first."""

USUAL_SECONDS = 30.0
_USUAL_FIELDS: Mapping[str, Mapping[str, Field]] = {
    "text": {},
    "image": {"prompt": Field(name="prompt"), "size": Field(name="image_size")},
    "clip": {
        "prompt": Field(name="prompt"),
        "image": Field(name="image_url"),
        "seconds": Field(name="duration", form="text"),
    },
    "narration": {"prompt": Field(name="text"), "voice": Field(name="voice")},
}
_FORMS: frozenset[str] = frozenset(get_args(get_type_hints(Field)["form"]))
_KIND = one_of(frozenset(KINDS))


def catalog_model(ref: str, fields: Fields) -> Model:
    """An entry of the catalog's own file.

    :raises WrongEntry: something is missing or not what it should be.
    """
    model = _named(ref, kind=fields.take("kind", _KIND), title=fields.take("title", text))
    model = replace(model, typical_seconds=fields.take("typical_seconds", number))
    model = _filled(model, fields)
    if model.price and not (model.price.as_of and model.price.source):
        raise WrongEntry("price: a figure needs 'as_of' and 'source'", "price")
    return model


def own_model(ref: str, values: Mapping[str, Any], built_in: Model | None = None) -> Model:
    """An entry that somebody adds, with the keys of models.yaml; what it leaves out is as usual for its kind.

    With a built-in model, each key that is given takes the place of the built-in one's.

    :raises WrongEntry: something is missing or not what it should be.
    """
    fields = Fields(values)
    kind = fields.take("kind", _KIND, built_in.kind if built_in else None)
    if built_in and kind != built_in.kind:
        raise WrongEntry(f"kind: this is a model for {built_in.kind}, not for {kind}", "kind")
    usual = built_in or replace(
        _named(ref, kind=kind, title=ref.partition(":")[2]), typical_seconds=USUAL_SECONDS, fields=_USUAL_FIELDS[kind]
    )
    if "durations" in fields.values and "duration_range" not in fields.values:
        usual = replace(usual, duration_range=None, usual_seconds=None)
    if "duration_range" in fields.values and "durations" not in fields.values:
        usual = replace(usual, durations=(), usual_seconds=None)
    model = _filled(usual, fields)
    fields.close()
    if usual.fields:  # a provider that knows its models by heart needs none
        _check_wiring(model)
    return model


def _named(ref: str, *, kind: Any, title: str) -> Model:
    provider, colon, id_ = ref.partition(":")
    if not (provider and colon and id_):
        raise WrongEntry("a model is called provider:id")
    return Model(provider=provider, id=id_, kind=kind, title=title)


def _filled(model: Model, fields: Fields) -> Model:
    """The model with everything that its entry gives."""
    unit: Any = model.price.unit if model.price else UNITS[model.kind][0]
    usual_price = Price(unit=unit, usd=Decimal(0))
    convert: Mapping[str, Callable[[object], Any]] = {
        "title": text,
        "durations": numbers,
        "duration_range": interval,
        "usual_seconds": number,
        "aspect_ratios": texts,
        "resolutions": texts,
        "languages": texts,
        "fields": _fields,
        "parameters": mapping,
        "prompt_characters": whole,
        "price": lambda value: _price(value, usual_price, UNITS[model.kind]),
        "typical_seconds": number,
        "latency_spread": number,
    }
    fields.taken.update(convert)
    given: dict[str, Any] = {key: fields.take(key, convert[key]) for key in convert if key in fields.values}
    model = replace(model, **given)
    if (model.kind == "clip") != bool(model.durations or model.duration_range):
        raise WrongEntry(
            "a clip model has lengths; add 'durations', like [5, 10], or a 'duration_range'"
            if model.kind == "clip"
            else f"only clip models have 'durations' or a 'duration_range'; remove them from one for {model.kind}"
        )
    if model.durations and model.duration_range:
        raise WrongEntry("a clip model has either durations or a duration_range; remove one of them", "duration_range")
    if model.usual_seconds is not None and not model.offers_duration(model.usual_seconds):
        raise WrongEntry(f"usual_seconds: {_no_length_of(model)}", "usual_seconds")
    _check_parameters(model)
    return replace(model, price=_price_that_holds(model, model.price)) if model.price else model


def _no_length_of(model: Model) -> str:
    if model.kind != "clip":
        return "only clip models have one; remove it"
    lengths = ", ".join(f"{seconds:g}" for seconds in model.durations or model.duration_range or ())
    expected = f"a length between {lengths.replace(', ', ' and ')}" if model.duration_range else f"one of {lengths}"
    return f"{model.usual_seconds:g} is not one of its lengths; expected {expected}"


def _check_parameters(model: Model) -> None:
    """What a field carries is the video's own; a parameter of that name would take its place unseen, or be lost."""
    for ours, field in model.fields.items():
        for name in (ours, field.name):
            if name in model.parameters:
                taken = f"is taken by the field {ours!r}, which every request fills; leave it out"
                raise WrongEntry(f"parameters: {name!r} {taken}", "parameters", name)


def _price_that_holds(model: Model, price: Price) -> Price:
    """The price for the parameters that the model is sent.

    :raises WrongEntry: nobody knows it.
    """
    found = price.of(model.parameters)
    if found is None:
        name = next(name for name, values in price.given.items() if model.parameters.get(name) not in values)
        told = f"with {name}: {json.dumps(model.parameters[name])}" if name in model.parameters else f"without {name!r}"
        message = f"parameters: no price is known {told}; add one, like 'price: {{usd: \"0.30\"}}'"
        raise WrongEntry(message, "parameters", *([name] if name in model.parameters else []))
    return found


def _check_wiring(model: Model) -> None:
    """Without these a request would be paid for and answer something else than was asked."""
    needed = {"prompt"}
    if model.kind == "clip":
        needed |= {"image"} if len(model.durations) == 1 else {"image", "seconds"}
    for name in sorted(needed - {*model.fields}):
        raise WrongEntry(f"fields: {name!r} is missing; a request needs it", "fields")


def _price(value: object, usual: Price, units: tuple[str, ...]) -> Price:
    """What is left out is as ``usual``: an ``otherwise`` has the unit, the day and the source of what it stands in."""
    fields = Fields(value)
    price = Price(
        unit=fields.take("unit", one_of(frozenset(units)), usual.unit),
        usd=fields.take("usd", usd),
        by_resolution=fields.take("by_resolution", amounts, {}),
        as_of=fields.take("as_of", text) if "as_of" in fields.values else usual.as_of,
        source=fields.take("source", text) if "source" in fields.values else usual.source,
        uncertain=fields.take("uncertain", flag, usual.uncertain),
        given=fields.take("given", _given, {}),
    )
    if "otherwise" in fields.values:
        price = replace(price, otherwise=fields.take("otherwise", lambda other: _price(other, price, units)))
    fields.close()
    return price


def _given(value: object) -> Mapping[str, tuple[Json, ...]]:
    return {name: tuple(each) if isinstance(each, list) else (each,) for name, each in mapping(value).items()}


def _fields(value: object) -> Mapping[str, Field]:
    found = {}
    for name, written in mapping(value).items():
        if name not in FIELD_NAMES:
            known = near(name, FIELD_NAMES) or f" (there are: {', '.join(FIELD_NAMES)})"
            raise WrongEntry(f"unknown field {name!r}{known}", name)
        try:
            found[name] = _field(written)
        except WrongEntry as error:
            raise WrongEntry(f"{name}: {error}", name, *error.at) from None
    return found


def _field(value: object) -> Field:
    if isinstance(value, str):
        return Field(name=text(value))
    fields = Fields(value)
    found = Field(name=fields.take("name", text), form=fields.take("form", one_of(_FORMS), "plain"))
    fields.close()
    return found
