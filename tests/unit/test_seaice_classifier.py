"""The kernels beside scikit-learn, and models that are refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.preprocessing import PolynomialFeatures

from processors.errors import Refusal
from processors.seaice import classifier
from processors.seaice.artefact import Model, find_model, load_model, save_model
from processors.seaice.classifier import check_parameters, probability, select
from processors.seaice.features import Cells, Settings
from processors.seaice.textures import compiled


def numbers(features, seed=0):
    random = np.random.default_rng(seed)
    return {
        "mean": random.normal(-15, 2, features).tolist(),
        "scale": random.uniform(2, 5, features).tolist(),
        "weights": random.normal(0, 1, features).tolist(),
        "quadratic": random.normal(0, 0.3, features * (features + 1) // 2).tolist(),
        "intercept": 0.3,
    }


def some(features, cells, seed=1):
    return np.random.default_rng(seed).normal(-15, 4, (features, cells)).astype("f4")


def a_model(features=("a", "b"), **changes):
    given = {
        "name": "test", "version": "1.2.0", "architecture": "Quadratic logistic regression", "kind": "quadratic",
        "polarisations": ("HH", "HV"), "settings": Settings(), "features": tuple(features),
        "parameters": numbers(len(features)),
    }  # fmt: skip
    return Model(**given | changes)


def test_quadratic_is_polynomial_features_times_coefficients():
    parameters, values = numbers(7), some(7, 1300)
    z = (values.T.astype("f8") - parameters["mean"]) / parameters["scale"]
    terms = PolynomialFeatures(2, include_bias=False).fit_transform(z)
    margin = terms @ np.array(parameters["weights"] + parameters["quadratic"]) + parameters["intercept"]
    np.testing.assert_allclose(probability("quadratic", parameters, values), 1 / (1 + np.exp(-margin)), atol=1e-6)


def test_a_cell_has_its_probability_wherever_it_lies():
    parameters, values = numbers(7), some(7, 1300)
    whole = probability("quadratic", parameters, values)
    for first in (0, 1, 511, 700):
        part = probability("quadratic", parameters, values[:, first:])
        assert part.tobytes() == whole[first:].tobytes()


@pytest.mark.parametrize(
    ("loop", "arguments"),
    [
        (
            classifier.add_quadratic,
            lambda: (some(3, 600), *(np.array(numbers(3)[name]) for name in ("mean", "scale", "weights", "quadratic")),
                     np.zeros(600)),
        ),
        (classifier.add_layer, lambda: (some(3, 50).astype("f8"), some(4, 6).T[:4].astype("f8"), np.zeros((4, 50)))),
        (
            classifier.add_trees,
            lambda: (some(2, 90), *(np.array(one, np.int32) for one in ([0, 3], [0, -1, -1, 1, -1, -1])),
                     np.array([-14.0, 0, 0, -16, 0, 0]),
                     *(np.array(one, np.int32) for one in ([1, -1, -1, 4, -1, -1], [2, -1, -1, 5, -1, -1])),
                     np.array([0, 0.5, -0.5, 0, 2, -2]), np.zeros(90)),
        ),
    ],
)  # fmt: skip
def test_machine_code_does_what_the_loop_says(loop, arguments):
    plain, fast = arguments(), arguments()
    loop(*plain)
    compiled(loop)(*fast)
    np.testing.assert_allclose(fast[-1], plain[-1], rtol=1e-13)


def test_features_are_put_in_the_order_of_the_model():
    values = some(3, 4)
    assert np.array_equal(select(values, ("a", "b", "c"), ("c", "a")), values[[2, 0]])
    with pytest.raises(Refusal, match=r"does not have: d; the scene also has b, c") as refused:
        select(values, ("a", "b", "c"), ("a", "d"))
    assert refused.value.code == "MODEL.FEATURE_MISMATCH"


def test_cells_without_data_have_no_probability():
    known = np.array([[True, False]])
    cells = Cells(("a", "b"), some(2, 2).reshape(2, 1, 2), known, np.zeros((1, 2), "f4"))
    assert np.isnan(a_model().predict(cells)).tolist() == [[False, True]]


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("quadratic", {"weights": [1.0]}),
        ("quadratic", {"quadratic": [1.0, 2.0]}),
        ("quadratic", {"intercept": float("nan")}),
        ("quadratic", {"mean": None}),
        ("forest", {}),
        ("network", {"layers": [[[1.0], [1.0]]]}),
        ("trees", {"feature": [7, 0, 0], "threshold": [0, 0, 0], "left": [1, -1, -1], "right": [2, -1, -1],
                   "value": [0, 1, 2], "roots": [0], "votes": False}),
        ("trees", {"feature": [0, 0, 0], "threshold": [0, 0, 0], "left": [0, -1, -1], "right": [2, -1, -1],
                   "value": [0, 1, 2], "roots": [0], "votes": False}),
        ("trees", {"feature": [0, 0, 0], "threshold": [0, 0, 0], "left": [1, -1, -1], "right": [9, -1, -1],
                   "value": [0, 1, 2], "roots": [0], "votes": False}),
    ],
)  # fmt: skip
def test_numbers_that_do_not_fit_are_refused(kind, change):
    with pytest.raises(Refusal) as refused:
        check_parameters(kind, numbers(2) | change, 2)
    assert refused.value.code == "MODEL.FEATURE_MISMATCH"


def test_a_model_is_read_as_it_was_written(tmp_path):
    model = a_model(training={"scenes": 3})
    path = save_model(model, tmp_path, {"MODEL_CARD.md": b"# Card\n"})
    assert path == tmp_path / "test" / "1.2.0" / "model.json"
    read = load_model(path)
    assert (read.to_json(), read.training) == (model.to_json(), {"scenes": 3})
    assert read.size == 1 + 2 + 3
    assert save_model(model, tmp_path, {"MODEL_CARD.md": b"# Card\n"}) == path
    with pytest.raises(Refusal, match="raise the version"):
        save_model(a_model(training={"scenes": 4}), tmp_path, {})


def test_another_file_than_was_written_is_refused(tmp_path):
    path = save_model(a_model(), tmp_path, {})
    path.write_bytes(path.read_bytes().replace(b'"intercept": 0.3', b'"intercept": 0.4'))
    with pytest.raises(Refusal) as refused:
        load_model(path)
    assert refused.value.code == "MODEL.SHA256"
    (path.parent / "SHA256SUMS").unlink()
    with pytest.raises(Refusal, match="beside it") as refused:
        load_model(path)
    assert refused.value.code == "MODEL.SHA256"


def written(tmp_path, said):
    """Write what says it is a model, with a right digest."""
    import hashlib

    raw = json.dumps(said).encode()
    (tmp_path / "model.json").write_bytes(raw)
    (tmp_path / "SHA256SUMS").write_text(f"{hashlib.sha256(raw).hexdigest()}  model.json\n")
    return tmp_path / "model.json"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"settings": Settings().to_dict() | {"grey_levels": 32}}, "MODEL.FEATURE_MISMATCH"),
        ({"features": ["a"]}, "MODEL.FEATURE_MISMATCH"),
        ({"schema": "other/1"}, "MODEL.UNREADABLE"),
        ({"settings": None}, "MODEL.UNREADABLE"),
    ],
)
def test_what_was_trained_otherwise_is_refused(tmp_path, change, code):
    path = written(tmp_path, json.loads(a_model().to_json()) | change)
    with pytest.raises(Refusal) as refused:
        load_model(path)
    assert refused.value.code == code


def test_the_highest_fitting_version_is_found(tmp_path):
    for version in ("1.2.0", "1.10.0", "2.0.1"):
        save_model(a_model(version=version), tmp_path, {})
    found = {asked: find_model(asked, tmp_path).parent.name for asked in ("test", "test@1", "test@1.2", "test@2.0.1")}
    assert found == {"test": "2.0.1", "test@1": "1.10.0", "test@1.2": "1.2.0", "test@2.0.1": "2.0.1"}
    for asked in ("test@3", "other", "../test", "test@"):
        with pytest.raises(Refusal) as refused:
            find_model(asked, tmp_path)
        assert refused.value.code == "MODEL.UNKNOWN"
