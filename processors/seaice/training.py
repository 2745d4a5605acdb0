"""Trains models with scikit-learn on cells of labelled scenes and turns them into plain numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from processors.errors import Refusal
from processors.protocol import JSON
from processors.seaice.features import Mask
from processors.seaice.textures import Floats

Architecture: TypeAlias = Literal["quadlogit", "logit", "mlp", "hgb", "rf", "gia"]
ARCHITECTURES: Mapping[Architecture, str] = {
    "quadlogit": "Quadratic logistic regression",
    "logit": "Logistic regression",
    "mlp": "Multilayer perceptron, 32 and 16 units",
    "hgb": "Histogram gradient boosting, 150 trees of 8 leaves",
    "rf": "Random forest, 60 trees",
    "gia": "Gaussian classifier with means linear in incidence (Lohse et al., 2020)",
}
PENALTY = 0.05
"""Inverse strength of regularisation of the logistic regressions."""


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Cells of one scene whose class is known.

    Attributes:
        scene: Name of the scene.
        names: Names of the features.
        values: Shape (cells, features), float32; in random order, so that the first ones are a fair sample.
        ice: Whether each is sea ice; else it is open water.
        season: ``winter`` or ``summer``.
        about: What else the record of the training should tell of the scene.
    """

    scene: str
    names: tuple[str, ...]
    values: Floats
    ice: Mask
    season: str = ""
    about: Mapping[str, JSON] | None = None


@dataclass(frozen=True, slots=True)
class Fitted:
    """Numbers that the loops of `processors.seaice.classifier` run.

    Attributes:
        kind: Which loop.
        features: Which features, in order.
        parameters: The numbers.
    """

    kind: str
    features: tuple[str, ...]
    parameters: dict[str, JSON]


def fit(architecture: Architecture, scenes: Sequence[Labelled], *, cells: int = 40_000, seed: int = 0) -> Fitted:
    """Train on as many cells of each scene.

    Args:
        architecture: One of `ARCHITECTURES`.
        scenes: Labelled scenes with the same features.
        cells: Most cells of each scene.
        seed: Seed of what starts at random.

    Raises:
        Refusal: The scenes differ in features, or hold one class only (``MODEL.LABELS``).
    """
    names = scenes[0].names
    if any(one.names != names for one in scenes):
        raise Refusal("the scenes do not have the same features", "training", "train on one kind", "MODEL.LABELS")
    values = np.concatenate([one.values[:cells] for one in scenes]).astype(np.float64)
    ice = np.concatenate([one.ice[:cells] for one in scenes])
    if not 0 < ice.sum() < ice.size:
        raise Refusal(
            "the scenes hold one class only", "training", "add scenes with ice and with water", "MODEL.LABELS"
        )
    return _FITS[architecture](values, ice, names, seed)


def _logistic(values: npt.NDArray[Any], ice: Mask, names: tuple[str, ...], degree: int) -> Fitted:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    model = make_pipeline(
        StandardScaler(),
        PolynomialFeatures(degree, include_bias=False),
        LogisticRegression(C=PENALTY, max_iter=100, tol=1e-8, solver="newton-cholesky"),
    ).fit(values, ice)
    scaler, _, regression = (step for _, step in model.steps)
    size, weights = len(names), regression.coef_[0]
    square = weights[size:] if degree == 2 else np.zeros(size * (size + 1) // 2)
    return _quadratic(names, scaler.mean_, scaler.scale_, weights[:size], square, regression.intercept_[0])


def _quadratic(names: tuple[str, ...], mean: Any, scale: Any, weights: Any, square: Any, intercept: float) -> Fitted:
    numbers = {"mean": mean, "scale": scale, "weights": weights, "quadratic": square}
    parameters: dict[str, JSON] = {name: _rounded(value) for name, value in numbers.items()}
    return Fitted("quadratic", names, parameters | {"intercept": _rounded([intercept])[0]})


def _rounded(values: Any) -> list[float]:
    """Keep eight digits: what lies beyond depends on the machine that trained, and means nothing."""
    return [float(f"{value:.8g}") for value in np.asarray(values).tolist()]


def _quadlogit(values: npt.NDArray[Any], ice: Mask, names: tuple[str, ...], seed: int) -> Fitted:
    del seed
    return _logistic(values, ice, names, 2)


def _logit(values: npt.NDArray[Any], ice: Mask, names: tuple[str, ...], seed: int) -> Fitted:
    del seed
    return _logistic(values, ice, names, 1)


def _mlp(values: npt.NDArray[Any], ice: Mask, names: tuple[str, ...], seed: int) -> Fitted:
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(values)
    model = MLPClassifier((32, 16), alpha=1e-3, batch_size=512, max_iter=40, random_state=seed, tol=1e-3)
    model.fit(scaler.transform(values), ice)
    layers = [np.vstack([weights, start]) for weights, start in zip(model.coefs_, model.intercepts_, strict=True)]
    return Fitted(
        "network",
        names,
        {
            "mean": scaler.mean_.tolist(),
            "scale": scaler.scale_.tolist(),
            "layers": [layer.tolist() for layer in layers],
        },
    )


def _hgb(values: npt.NDArray[Any], ice: Mask, names: tuple[str, ...], seed: int) -> Fitted:
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(max_iter=150, max_leaf_nodes=8, early_stopping=False, random_state=seed)
    model.fit(values, ice)
    forest = _Forest()
    for (tree,) in model._predictors:  # noqa: SLF001  (there is no public way to the trees; a test compares)
        nodes = tree.nodes
        left = np.where(nodes["is_leaf"], -1, nodes["left"].astype(int))
        right = np.where(nodes["is_leaf"], -1, nodes["right"].astype(int))
        forest.add(nodes["feature_idx"], nodes["num_threshold"], left, right, nodes["value"])
    start = float(np.ravel(model._baseline_prediction)[0])  # noqa: SLF001
    return Fitted("trees", names, forest.parameters(start, votes=False))


def _rf(values: npt.NDArray[Any], ice: Mask, names: tuple[str, ...], seed: int) -> Fitted:
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(60, min_samples_leaf=50, random_state=seed).fit(values, ice)
    forest = _Forest()
    for one in model.estimators_:
        tree = one.tree_
        votes = tree.value[:, 0, :]
        share = votes[:, 1] / votes.sum(axis=1)
        forest.add(tree.feature, tree.threshold, tree.children_left, tree.children_right, share)
    return Fitted("trees", names, forest.parameters(0.0, votes=True))


class _Forest:
    """Trees written behind each other."""

    def __init__(self) -> None:
        self.columns: dict[str, list[Any]] = {name: [] for name in ("feature", "threshold", "left", "right", "value")}
        self.roots: list[int] = []

    def add(self, feature: Any, threshold: Any, left: Any, right: Any, value: Any) -> None:
        """Add a tree; -1 is no child."""
        first = len(self.columns["value"])
        self.roots.append(first)
        leaf = np.asarray(left) < 0
        shifted = {"left": np.where(leaf, -1, left + first), "right": np.where(leaf, -1, right + first)}
        own = {"feature": np.where(leaf, 0, feature), "threshold": np.where(leaf, 0.0, threshold), "value": value}
        for name, column in {**shifted, **own}.items():
            self.columns[name] += np.asarray(column).tolist()

    def parameters(self, intercept: float, *, votes: bool) -> dict[str, JSON]:
        """Return the numbers of the loop ``trees``."""
        return {**self.columns, "roots": self.roots, "intercept": intercept, "votes": votes}


def _gia(values: npt.NDArray[Any], ice: Mask, names: tuple[str, ...], seed: int) -> Fitted:
    """Fit one Gaussian per class to two backscatters whose means are linear in incidence.

    The logarithm of the ratio of their densities is a quadratic form of backscatter and incidence.
    """
    del seed
    chosen = (*(name for name in names if name.endswith("_mean_5")), "incidence")
    used = values[:, [names.index(name) for name in chosen]]
    water, frozen = (_density(used[ice == kind]) for kind in (False, True))
    square, linear, constant = (one - other for one, other in zip(frozen, water, strict=True))
    upper = np.triu_indices(3)
    terms = np.where(upper[0] == upper[1], square[upper], 2 * square[upper])
    start = constant + np.log(ice.sum() / (~ice).sum())
    return _quadratic(chosen, np.zeros(3), np.ones(3), linear, terms, start)


def _density(used: npt.NDArray[Any]) -> tuple[Any, Any, Any]:
    """Return square, linear and constant terms of the logarithm of a density of (co, cross, incidence)."""
    line = np.column_stack([np.ones(len(used)), used[:, 2]])
    (start, slope), *_ = np.linalg.lstsq(line, used[:, :2], rcond=None)
    spread = np.cov((used[:, :2] - line @ np.stack([start, slope])).T)
    inverse = np.linalg.inv(spread)
    away = np.column_stack([np.eye(2), -slope])
    square = -0.5 * away.T @ inverse @ away
    linear = away.T @ inverse @ start
    return square, linear, -0.5 * start @ inverse @ start - 0.5 * np.linalg.slogdet(spread)[1]


_FITS: Mapping[Architecture, Callable[[npt.NDArray[Any], Mask, tuple[str, ...], int], Fitted]] = {
    "quadlogit": _quadlogit,
    "logit": _logit,
    "mlp": _mlp,
    "hgb": _hgb,
    "rf": _rf,
    "gia": _gia,
}
