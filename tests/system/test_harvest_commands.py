"""`iaos harvest` and the options of a pass, as a maintainer types them: each changes what happens."""

from __future__ import annotations

import json

import click
import pytest
from click.testing import CliRunner

from builder.cli import group
from builder.errors import UsageError
from tests.harvesting import Switch, define, live
from tests.servers.ckan_app import Portal, make_package
from tests.servers.faults import Faulty, lasting, status
from tests.servers.local import LocalServer, wsgi

PACKAGES = [make_package(n) for n in range(40)]


@pytest.fixture
def portal():
    return Portal(PACKAGES)


@pytest.fixture
def plan():
    return Switch(lambda _n: None)


@pytest.fixture
def server(portal, plan):
    with LocalServer(Faulty(wsgi(portal.app), plan)) as serving:
        yield serving


@pytest.fixture
def iaos(server, tmp_path, monkeypatch):
    """Run a command where ``one`` and ``two`` are collections of a portal with 20 packages each."""
    monkeypatch.chdir(tmp_path)
    for name, organization in (("one", "imr"), ("two", "awi")):
        source = {"type": "ckan", "url": server.url, "organization": organization, "page_size": 20}
        define(tmp_path / "collections", name, source, license="CC-BY-4.0")

    def run(*words):
        done = CliRunner().invoke(group, list(words), standalone_mode=False, catch_exceptions=False)
        return done.return_value, done.output

    def live_in(name):
        (tmp_path / "state").unlink(missing_ok=True)
        (tmp_path / "state").symlink_to(tmp_path / ".iaos")
        return live(tmp_path, name)

    run.live = live_in
    return run


def asked_of(server, number):
    return [request.args.get("fq", "") for request in server.requests[number:]]


def test_harvest_fills_the_state_alone_and_a_build_shows_it_without_asking(iaos, server, tmp_path):
    assert iaos("harvest")[0] == 0
    assert (len(iaos.live("one")), len(iaos.live("two"))) == (20, 20)
    assert not (tmp_path / "catalog").exists()
    number = len(server.requests)
    iaos("build", "--no-harvest")
    assert len(server.requests) == number
    report = json.loads((tmp_path / ".iaos/report.json").read_bytes())
    assert [one["items"] for one in report["collections"]] == [20, 20]


def test_harvest_of_one_by_name_with_other_folders(iaos, server, tmp_path):
    (tmp_path / "collections").rename(tmp_path / "given")
    assert iaos("harvest", "two", "--collections", "given", "--state", "memory")[0] == 0
    assert all("awi" in filters for filters in asked_of(server, 0))
    assert (tmp_path / "memory/two/ledger.ndjson").exists()
    assert not (tmp_path / ".iaos").exists()


def test_harvest_says_what_changed_unless_quiet(iaos, portal):
    assert "one" in iaos("harvest")[1]
    portal.packages[PACKAGES[1]["id"]] = {**PACKAGES[1], "title": "Other", "metadata_modified": "2999-01-01T00:00:00"}
    said = iaos("-q", "harvest")[1]
    assert PACKAGES[1]["id"] in said
    assert PACKAGES[3]["id"] not in said


def test_failed_asks_only_who_failed(iaos, server, plan, tmp_path):
    iaos("harvest", "two")
    plan.now = lasting(1, status(404))
    assert iaos("harvest", "one")[0] == 3
    plan.now, number = (lambda _n: None), len(server.requests)
    assert iaos("harvest", "--failed")[0] == 0
    assert asked_of(server, number)
    assert all("imr" in filters for filters in asked_of(server, number))
    assert len(iaos.live("one")) == 20
    number = len(server.requests)
    assert iaos("harvest", "--failed")[0] == 0
    assert asked_of(server, number) == []
    with pytest.raises(click.UsageError, match="contradict"):
        iaos("harvest", "--failed", "--full")


@pytest.mark.parametrize("command", ["harvest", "build", "plan"])
def test_full_asks_for_everything(iaos, server, command):
    iaos("harvest")
    number = len(server.requests)
    iaos(command)
    assert any("metadata_modified:[" in filters for filters in asked_of(server, number))
    number = len(server.requests)
    iaos(command, "--full")
    assert asked_of(server, number)
    assert not any("metadata_modified:[" in filters for filters in asked_of(server, number))


@pytest.mark.parametrize("command", ["harvest", "build", "plan"])
def test_confirm_lets_withdrawals_through(iaos, portal, command):
    iaos("harvest")
    for package in PACKAGES[1:30:2]:  # 15 of the 20 of `one`
        del portal.packages[package["id"]]
    assert iaos(command, "--full")[0] == 3
    assert len(iaos.live("one")) == 20
    assert iaos(command, "--full", "--confirm", "two")[0] == 3
    with pytest.raises(UsageError, match="nobody"):
        iaos(command, "--confirm", "nobody")
    code, said = iaos(command, "--full", "--confirm", "one")
    assert code != 3
    if command != "build":
        assert said.count("no longer listed") == 15
    assert len(iaos.live("one")) == (20 if command == "plan" else 5)


def test_a_sample_takes_the_first_and_withdraws_nothing(iaos):
    assert iaos("harvest", "--sample", "3")[0] in {0, 1}
    assert len(iaos.live("one")) == 3
    iaos("harvest")
    iaos("harvest", "--sample", "3", "--full")
    assert len(iaos.live("one")) == 20
