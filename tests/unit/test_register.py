"""The register says of what is published what its manifest says, and writes the next one line by line."""

from __future__ import annotations

import random

import orjson
import pytest

from builder.errors import UsageError
from builder.manifest import Published, line_of, manifest_lines, manifest_of
from builder.register import BLOCK, BLOCKS, KEPT, LEFT, NEAR, REPLACED, Register


def files(count, *, kind="json"):
    return {f"p/c/{'däta/' if n % 3 else ''}{n:04d}.{kind}": Published(f"{n:064x}", n, "x/y") for n in range(count)}


def written(folder, published):
    rows = [(path, *said) for path, said in sorted(published.items())]
    (folder / "manifest.json").write_bytes(b"".join(manifest_lines(rows)))
    return Register(folder, folder)


@pytest.mark.parametrize(
    "count", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK + 3, *range(BLOCK * BLOCKS - 1, BLOCK * BLOCKS + 2)]
)
def test_every_file_is_found_in_its_place_and_nothing_else(tmp_path, count):
    published = files(count)
    register = written(tmp_path, published)
    for position, path in enumerate(sorted(published)):
        assert register.find(path) == (position, published[path])
        assert (register.before(path), register.before(path + "\0")) == (position, position + 1)
    assert [register.find(path) for path in ("", "p/c/", "p/c/0000.jso", "q", "p/c/9999.json")] == [None] * 5
    assert {path: said for path, _, said in register.files(0, count)} == published
    assert b"".join(register.lines(0, count)) == b"".join(line_of(p, *published[p]) for p in sorted(published))


@pytest.mark.parametrize("seed", range(30))
def test_the_next_manifest_is_that_of_what_is_kept_and_what_is_new(tmp_path, seed):
    chance = random.Random(seed)
    published = files(chance.choice([0, 3, BLOCK, 4 * BLOCK, 9 * BLOCK + 5, 2 * BLOCKS * BLOCK + 7]))
    register = written(tmp_path, published)
    new = files(chance.choice([0, 0, 7]), kind="html")
    often = chance.choice([0.0, 0.0005, 0.02, 0.5, 1.0])
    for position, path in enumerate(sorted(published)):
        register.marks[position] = mark = chance.choice([LEFT, REPLACED]) if chance.random() < often else KEPT
        if mark == REPLACED:
            new[path] = Published("f" * 64, 1, "x/y")
    paths = sorted(published)
    assert list(register.marked(LEFT)) == [p for n, p in enumerate(paths) if register.marks[n] == LEFT]
    kept = {path: published[path] for n, path in enumerate(paths) if register.marks[n] == KEPT}
    lines = register.kept_lines(0, len(paths), iter([(path, line_of(path, *new[path])) for path in sorted(new)]))
    wanted = b"".join(manifest_lines((path, *said) for path, said in sorted((kept | new).items())))
    assert b"".join(manifest_of(lines)) == wanted
    first, end = sorted(chance.choices(range(len(paths) + 1), k=2))
    some = {path: kept[path] for path in paths[first:end] if path in kept}
    assert b"".join(register.kept_lines(first, end, iter(()))) == b"".join(
        line_of(p, *said) for p, said in some.items()
    )


def test_files_are_found_together_however_far_from_each_other(tmp_path):
    published = files(9 * BLOCK + 1)
    paths = sorted(published)
    for count in (NEAR * BLOCK, NEAR * BLOCK + 1, 5 * BLOCK + 1, len(paths)):
        register = written(tmp_path, {path: published[path] for path in paths[:count]})
        for places in ([0, min(NEAR * BLOCK, count - 1)], [0, count - 1], range(count)):
            wanted = {paths[place]: published[paths[place]].sha256 for place in places}
            assert register.same(wanted) == [(paths[n], n, published[paths[n]].size) for n in sorted({*places})]
            assert register.same({**wanted, "p/c/none": "0"}) is None
            assert register.same({**wanted, paths[0]: "0"}) is None


def test_files_that_are_not_kept_have_the_line_that_is_made_for_them(tmp_path):
    register = written(tmp_path, files(3 * BLOCK))
    register.marks[:] = bytes([KEPT]) * (3 * BLOCK)
    register.marks[0] = register.marks[BLOCK] = LEFT
    lines = b"".join(register.kept_lines(0, 3 * BLOCK, iter(()), lambda path: f"<{path}>\n".encode())).splitlines()
    assert [n for n, line in enumerate(lines) if line.startswith(b"<")] == [0, BLOCK]


def test_a_manifest_in_another_form_is_read_too(tmp_path):
    published = files(2 * BLOCK)
    said = {path: {"type": one.media_type, "sha256": one.sha256, "size": one.size} for path, one in published.items()}
    (tmp_path / "manifest.json").write_bytes(orjson.dumps({"files": said, "version": 1}, option=orjson.OPT_INDENT_2))
    register = Register(tmp_path, tmp_path)
    assert {path: said for path, _, said in register.files(0, len(published))} == published


def test_lines_that_a_build_cannot_have_written_are_damage(tmp_path):
    whole = b"".join(manifest_lines((path, *said) for path, said in sorted(files(3 * BLOCK).items())))
    head, *lines, tail = whole.splitlines(keepends=True)
    first, second = lines[:2]
    wrong = {
        "cut": whole[: len(whole) // 2],
        "no end": head + b"".join(lines),
        "more behind": whole + first,
        "twice": head + first + b"".join(lines) + tail,
        "order": head + second + first + b"".join(lines[2:]) + tail,
        "field": whole.replace(b'"size"', b'"bytes"', 1),
        "no JSON": whole.replace(b"{", b"[", 40),
    }
    for name, body in wrong.items():
        (tmp_path / "manifest.json").write_bytes(body)
        with pytest.raises(UsageError, match="damaged"):
            pytest.fail(f"{name}: {Register(tmp_path, tmp_path)}")


def test_order_is_looked_at_between_lines_that_are_read_apart_too(tmp_path):
    written(tmp_path, files(BLOCK * BLOCKS + 1))
    head, *lines, _, tail = (tmp_path / "manifest.json").read_bytes().splitlines(keepends=True)
    earlier = lines[-1].replace(b"p/c", b"p/b").replace(b",\n", b"\n")
    (tmp_path / "manifest.json").write_bytes(head + b"".join(lines) + earlier + tail)
    with pytest.raises(UsageError, match="damaged"):
        Register(tmp_path, tmp_path)


@pytest.mark.parametrize("count", range(BLOCK * BLOCKS - 2, BLOCK * BLOCKS + 2))
def test_nothing_may_stand_behind_the_end_wherever_it_is(tmp_path, count):
    written(tmp_path, files(count))
    with (tmp_path / "manifest.json").open("ab") as file:
        file.write(b"}}\n")
    with pytest.raises(UsageError, match="damaged"):
        Register(tmp_path, tmp_path)
