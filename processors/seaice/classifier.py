"""Gives the probability of ice from features and a model's numbers; no learning library is needed for it.

The loops are plain Python that `compiled` turns into machine code. They work in a fixed order on 512 cells at a time,
so a cell has the same probability whatever lies beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from processors.errors import Refusal
from processors.protocol import JSON
from processors.seaice.textures import Floats, Reals, compiled

Whole = npt.NDArray[np.int32]

CHUNK = 512
NO_CHILD: Final = -1
MISMATCH = "MODEL.FEATURE_MISMATCH"


def select(values: Floats, names: Sequence[str], wanted: Sequence[str]) -> Floats:
    """Return the features that a model wants, in its order.

    Args:
        values: Features, the first axis is that of ``names``.
        names: What they are.
        wanted: What the model was trained with.

    Raises:
        Refusal: The model wants others (``MODEL.FEATURE_MISMATCH``).
    """
    missing = [name for name in wanted if name not in names]
    if missing:
        extra = [name for name in names if name not in wanted]
        others = f"; the scene also has {', '.join(extra)}" if extra else ""
        raise Refusal(
            f"the model wants features the scene does not have: {', '.join(missing)}{others}",
            "model",
            "take a model that was trained on scenes of the same polarisation and by the same version",
            MISMATCH,
        )
    if tuple(wanted) == tuple(names):
        return values
    return values[[names.index(name) for name in wanted]]


def probability(kind: str, parameters: Mapping[str, JSON], values: Floats) -> Floats:
    """Return the probability of ice.

    Args:
        kind: ``quadratic``, ``network`` or ``trees``.
        parameters: Numbers of the model; `check_parameters` says which.
        values: Features in the order of the model, shape (features, …), float32.

    Returns:
        Shape of one feature, float32.
    """
    flat = np.ascontiguousarray(values.reshape(values.shape[0], -1), dtype=np.float32)
    margin = np.zeros(flat.shape[1])
    _KINDS[kind][0](parameters, flat, margin)
    slope, offset = parameters.get("calibration", (1.0, 0.0))
    with np.errstate(over="ignore"):
        made: Floats = (1 / (1 + np.exp(-(slope * margin + offset)))).astype(np.float32)
    return made.reshape(values.shape[1:])


def check_parameters(kind: str, parameters: Mapping[str, JSON], features: int) -> None:
    """Hold a model's numbers against the count of its features, so that no loop reads beyond them.

    Raises:
        Refusal: They do not fit (``MODEL.FEATURE_MISMATCH``).
    """
    if kind not in _KINDS:
        raise Refusal(f"a model of kind {kind!r} is unknown", "model", f"known: {', '.join(_KINDS)}", MISMATCH)
    try:
        sound = _KINDS[kind][1](parameters, features)
    except (KeyError, TypeError, ValueError, IndexError):
        sound = False
    if not sound:
        raise Refusal(f"the numbers of the model do not fit its {features} features", "model", "", MISMATCH)


def _quadratic(parameters: Mapping[str, JSON], values: Floats, margin: Reals) -> None:
    mean, scale, weights, square = (np.array(parameters[name], float) for name in _QUADRATIC)
    margin += float(parameters["intercept"])
    compiled(add_quadratic)(values, mean, scale, weights, square, margin)


def _fits_quadratic(parameters: Mapping[str, JSON], features: int) -> bool:
    sizes = [np.array(parameters[name], float).size for name in _QUADRATIC]
    finite = all(np.isfinite(np.array(parameters[name], float)).all() for name in (*_QUADRATIC, "intercept"))
    return finite and sizes == [features, features, features, features * (features + 1) // 2]


_QUADRATIC = ("mean", "scale", "weights", "quadratic")


def add_quadratic(values: Floats, mean: Reals, scale: Reals, weights: Reals, square: Reals, margin: Reals) -> None:
    """Add w·z + Σ_{i≤j} q_ij z_i z_j with z = (x - mean) / scale to ``margin``; ``square`` holds q by rows."""
    features, cells = values.shape
    z = np.empty((features, CHUNK))
    for first in range(0, cells, CHUNK):
        size = min(CHUNK, cells - first)
        for i in range(features):
            z[i, :size] = (values[i, first : first + size] - mean[i]) / scale[i]
        total = margin[first : first + size]
        place = 0
        for i in range(features):
            inner = np.full(size, weights[i])
            for j in range(i, features):
                inner += square[place] * z[j, :size]
                place += 1
            total += inner * z[i, :size]


def _network(parameters: Mapping[str, JSON], values: Floats, margin: Reals) -> None:
    mean, scale = (np.array(parameters[name], float) for name in ("mean", "scale"))
    layers = [np.array(layer, float) for layer in parameters["layers"]]
    for first in range(0, values.shape[1], CHUNK):
        part = (values[:, first : first + CHUNK] - mean[:, None]) / scale[:, None]
        for number, layer in enumerate(layers):
            made = np.zeros((layer.shape[1], part.shape[1]))
            compiled(add_layer)(part, layer, made)
            part = np.maximum(made, 0) if number + 1 < len(layers) else made
        margin[first : first + CHUNK] += part[0]


def _fits_network(parameters: Mapping[str, JSON], features: int) -> bool:
    layers = [np.array(layer, float) for layer in parameters["layers"]]
    widths = [features, *(layer.shape[1] for layer in layers)]
    fit = all(layer.shape[0] == width + 1 for layer, width in zip(layers, widths[:-1], strict=True))
    return fit and widths[-1] == 1 and len(parameters["mean"]) == len(parameters["scale"]) == features


def add_layer(part: Reals, layer: Reals, made: Reals) -> None:
    """Add one layer of a network: inputs times weights, whose last row is the intercept."""
    for unit in range(layer.shape[1]):
        line = made[unit]
        line += layer[part.shape[0], unit]
        for source in range(part.shape[0]):
            line += layer[source, unit] * part[source]


def _trees(parameters: Mapping[str, JSON], values: Floats, margin: Reals) -> None:
    feature, left, right = (np.array(parameters[name], np.int32) for name in ("feature", "left", "right"))
    threshold, value = (np.array(parameters[name], float) for name in ("threshold", "value"))
    roots = np.array(parameters["roots"], np.int32)
    compiled(add_trees)(values, roots, feature, threshold, left, right, value, margin)
    margin += float(parameters["intercept"])
    if parameters["votes"]:
        share = np.clip(margin / len(roots), 1e-6, 1 - 1e-6)
        margin[:] = np.log(share / (1 - share))


def _fits_trees(parameters: Mapping[str, JSON], features: int) -> bool:
    size = len(parameters["feature"])
    same = all(len(parameters[name]) == size for name in ("threshold", "left", "right", "value"))
    place = np.arange(size)
    feature, left, right = (np.array(parameters[name]) for name in ("feature", "left", "right"))
    leaf = left == NO_CHILD
    descends = bool(np.all(leaf | ((left > place) & (right > place) & (left < size) & (right < size))))
    known = bool(np.all(leaf | ((feature >= 0) & (feature < features))))
    return same and descends and known and all(0 <= root < size for root in parameters["roots"])


def add_trees(
    values: Floats,
    roots: Whole,
    feature: Whole,
    threshold: Reals,
    left: Whole,
    right: Whole,
    value: Reals,
    margin: Reals,
) -> None:
    """Add the leaf that each tree leads a cell to; children lie behind their parent."""
    for cell in range(values.shape[1]):
        for root in roots:
            node = root
            while left[node] != NO_CHILD:
                node = left[node] if values[feature[node], cell] <= threshold[node] else right[node]
            margin[cell] += value[node]


_KINDS: Mapping[str, tuple[Callable[..., None], Callable[..., bool]]] = {
    "quadratic": (_quadratic, _fits_quadratic),
    "network": (_network, _fits_network),
    "trees": (_trees, _fits_trees),
}
