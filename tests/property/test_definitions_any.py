"""Whatever a file holds, reading it ends in a definition or in mistakes with a place."""

from __future__ import annotations

import random
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from builder.definitions.load import load, parse
from builder.errors import DefinitionError

SHIPPED = sorted((Path(__file__).resolve().parents[2] / "collections").glob("*.yaml"))
SNIPPETS = ["&a ", "*a", "!!int ", "<<: ", "{", "}", "[", "]", ":", "- ", "\n", "  ", "\t", "'", '"', "|\n", ">\n", "#",
            "%YAML 1.1\n", "---\n", "...\n", "? ", "~", "0x1F", ".inf", "1e999", "9" * 5000, "\x00", "\ufeff", "é",
            "\u2028", "true", "null", "2019-02-30", "[" * 50, "{a: " * 50]  # fmt: skip


def mistake_of(read) -> DefinitionError | None:
    try:
        read()
    except DefinitionError as mistake:
        return mistake
    return None


def read(text: str) -> None:
    mistake = mistake_of(lambda: parse(text, "x"))
    if mistake is None:
        return
    lines = text.splitlines() or [""]
    for problem in mistake.found:
        assert 1 <= problem.line <= len(lines) + 1
        assert problem.column >= 1
        assert problem.message
    assert len(mistake.problems()) == len(mistake.found) >= 1


@settings(max_examples=120, deadline=None)
@given(st.text())
def test_any_text(text):
    read(text)


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(SHIPPED), st.randoms(use_true_random=False))
def test_shipped_definitions_with_something_put_in_or_taken_out(path: Path, chance: random.Random):
    text = path.read_text(encoding="utf-8")
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(text))
        if chance.random() < 0.5:
            text = text[:at] + chance.choice(SNIPPETS) + text[at:]
        else:
            text = text[:at] + text[at + chance.randint(1, 30) :]
    read(text)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(tmp_path_factory, body):
    path = tmp_path_factory.mktemp("definitions") / "one.yaml"
    path.write_bytes(body)
    mistake = mistake_of(lambda: load(path))
    assert mistake is None or mistake.problems()
