"""Runs a processor: checks what it is given, looks whether it was made before, and gathers its products."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import ValidationError

from processors.cache import ProductCache
from processors.engine import Engine
from processors.errors import Refusal
from processors.protocol import Inputs, Lineage, Parameters, Processor, Product


def resolve(processor: Processor, given: Mapping[str, Any]) -> Parameters:
    """Return the parameters of a run, with defaults; texts are read as the type that is wanted.

    Raises:
        Refusal: A parameter is unknown, missing or not what it must be; all of them are named.
    """
    model = processor.parameters
    try:
        return model.model_validate({name: _chosen(model, name, value) for name, value in given.items()})
    except ValidationError as trouble:
        lines = dict.fromkeys(problem_of(dict(error), model) for error in trouble.errors())
        raise Refusal("; ".join(lines), processor.name, f"see `iaos process describe {processor.name}`") from None


def _chosen(model: type[Parameters], name: str, value: Any) -> Any:
    """Return the choice that a text stands for, where choices are numbers; anything else as it is."""
    field = model.model_fields.get(name)
    if not isinstance(value, str) or field is None or get_origin(field.annotation) is not Literal:
        return value
    return next((one for one in get_args(field.annotation) if str(one) == value), value)


def check_inputs(processor: Processor, inputs: Inputs) -> None:
    """Hold the inputs against the slots of a processor.

    Raises:
        Refusal: A slot is unknown, or has too few or too many files.
    """
    slots = {slot.name: slot for slot in processor.inputs}
    for name in inputs:
        if name not in slots:
            raise Refusal(f"takes no input `{name}`", processor.name, f"it takes: {', '.join(slots)}")
    for name, slot in slots.items():
        count = len(inputs.get(name, ()))
        if count < slot.least:
            raise Refusal(f"needs at least {slot.least} input `{name}`, not {count}", processor.name, slot.title)
        if slot.most is not None and count > slot.most:
            raise Refusal(f"takes at most {slot.most} input `{name}`, not {count}", processor.name, slot.title)


def foresee(processor: Processor, inputs: Inputs, parameters: Parameters) -> Mapping[str, Any]:
    """Return what a run would do, from processors that can tell (a method ``foresee``); nothing from others.

    Raises:
        Refusal: The inputs or parameters cannot give a truthful product.
    """
    teller = getattr(processor, "foresee", None)
    return {} if teller is None else {"would": teller(inputs, parameters)}


def execute(
    processor: Processor, inputs: Inputs, parameters: Parameters, engine: Engine, cache: ProductCache | None = None
) -> tuple[Product, ...]:
    """Make the products, or take them from the cache.

    Raises:
        Refusal: The inputs or parameters cannot give a truthful product.
    """
    check_inputs(processor, inputs)
    lineage = Lineage.of(processor, inputs, parameters)
    kept = cache.find(lineage) if cache else None
    if kept is not None:
        return kept
    products: list[Product] = []
    for product in processor.run(inputs, parameters, engine):
        if any(other.name == product.name for other in products):
            raise Refusal(f"made two products named {product.name}", processor.name, "report it to its author")
        products.append(product)
        engine.advance("products")
    return cache.keep(lineage, products) if cache else tuple(products)


def problem_of(error: dict[str, Any], model: type[Parameters]) -> str:
    """Say what is wrong with a parameter, in the words of a person.

    Args:
        error: One entry of ``ValidationError.errors()``.
        model: The parameters.
    """
    where = ".".join(str(step) for step in error["loc"]) or "parameters"
    if error["type"] == "extra_forbidden":
        known = list(model.model_fields)
        near = difflib.get_close_matches(str(error["loc"][-1]), known, n=1)
        return f"unknown parameter `{where}`, " + (
            f"did you mean `{near[0]}`?" if near else f"known: {', '.join(known)}"
        )
    if error["type"] == "missing" and not _has_kinds(model, str(error["loc"][0])):
        field = model.model_fields.get(str(error["loc"][-1]))
        about = f" ({field.description})" if field and field.description else ""
        return f"parameter `{where}` is missing{about}"
    if error["type"] != "value_error" and _has_kinds(model, str(error["loc"][0] if error["loc"] else "")):
        name = error["loc"][0]
        return f"parameter `{name}` is of no kind that it can be ({model.model_fields[name].description})"
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"parameter `{where}`: {message[:1].lower()}{message[1:]}, not {error['input']!r}"


def _has_kinds(model: type[Parameters], name: str) -> bool:
    """Tell whether a parameter may be of several kinds, such as a word or a box."""
    field = model.model_fields.get(name)
    if field is None or field.discriminator is not None or get_origin(field.annotation) not in {Union, UnionType}:
        return False
    return len(set(get_args(field.annotation)) - {NoneType}) > 1
