"""The page on definitions: its examples are read, its commands are true, and it leaves no key out."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from builder.definitions.load import parse
from builder.definitions.schema import schema
from builder.errors import DefinitionError

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "definitions.md").read_text(encoding="utf-8")
README = (ROOT / "collections" / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE + README, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_a_definition(example):
    assert parse(example, "example")[0].title


def test_there_are_examples_of_all_three_kinds():
    kinds = {parse(example, "example")[0].source.type for example in EXAMPLES}
    assert kinds == {"thredds", "files", "process"}


def test_no_key_is_left_out():
    keys = {key for part in (schema(), *schema()["$defs"].values()) for key in part.get("properties", {})}
    assert {key for key in keys if f"`{key}`" not in PAGE} == set()


def test_the_mistake_shown_is_what_the_program_says():
    shown = re.search(r"```text\n(.*?)\n```", PAGE, re.DOTALL)[1]
    broken = next(example for example in EXAMPLES if "id: example-snow" in example).replace(
        "type: thredds", "type: tredds"
    )
    with pytest.raises(DefinitionError) as caught:
        parse(broken, "collections/example-snow.yaml")
    assert caught.value.problems() == [shown]


def test_the_set_shown_is_the_query():
    shown = re.search(r"\$ printf '(.*?)'.*\n(\S+)\n", PAGE)
    assert base64.urlsafe_b64encode(shown[1].encode()).decode().rstrip("=") == shown[2]


def test_the_readme_of_the_folder_is_short():
    assert len(README.splitlines()) <= 40
