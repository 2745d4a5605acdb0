"""The language of band maths: what it computes, held against Python and numpy, and what it says of mistakes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.bandmaths.checking import checked, used
from processors.bandmaths.evaluation import Work, compute, result_of
from processors.bandmaths.processor import SNOW
from processors.bandmaths.rasters import Pixels
from processors.errors import Refusal

KNOWN = ("dem", "sigma0")
NUMBERS = {"wet_db": -14.0, "ice_db": -6.0, "ela_m": 1650.0}


def value(expression, **bands):
    with np.errstate(all="ignore"):
        return compute(checked(expression, bands), {key: np.float64(one) for key, one in bands.items()})


def nested(sigma0, dem):
    """The seed's formula as its slide has it (ec-intaros, snow and bare ice from Sentinel-1 and a height model)."""
    inner = np.where((sigma0 < -6) & (dem < 1650), 20, 30)
    return np.where(dem == -500, 0, np.where(sigma0 < -14, 10, inner))


def snow(sigma0, dem):
    work = Work(checked(SNOW, {*KNOWN, *NUMBERS}), NUMBERS, "uint8", 255)
    return result_of(work, {"sigma0": Pixels(sigma0), "dem": Pixels(dem)})


def test_two_million_random_pixels_are_those_of_nested_where():
    random = np.random.default_rng(5)
    shape = (2, 1_000_003)
    sigma0 = (random.integers(-2500, 500, shape) / 100).astype(np.float32)
    dem = random.integers(0, 3300, shape).astype(np.float32)
    dem[random.random(shape) < 0.1] = -500
    assert np.array_equal(snow(sigma0, dem), nested(sigma0, dem))


@pytest.mark.parametrize(
    ("sigma0", "dem", "expected"),
    [
        (-14, 100, 20), (np.nextafter(np.float32(-14), np.float32(-15)), 100, 10), (-6, 100, 30),
        (np.nextafter(np.float32(-6), np.float32(-7)), 100, 20), (-10, 1650, 30),
        (-10, np.nextafter(np.float32(1650), np.float32(0)), 20), (-20, 1650, 10), (-20, -500, 0), (-6, 1650, 30),
        (-14, 1650, 30),
    ],
)  # fmt: skip
def test_values_on_the_boundary_go_as_the_expression_says(sigma0, dem, expected):
    made = snow(np.full((1, 1), sigma0, np.float32), np.full((1, 1), dem, np.float32))
    assert made.item() == expected


def test_steps_of_a_hundredth_of_a_decibel_meet_the_boundary():
    stored = np.array([[-1401, -1400, -601, -600, 35]], np.int16)
    band = Pixels(stored, scale=0.01)
    assert band.flat(slice(None)).tolist() == [-14.01, -14.0, -6.01, -6.0, 0.35]
    work = Work(checked(SNOW, {*KNOWN, *NUMBERS}), NUMBERS, "uint8", 255)
    made = result_of(work, {"sigma0": band, "dem": Pixels(np.full((1, 5), 7, np.int16))})
    assert made.tolist() == [[10, 20, 20, 30, 30]]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("-2 ^ 2", -4), ("2 ^ -1", 0.5), ("2 ^ 3 ^ 2", 512), ("7 - 2 - 1", 4),
        ("8 / 4 / 2", 1), ("1e3 + .5 + 2.", 1002.5), ("min(3, 1, 2) + max(1, 5)", 6), ("abs(-3) + sqrt(16)", 7),
        ("log10(1000) + log(exp(2))", 5), ("floor(-1.5) + ceil(1.2)", 0), ("sin(0) + cos(0) + tan(0)", 1),
        ("if not 1 > 2 and 3 >= 3 then 1 else 2", 1), ("if 1 == 2 or 2 != 2 || false then 1 else 2", 2),
        ("if true && !(1 <= 0) then 4 else 5", 4), ("if isnan(nan) then 1 else 0", 1), ("+x - -x", 6),
        ("if x < 0 then 1 else if x < 5 then 2 else 3", 2), ("1 + if x > 2 then 1 else 2 + 10", 2),
        ("if (1 < 2) == (3 < 4) then 1 else 0", 1), ("if 1 > 2 or 1 < 2 and 2 < 1 then 1 else 0", 0),
        ("if not true or true then 1 else 0", 1), ("1 / 0", math.inf), ("x\n*\t2", 6),
    ],
)  # fmt: skip
def test_operators_bind_as_in_mathematics(expression, expected):
    assert value(expression, x=3.0) == expected


@pytest.mark.parametrize(
    ("expression", "code", "message"),
    [
        ("foo + 1", "UNKNOWN_BAND", "unknown band 'foo' at column 1; known: dem, sigma0"),
        ("sigma0 + foo", "UNKNOWN_BAND", "unknown band 'foo' at column 10; known: dem, sigma0"),
        ("if dem then 1 else 2", "TYPE", "'if' at column 1 needs a condition"),
        ("if dem > 1 then 2", "SYNTAX", "expected 'else' but found 'end of expression' at column 18"),
        ("if 1 > 2 then 3", "SYNTAX", "expected 'else' but found 'end of expression' at column 16"),
        ('__import__("os")', "SYNTAX", "unexpected character '\"' at column 12"),
        ("__import__(1)", "SYNTAX", "unknown function '__import__' at column 1"),
        ("dem.real", "SYNTAX", "unexpected character '.' at column 4"),
        ("dem[0]", "SYNTAX", "unexpected character '[' at column 4"),
        ("dem = 1", "SYNTAX", "unexpected character '=' at column 5"),
        ("(dem", "SYNTAX", "expected ')' but found 'end of expression' at column 5"),
        ("dem)", "SYNTAX", "unexpected ')' at column 4"),
        ("dem dem", "SYNTAX", "unexpected 'dem' at column 5"),
        ("2 dem", "SYNTAX", "unexpected 'dem' at column 3"),
        ("dem + ", "SYNTAX", "expected a value but found 'end of expression' at column 7"),
        ("", "SYNTAX", "expected a value but found 'end of expression' at column 1"),
        ("* 2", "SYNTAX", "expected a value but found '*' at column 1"),
        ("dem < 1 < 2", "TYPE", "'<' at column 9 needs numbers"),
        ("1 + (dem > 2)", "TYPE", "'+' at column 3 needs numbers"),
        ("dem and true", "TYPE", "'and' at column 5 needs conditions"),
        ("true && dem", "TYPE", "'and' at column 6 needs conditions"),
        ("not dem", "TYPE", "'not' at column 1 needs conditions"),
        ("true == 1", "TYPE", "'==' at column 6 compares a condition with a number"),
        ("if dem > 1 then 2 else true", "TYPE", "the branches of 'if' at column 1 differ"),
        ("sqrt(1, 2)", "SYNTAX", "'sqrt' at column 1 takes 1, not 2 values"),
        ("max(1)", "SYNTAX", "'max' at column 1 takes 2 to 16, not 1 values"),
        ("abs(dem > 1)", "TYPE", "'abs' at column 1 needs numbers"),
        ("if dem > 1 else 2", "SYNTAX", "expected 'then' but found 'else' at column 12"),
        ("dem @ 2", "SYNTAX", "unexpected character '@' at column 5"),
        ("dem + é", "SYNTAX", "unexpected character 'é' at column 7"),
        ("(" * 70 + "1" + ")" * 70, "LIMIT", "nested deeper than 64 at column 65"),
        ("-" * 70 + "1", "LIMIT", "nested deeper than 64 at column 65"),
        ("+".join(["1"] * 70), "LIMIT", "nested deeper than 64"),
        ("max(" + ",".join(["max(" + ",".join(["1+1+1+1"] * 16) + ")"] * 16) + ")+" + "max(" + ",".join(["max("
         + ",".join(["1"] * 16) + ")"] * 16) + ")", "LIMIT", "more than 2000 parts"),
        ("1" + " " * 8192, "LIMIT", "longer than 8192 bytes"),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_their_column(expression, code, message):
    with pytest.raises(Refusal) as refused:
        checked(expression, KNOWN)
    assert refused.value.message.startswith(message)
    assert refused.value.code == f"EXPR.{code}"
    assert refused.value.where == "expression"


def test_long_expressions_below_the_limits_are_computed():
    wide = "max(" + ",".join(["max(" + ",".join(["1+1+x"] * 16) + ")"] * 16) + ")"
    assert value(f"{wide}{'+1' * 50}", x=3.0) == 55
    chain = "".join(f"if x == {number} then {number} else " for number in range(60))
    assert value(f"{chain}-1", x=59.0) == 59


def test_bands_that_are_used_are_known():
    assert used(checked("if b > 1 then a else k", {"a", "b", "c", "k"}), {"a", "b", "c"}) == ("a", "b")


numbers = st.integers(-9, 9).map(lambda one: (str(one), str(one))) | st.sampled_from([("x", "x"), ("y", "y")])


def _two(signs):
    def make(parts):
        (left, right, sign) = parts
        return f"({left[0]} {sign} {right[0]})", f"({left[1]} {sign} {right[1]})"

    return lambda sides: st.tuples(sides, sides, st.sampled_from(signs)).map(make)


def _choice(parts):
    left, right, sign, yes, no = parts
    test = f"{left[0]} {sign} {right[0]}", f"{left[1]} {sign} {right[1]}"
    return f"(if {test[0]} then {yes[0]} else {no[0]})", f"({yes[1]} if {test[1]} else {no[1]})"


def _deeper(inner):
    order = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
    return _two(["+", "-", "*"])(inner) | st.tuples(inner, inner, order, inner, inner).map(_choice)


@settings(max_examples=150, deadline=None)
@given(st.recursive(numbers, _deeper, max_leaves=12), st.integers(-9, 9), st.integers(-9, 9))
def test_random_expressions_are_those_of_python(pair, x, y):
    ours, pythons = pair
    expected = eval(pythons, {"x": x, "y": y})
    assert value(ours, x=float(x), y=float(y)) == pytest.approx(expected, rel=1e-12)


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ab01.+-*/^<>=!&|(), \nifthenlsordtrue\u00e9\"'_"), max_size=40))
def test_any_text_is_computed_or_refused_with_a_code(text):
    try:
        checked(text, {"a", "b"})
        said = "EXPR. column"
    except Refusal as refusal:
        said = refusal.told
    assert "EXPR." in said
    assert "column" in said


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_what_a_type_cannot_hold_is_no_data(dtype):
    work = Work(checked("a * 1e30 * 1e30", {"a"}), {}, dtype, 7)
    band = Pixels(np.array([[0.0, 1.0, np.nan, -1.0]]))
    assert result_of(work, {"a": band}).tolist() == [[0, 7, 7, 7]]


def test_no_data_of_any_used_band_is_no_data():
    work = Work(checked("if a > 0 then 1 else b", {"a", "b"}), {}, "int16", -1)
    a = Pixels(np.array([[1, 9, 0, 1]], np.uint8), nodata=9)
    b = Pixels(np.array([[5.0, 5.0, 2.6, 5.0]]), valid=np.array([[True, True, True, False]]))
    assert result_of(work, {"a": a, "b": b}).tolist() == [[1, -1, 3, -1]]
    empty = Work(checked("if isnan(a) then 1 else 2", {"a"}), {}, "int16", -1)
    assert result_of(empty, {"a": Pixels(np.array([[np.nan, 1.0]]))}).tolist() == [[-1, 2]]
    constant = Work(checked("a * 0 + nan", {"a"}), {}, "float32", -9)
    assert result_of(constant, {"a": Pixels(np.ones((1, 2)))}).tolist() == [[-9, -9]]
    truth = Work(checked("a > 1", {"a"}), {}, "uint8", 255)
    assert result_of(truth, {"a": Pixels(np.array([[1, 2]]))}).tolist() == [[0, 1]]
