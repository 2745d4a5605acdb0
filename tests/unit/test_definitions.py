"""Definitions are read strictly, and every mistake is named where it stands."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from builder.definitions.load import MAX_BYTES, load, load_all, parse
from builder.definitions.model import CollectionDefinition
from builder.errors import DefinitionError

GOOD = """\
id: good
title: Good
description: A good definition.
partner:
  id: imr
  name: Institute of Marine Research
source:
  type: oai-pmh
  url: https://partner.example/oai
  metadataPrefix: iso19139
"""


def write(folder: Path, text: str | bytes, name: str = "one.yaml") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def places(folder: Path, text: str | bytes) -> list[tuple[int, int, str, str]]:
    """Line, column, message and hint of every mistake."""
    with pytest.raises(DefinitionError) as caught:
        load(write(folder, text))
    return [(one.line, one.column, one.message, one.hint) for one in caught.value.found]


def only(folder: Path, text: str | bytes) -> tuple[int, int, str, str]:
    (one,) = places(folder, text)
    return one


def with_source(text: str) -> str:
    return GOOD[: GOOD.index("source:")] + "source:\n" + text


def test_a_good_definition_is_read(tmp_path):
    read = load(write(tmp_path, GOOD))
    assert (read.id, read.partner.id, read.source.type, read.source.metadata_prefix) == (
        "good",
        "imr",
        "oai-pmh",
        "iso19139",
    )
    assert read.enabled


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path):
    plain = load(write(tmp_path, GOOD))
    assert load(write(tmp_path, b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())) == plain


def test_yaml_1_2_leaves_no_and_on_as_text_and_dates_as_written(tmp_path):
    read = load(write(tmp_path, GOOD.replace("Good\n", "no\n") + "keywords: [on, yes, 2019-05-01]\n"))
    assert read.title == "no"
    assert read.keywords == ("on", "yes", "2019-05-01")


def test_truth_values_are_only_true_and_false(tmp_path):
    assert only(tmp_path, GOOD + "enabled: no\n") == (11, 10, "`enabled` must be `true` or `false`", "write `false`")
    assert not load(write(tmp_path, GOOD + "enabled: false\n")).enabled


def test_an_unknown_key_is_pointed_at_with_a_suggestion(tmp_path):
    line, column, message, hint = only(tmp_path, GOOD + "lisence: MIT\n")
    assert (line, column, message, hint) == (11, 1, "unknown key `lisence`", "did you mean `license`?")
    problem = places(tmp_path, GOOD.replace("metadataPrefix", "metadata_prefix"))
    assert (10, 3, "unknown key `metadata_prefix`", "did you mean `metadataPrefix`?") in problem


def test_a_key_of_another_protocol_is_unknown(tmp_path):
    line, _, message, hint = only(tmp_path, GOOD + "  organization: x\n")
    assert (line, message) == (11, "unknown key `organization`")
    assert "metadataPrefix" in hint


def test_a_wrong_choice_is_pointed_at_with_a_suggestion(tmp_path):
    assert only(tmp_path, GOOD.replace("oai-pmh", "oai_pmh")) == (
        8, 9, "`source.type` cannot be 'oai_pmh'", "did you mean `oai-pmh`?",
    )  # fmt: skip
    assert only(tmp_path, GOOD + "policies:\n  bbox: trsut\n") == (
        12, 9, "`policies.bbox` cannot be 'trsut'", "did you mean `trust`?",
    )  # fmt: skip


def test_a_missing_key_is_pointed_at_by_the_key_it_belongs_under(tmp_path):
    assert only(tmp_path, GOOD.replace("  metadataPrefix: iso19139\n", ""))[:3] == (
        7, 1, "`source.metadataPrefix` is missing",
    )  # fmt: skip
    assert only(tmp_path, GOOD.replace("  type: oai-pmh\n", ""))[:3] == (7, 1, "`source.type` is missing")


def test_every_mistake_of_a_file_is_reported_in_order(tmp_path):
    text = GOOD.replace("Good\n", "12\n").replace("id: imr", "id: I M R") + "enabled: 1\nfoo: 1\n"
    assert [line for line, *_ in places(tmp_path, text)] == [2, 5, 11, 12]


def test_a_file_full_of_mistakes_is_cut_short(tmp_path):
    found = places(tmp_path, GOOD + "".join(f"x{number}: 1\n" for number in range(5000)))
    assert len(found) == 101
    assert found[-1][2] == "and 4900 more mistakes"


def test_the_block_of_a_mistake_quotes_the_line_under_a_caret(tmp_path):
    path = write(tmp_path, GOOD.replace("https://partner.example/oai", "ftp://partner.example/oai"))
    with pytest.raises(DefinitionError) as caught:
        load(path)
    (block,) = caught.value.problems()
    head, quote, caret = block.split("\n")
    assert head.startswith(f"{path}:9:8: `source.url` must be an http(s) address")
    assert quote.endswith("|   url: ftp://partner.example/oai")
    assert caret.index("^") == quote.index("ftp:")
    assert caret.count("^") == len("ftp://partner.example/oai")
    assert str(caught.value).startswith(f"{path}:9:8: ")


def test_a_host_may_be_an_ipv6_address_in_brackets(tmp_path):
    hosts = '  fetch_hosts: ["[2001:DB8:0::1]:8080", "[::1]", "a.example:80"]\n'
    assert load(write(tmp_path, GOOD + hosts)).source.fetch_hosts == ("[2001:db8::1]:8080", "[::1]", "a.example:80")
    for wrong, says in (("[2001:db8::1::2]", "is no IPv6 address"), ("2001:db8::1", "must be `host`")):
        assert says in only(tmp_path, f'{GOOD}  fetch_hosts: ["{wrong}"]\n')[2]


def test_a_long_line_is_cut_around_the_mistake(tmp_path):
    path = write(tmp_path, GOOD + 'keywords: ["' + "x" * 400 + '", 5]\n')
    with pytest.raises(DefinitionError) as caught:
        load(path)
    _, quote, caret = caught.value.problems()[0].split("\n")
    assert len(quote) < 120
    assert quote[caret.index("^")] == "5"


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("title: &a x\n", (1, 8), "anchors are not allowed"),
        ("title: *a\n", (1, 8), "aliases are not allowed"),
        ("<<: {title: x}\n", (1, 1), "merge keys are not allowed"),
        ("title: !!str x\n", (1, 8), "tags are not allowed: !!str"),
        ("title: !x y\n", (1, 8), "tags are not allowed: !x"),
        ("source: !!python/object/apply:os.system ['true']\n", (1, 9), "tags are not allowed: !!python/object"),
        ("%YAML 1.1\n---\ntitle: no\n", (2, 1), "directives are not allowed"),
        ("title: x\ntitle: y\n", (2, 1), "the key `title` stands twice"),
        ("source: {type: files, type: files}\n", (1, 23), "the key `type` stands twice"),
        ("title: x\n---\ntitle: y\n", (2, 1), "a second document begins here"),
        ("title: " + "[" * 40 + "]" * 40 + "\n", (1, 39), "nested deeper than 32 levels"),
        ("title: " + "{a: " * 4000, (1, 132), "nested deeper than 32 levels"),
        ('title: "a\\0b"\n', (1, 8), "control character in text"),
        ('title: "a\\ud800b"\n', (1, 8), "control character in text"),
        ('title: "\\x1b[31m"\n', (1, 8), "control character in text"),
        ("title: .nan\n", (1, 8), "not a finite number"),
        ("title: a\x01b\n", (1, 9), "character that YAML does not allow"),
        ("title: 'x\n", (1, 8), "not YAML"),
        ("title: a: b\n", (1, 9), "not YAML"),
        ("title: [1, 2\n", (1, 8), "not YAML"),
        ("\ttitle: x\n", (1, 1), "not YAML"),
        ("{a: 1}: 2\n", (1, 1), "a key must be text"),
        ("- a\n", (1, 1), "a definition is a mapping"),
        ("a\n", (1, 1), "a definition is a mapping"),
        ("", (1, 1), "a definition is a mapping"),
        ("# nothing\n", (1, 1), "a definition is a mapping"),
    ],
)
def test_yaml_that_definitions_do_not_need_is_refused(tmp_path, text, place, says):
    assert any(found[:2] == place and found[2].startswith(says) for found in places(tmp_path, text)), places(
        tmp_path, text
    )


def test_files_that_are_too_large_or_not_text_are_refused(tmp_path):
    assert only(tmp_path, "#" + "x" * MAX_BYTES)[:3] == (1, 1, "larger than 256 KiB")
    assert load(write(tmp_path, GOOD + "#" * (MAX_BYTES - len(GOOD))))
    assert only(tmp_path, b"id: x\ntitle: caf\xe9\n")[:3] == (2, 11, "not UTF-8")
    assert only(tmp_path, GOOD.encode("utf-16"))[2] == "not UTF-8"


def test_what_is_no_file_of_the_folder_is_refused(tmp_path):
    outside = tmp_path / "outside.txt"
    outside.write_text("secret: yes\n")
    folder = tmp_path / "collections"
    folder.mkdir()
    (folder / "a.yaml").symlink_to(outside)
    os.mkfifo(folder / "b.yaml")
    (folder / "c.yaml").symlink_to(folder / "nowhere")
    _, mistakes = load_all(folder)
    assert [mistake.found[0].message for mistake in mistakes] == [
        "is a link that leads out of the folder",
        "is not a file",
        "is not a file",
    ]
    assert all("secret" not in block for mistake in mistakes for block in mistake.problems())


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "~/x", "C:\\x", "a\\..\\x", "file:x", "..", ""])
@pytest.mark.parametrize("key", ["path", "track"])
def test_local_paths_must_stay_in_the_folder(tmp_path, key, path):
    source = "  type: files\n" if key == "path" else "  type: stac\n  url: https://x.example/\n"
    line, _, message, _ = only(tmp_path, with_source(source + f"  {key}: '{path}'\n"))
    assert line == (9 if key == "path" else 10)
    assert message.startswith(f"`source.{key}` must")


def test_a_local_path_may_not_leave_by_a_link(tmp_path):
    folder = tmp_path / "collections"
    folder.mkdir()
    (tmp_path / "outside").mkdir()
    (folder / "data").symlink_to(tmp_path / "outside")
    text = with_source("  type: files\n  path: data\n")
    assert only(folder, text)[:3] == (9, 9, "`source.path` leads out of the folder of the definition")
    (folder / "data").unlink()
    (folder / "data").mkdir()
    assert load(write(folder, text)).source.path == "data"


@pytest.mark.parametrize(
    "slug",
    [
        "../x",
        "a/b",
        "",
        "A",
        ".x",
        "-x",
        "~x",
        "con",
        "search",
        "compare",
        "lpt1.x",
        "index.html",
        "catalog.json",
        "x.",
        "é",
        "a" * 81,
        "a b",
    ],
)
def test_ids_are_safe_as_names_of_folders(tmp_path, slug):
    assert only(tmp_path, GOOD.replace("id: good", f"id: '{slug}'"))[0] == 1
    assert only(tmp_path, GOOD.replace("id: imr", f"id: '{slug}'"))[0] == 5


@pytest.mark.parametrize(
    "url",
    ["ftp://x/", "file:///etc/passwd", "https://u:p@x/", "https:///x", "http://x:0/", "https://x y/", "javascript:1",
     "http://[::1", "http://x:99999/"],
)  # fmt: skip
def test_addresses_are_plain_http(tmp_path, url):
    assert only(tmp_path, GOOD.replace("https://partner.example/oai", f"'{url}'"))[:2] == (9, 8)


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("(?P<year>", "is not a regular expression"),
        ("(?P<year>x)(?P<year>y)", "is not a regular expression"),
        (r"\d{4}", "must have a group"),
        ("(?P<year>x)(?P<jahr>y)", "unknown group `jahr`"),
        ("(?P<year>x){99999999999999999999}", "is not a regular expression"),
    ],
)
def test_time_patterns_must_compile_and_name_known_groups(tmp_path, pattern, says):
    line, column, message, _ = only(tmp_path, GOOD + f"policies:\n  time_from_name: '{pattern}'\n")
    assert (line, column) == (12, 19)
    assert says in message


def test_a_files_source_has_one_origin(tmp_path):
    both = with_source("  type: files\n  url: https://x.example/\n  path: data\n")
    none = with_source("  type: files\n  format: netcdf\n")
    for text in (both, none):
        assert only(tmp_path, text)[:3] == (7, 1, "`source` needs exactly one of `url`, `path` and `records`")


RECORD = "  type: files\n  records:\n    - id: a\n      title: A\n      description: D\n"


@pytest.mark.parametrize(
    ("more", "place", "says"),
    [
        ("      start: 2019-02-30\n", (13, 14), "`source.records[0].start` day"),
        ("      start: yesterday\n", (13, 14), "`source.records[0].start` is not a time"),
        ("      start: 2020\n      end: 2019\n", (10, 7), "`source.records[0]` `start` is after `end`"),
        ("      bbox: [1, 2, 3]\n", (13, 7), "`source.records[0].bbox` has too few values"),
        ("      bbox: [1, 80, 3, 70]\n", (13, 7), "`source.records[0].bbox` needs latitudes"),
        ("      bbox: [1, 70, 300, 80]\n", (13, 7), "`source.records[0].bbox` needs longitudes"),
        ("      point: [95, 200]\n", (13, 7), "`source.records[0].point` needs longitude"),
        ("      point: [9, 20]\n      bbox: [1, 70, 3, 80]\n", (10, 7), "`source.records[0]` give one of"),
        (
            "      geometry: {type: Circle, coordinates: [1, 2]}\n",
            (13, 24),
            "`source.records[0].geometry.type` cannot be 'Circle'",
        ),
        (
            "      geometry: {type: Point, coordinates: [[1, 2]]}\n",
            (13, 7),
            "`source.records[0].geometry` has a position",
        ),
        (
            "      geometry: {type: Polygon, coordinates: []}\n",
            (13, 7),
            "`source.records[0].geometry` has `coordinates`",
        ),
        ("      people: [{name: X, roles: [autor]}]\n", (13, 34), "`source.records[0].people[0].roles[0]` cannot be"),
        ("      files: [{href: 'file:///etc/passwd'}]\n", (13, 22), "`source.records[0].files[0].href` must be"),
        ("      lisense: MIT\n", (13, 7), "unknown key `lisense`"),
        ("    - id: a\n      title: B\n      description: D\n", (7, 1), "`source` two records have the id `a`"),
    ],
)
def test_hand_written_records_are_checked(tmp_path, more, place, says):
    line, column, message, _ = only(tmp_path, with_source(RECORD + more))
    assert (line, column) == place
    assert message.startswith(says)


def test_overrides_may_set_only_known_fields(tmp_path):
    text = (
        GOOD
        + "overrides:\n  - set:\n      licence: MIT\n  - set: {}\n  - match: x\n    set: {license_url: 'https://x.example/'}\n"
    )
    assert [found[:3] for found in places(tmp_path, text)] == [
        (13, 7, "unknown key `licence`"),
        (14, 5, "`overrides[1].set` sets no field"),
        (16, 5, "`overrides[2].set` `license_url` needs `license` beside it"),
    ]


def test_a_folder_is_read_by_file_name_and_keeps_what_is_good(tmp_path):
    write(tmp_path, GOOD.replace("good", "two"), "b.yml")
    write(tmp_path, GOOD.replace("good", "one"), "a.yaml")
    write(tmp_path, "id: [\n", "c.yaml")
    write(tmp_path, "id: [\n", ".hidden.yaml")
    write(tmp_path, "id: [\n", "notes.txt")
    (tmp_path / "d.yaml").mkdir()
    definitions, mistakes = load_all(tmp_path)
    assert [definition.id for definition in definitions] == ["one", "two"]
    assert [Path(mistake.file).name for mistake in mistakes] == ["c.yaml"]


def test_an_id_used_twice_is_a_mistake_of_the_second_file(tmp_path):
    write(tmp_path, GOOD, "a.yaml")
    write(tmp_path, "# comment\n" + GOOD, "b.yaml")
    definitions, (mistake,) = load_all(tmp_path)
    assert [definition.id for definition in definitions] == ["good"]
    (found,) = mistake.found
    assert (Path(mistake.file).name, found.line, found.column) == ("b.yaml", 2, 5)
    assert "defined twice" in found.message
    assert "a.yaml" in found.hint


def test_a_partner_described_in_two_ways_is_a_mistake_of_the_second_file(tmp_path):
    write(tmp_path, GOOD, "a.yaml")
    write(tmp_path, GOOD.replace("good", "other").replace("Institute of Marine Research", "IMR"), "b.yaml")
    _, (mistake,) = load_all(tmp_path)
    (found,) = mistake.found
    assert (found.line, found.column) == (6, 9)
    assert "Institute of Marine Research" in found.message


@pytest.mark.parametrize("case", ["def-yaml-python", "def-path-escape", "def-template-ssti"])
def test_hostile_definitions_are_refused_with_file_and_line(shared_data, tmp_path, case):
    """`reject_definition` and `message_has_line` of the hostile set; nothing is run (`no_escape`)."""
    text = (shared_data / "hostile" / case / "bad.yml").read_bytes()
    path = write(tmp_path, text)
    escape = Path("/tmp/iaos-escape")
    with pytest.raises(DefinitionError) as caught:
        load(path)
    blocks = caught.value.problems()
    assert all(re.match(rf"{re.escape(str(path))}:\d+:\d+: ", block) for block in blocks)
    offending = {
        "def-yaml-python": "2:8: tags are not allowed: !!python/object/apply:os.system",
        "def-path-escape": "1:5: `id` must be",
        "def-template-ssti": "3:1: unknown key `item_title`",
    }[case]
    assert any(offending in block for block in blocks)
    assert not escape.exists()


def test_template_code_in_a_title_is_only_text(tmp_path):
    title = "{{ cycler.__init__.__globals__ }}"
    assert load(write(tmp_path, GOOD.replace("title: Good", f'title: "{title}"'))).title == title


def test_text_alone_can_be_parsed():
    definition, root = parse(GOOD, "draft")
    assert definition.id == "good"
    assert root.keys["source"].line == 7
    assert isinstance(definition, CollectionDefinition)
