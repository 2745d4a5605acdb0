"""The shipped definitions: valid, honest about what was checked, and a bed for deliberate mistakes."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import jsonschema_rs
import pytest

from builder.dataset import Dataset
from builder.definitions.load import load, load_all, parse
from builder.definitions.schema import schema, schema_bytes
from builder.definitions.yamltree import read_tree
from builder.errors import DefinitionError
from builder.overrides import apply_time_from_name

COLLECTIONS = Path(__file__).resolve().parents[2] / "collections"
FILES = sorted(COLLECTIONS.glob("*.yaml"))
each = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def test_the_folder_is_read_without_a_mistake():
    definitions, mistakes = load_all(COLLECTIONS)
    assert [block for mistake in mistakes for block in mistake.problems()] == []
    assert len(definitions) == len(FILES) >= 16


def test_the_schema_in_the_folder_is_current():
    assert (COLLECTIONS / "schema.json").read_bytes() == schema_bytes()


def test_the_schema_is_a_valid_draft_2020_12_schema():
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema_rs.meta.validate(dict(schema()))


def test_every_key_of_the_schema_is_described():
    def objects(value):
        if isinstance(value, dict):
            if "properties" in value and "additionalProperties" in value:
                yield value
            for inner in value.values():
                yield from objects(inner)

    found = list(objects(json.loads(schema_bytes())))
    assert len(found) >= 14
    for item in found:
        assert item["additionalProperties"] is False
        assert [key for key, value in item["properties"].items() if not value.get("description")] == []


@each
def test_it_fits_the_schema_editors_use(path):
    root, problems = read_tree(path.read_text(encoding="utf-8"))
    assert problems == []
    assert list(jsonschema_rs.validator_for(dict(schema())).iter_errors(root.plain())) == []


@each
def test_it_names_the_schema_and_is_called_after_its_id(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# yaml-language-server: $schema=schema.json"
    assert max(map(len, lines)) <= 200
    assert load(path).id == path.stem


@each
def test_it_is_on_only_if_it_has_been_seen(path):
    """PANGAEA alone was seen in recorded answers; nothing was checked from where this was written."""
    definition = load(path)
    assert definition.enabled == (definition.id == "awi-pangaea-intaros")
    assert definition.checked is None
    assert definition.note
    if not definition.enabled and definition.source.type != "files":
        assert "checked" in definition.note


def test_the_pangaea_set_is_the_query_for_the_project():
    """PANGAEA's ListSets says: url-safe base64 of the query; the set of the project AC3 shows: no padding."""
    source = load(COLLECTIONS / "awi-pangaea-intaros.yaml").source
    encoded = source.set.removeprefix("query~")
    assert "=" not in encoded
    assert base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)) == b"project:label:INTAROS"
    assert source.metadata_prefix == "pan_md"


@pytest.mark.parametrize(
    ("name", "file", "start", "end"),
    [
        ("imr-ctd-yearly", "58GT_CTD_2003.nc", "2003-01-01T00:00:00", "2003-12-31T23:59:59"),
        ("metno-svalbard-ice-chart", "ice_conc_svalbard_201806011500.nc", "2018-06-01T00:00:00", "2018-06-01T23:59:59"),
        (
            "metno-osisaf-ice-concentration",
            "ice_conc_nh_polstere-100_multi_202301141200.nc",
            "2023-01-14T00:00:00",
            "2023-01-14T23:59:59",
        ),
        (
            "nersc-ocean-colour",
            "20220831_cmems_arctic1km_cmems_oceancolour.nc",
            "2022-08-31T00:00:00",
            "2022-08-31T23:59:59",
        ),
        (
            "bremen-amsr2-ice-concentration",
            "asi-AMSR2-n6250-20180801-v5.4.nc",
            "2018-08-01T00:00:00",
            "2018-08-01T23:59:59",
        ),
        (
            "fmi-smos-freeze-thaw",
            "W_XX-ESA,SMOS,NH_25KM_EASE2_20230101_o_v201_01_l3soilft.nc",
            "2023-01-01T00:00:00",
            "2023-01-01T23:59:59",
        ),
        (
            "gruan-ny-alesund",
            "NYA-RS-01_2_RS92-GDP_002_20170303T120000_1-000-001.nc",
            "2017-03-03T12:00:00",
            "2017-03-03T12:00:00",
        ),
        ("ifremer-cersat-ice-concentration", "20171002.nc", "2017-10-02T00:00:00", "2017-10-02T23:59:59"),
    ],
)
def test_its_pattern_reads_the_names_the_partner_gives(name, file, start, end):
    made = apply_time_from_name(Dataset("x"), load(COLLECTIONS / f"{name}.yaml"), file)
    assert made.coverage.start.isoformat() == start + "+00:00"
    assert made.coverage.end.isoformat() == end + "+00:00"


def test_every_pattern_has_been_tried():
    tried = {mark[0] for mark in test_its_pattern_reads_the_names_the_partner_gives.pytestmark[0].args[1]}
    assert tried == {path.stem for path in FILES if load(path).policies.time_from_name}


def test_hand_written_records_become_datasets():
    from builder.crosswalks import describe
    from builder.sources.protocol import Record

    seen = 0
    for path in FILES:
        for hand in getattr(load(path).source, "records", ()):
            dataset = describe(Record(hand.id, "definition", hand.body(), "application/json", ""))
            assert (dataset.title, dataset.coverage.geometry is None) == (hand.title, False)
            seen += 1
    assert seen >= 3


@each
def test_no_address_of_a_person_is_published(path):
    assert "@" not in path.read_text(encoding="utf-8")


# --- deliberate mistakes: every shipped file is broken in several ways, and the right line must be named ---


def lines_named(text: str) -> set[int]:
    with pytest.raises(DefinitionError) as caught:
        parse(text, "x")
    return {problem.line for problem in caught.value.found}


def keys(text: str):
    """Every `key:` line outside of block texts: number, indentation, key."""
    block = None
    for number, line in enumerate(text.splitlines(), 1):
        indent = len(line) - len(line.lstrip())
        if block is not None and (not line.strip() or indent > block):
            continue
        block = None
        match = re.match(r"(\s*)(- )?([A-Za-z_]+):( |$)", line)
        if match:
            yield number, len(match[1]) + len(match[2] or ""), match[3]
            if line.rstrip().endswith((">-", ">", "|")):
                block = len(match[1]) + len(match[2] or "")


def edit(text: str, number: int, change) -> str:
    lines = text.splitlines(keepends=True)
    lines[number - 1] = change(lines[number - 1])
    return "".join(lines)


@each
def test_a_misspelt_key_is_found_on_its_line(path):
    text = path.read_text(encoding="utf-8")
    for number, _, key in keys(text):
        broken = edit(text, number, lambda line, key=key: line.replace(f"{key}:", f"{key}x:", 1))
        assert number in lines_named(broken), (number, key)


@each
def test_a_key_written_twice_is_found_on_its_line(path):
    text = path.read_text(encoding="utf-8")
    for number, indent, key in keys(text):
        line = text.splitlines()[number - 1]
        if line.lstrip().startswith("- ") or line.rstrip().endswith((":", ">-")):
            continue
        broken = edit(text, number, lambda line: line + line)
        assert lines_named(broken) == {number + 1}, (number, key, indent)


@each
def test_a_wrong_type_is_found_on_its_line(path):
    text = path.read_text(encoding="utf-8")
    for number, _, key in keys(text):
        line = text.splitlines()[number - 1]
        if re.search(r": \S", line) and not line.rstrip().endswith((">-", "|")) and key not in ("set", "type"):
            broken = edit(text, number, lambda line, key=key: re.sub(r": \S.*", ": {unheard: 1}", line, count=1))
            assert number in lines_named(broken), (number, key)


@each
def test_an_unknown_choice_is_found_on_its_line(path):
    text = path.read_text(encoding="utf-8")
    number = next(number for number, indent, key in keys(text) if key == "type" and indent == 2)
    assert lines_named(edit(text, number, lambda line: line.replace("type: ", "type: un"))) == {number}
    broken = text.replace("\npolicies:\n", "\npolicies:\n  level: sometimes\n") if "\npolicies:" in text else ""
    if broken and "  level:" not in text:
        assert lines_named(broken) == {broken.splitlines().index("  level: sometimes") + 1}


@each
@pytest.mark.parametrize("key", ["id", "title", "description", "partner", "source"])
def test_a_missing_key_is_reported_at_the_top(path, key):
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    start = next(number for number, line in enumerate(lines) if line.startswith(f"{key}:"))
    end = next((n for n in range(start + 1, len(lines)) if re.match(r"[a-z]", lines[n])), len(lines))
    broken = "".join(lines[:start] + lines[end:])
    with pytest.raises(DefinitionError) as caught:
        parse(broken, "x")
    (problem,) = caught.value.found
    first = next(number for number, line in enumerate(broken.splitlines(), 1) if re.match(r"[a-z]", line))
    assert (problem.line, problem.message) == (first, f"`{key}` is missing")


@each
def test_a_missing_key_of_a_block_is_reported_at_the_block(path):
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    for block, key in (("partner", "name"), ("partner", "id"), ("source", "type")):
        start = lines.index(f"{block}:")
        number = next(n for n in range(start + 1, len(lines)) if lines[n].startswith(f"  {key}:"))
        broken = edit(text, number + 1, lambda line: "")
        with pytest.raises(DefinitionError) as caught:
            parse(broken, "x")
        (problem,) = caught.value.found
        assert (problem.line, problem.message) == (start + 1, f"`{block}.{key}` is missing")
