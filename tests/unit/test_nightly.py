"""The pipelines and the container file: what they call exists, and strangers get no rights."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from builder.cli import group

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
GITLAB = ROOT / ".gitlab-ci.yml"


def load(path):
    return YAML(typ="safe").load(path.read_text("utf-8"))


def jobs(path):
    content = load(path)
    if path == GITLAB:
        return {k: v for k, v in content.items() if isinstance(v, dict) and "script" in v}
    return content["jobs"]


def scripts(path):
    for name, job in jobs(path).items():
        if path == GITLAB:
            yield name, "\n".join([*load(path)["default"]["before_script"], *job["script"]])
        else:
            yield from ((name, step["run"]) for step in job["steps"] if "run" in step)


def commands(text):
    """Arguments of each `iaos` that a shell text runs."""
    text = re.sub(r"\$\{(\w+):\+([^}]*)\}", r"\2", text.replace("\\\n", " "))
    for line in text.splitlines():
        if found := re.search(r"uv run --no-sync iaos ([^|;&>]*)", line):
            yield [re.sub(r"\$\w+", "https://stand.example", word) for word in shlex.split(found[1])]


CALLS = [
    pytest.param(args, id=f"{path.name}: {' '.join(args)}")
    for path in [*WORKFLOWS, GITLAB]
    for _, text in scripts(path)
    for args in commands(text)
]


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("collections", "catalog", "preview", "report"):
        (tmp_path / folder).mkdir()
    for file in ("report/report.json", "open.json"):
        (tmp_path / file).write_text("[]")


@pytest.mark.parametrize("args", CALLS)
def test_every_command_in_a_pipeline_is_one_that_iaos_understands(args, checkout):
    context = group.make_context("iaos", list(args))
    name, command, rest = group.resolve_command(context, [*context._protected_args, *context.args])
    command.make_context(name, rest, parent=context)


def test_the_pipelines_do_what_a_night_needs():
    for path in (ROOT / ".github/workflows/nightly.yml", GITLAB):
        names = [args[0] for _, text in scripts(path) for args in commands(text)]
        assert {"build", "validate", "publish", "verify", "issues"} <= set(names), path


@pytest.mark.parametrize(
    ("path", "names"), [(ROOT / ".github/workflows/weekly.yml", ("full", "verify")), (GITLAB, ("weekly",))]
)
def test_once_a_week_everything_is_asked_for_links_are_checked_and_readers_get_it_back(path, names):
    ran = [args for name, text in scripts(path) if name in names for args in commands(text)]
    assert [args[0] for args in ran] == ["build", "links", "verify"]
    assert "--full" in ran[0]
    assert ran[2] == ["verify", "https://stand.example"], "everything, not a sample"


def test_a_dead_link_fails_no_pipeline_and_the_memory_of_links_is_kept():
    for path, name in ((ROOT / ".github/workflows/weekly.yml", "full"), (GITLAB, "weekly")):
        text = "\n".join(text for job, text in scripts(path) if job == name)
        assert "case $status in 0|1) test -s report/links.json" in text
    weekly, nightly = (jobs(ROOT / f".github/workflows/{name}.yml") for name in ("weekly", "nightly"))
    saved = [
        next(step["with"] for step in job["steps"] if "cache/save@" in step.get("uses", ""))
        for job in (weekly["full"], nightly["build"])
    ]
    assert saved[0] == saved[1]
    assert all(job["permissions"] == {"contents": "read"} for job in weekly.values())
    gitlab = jobs(GITLAB)
    assert gitlab["weekly"]["cache"] == gitlab["build"]["cache"]
    assert gitlab["weekly"]["resource_group"] == gitlab["build"]["resource_group"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_and_jobs_end(path):
    for job in jobs(path).values():
        assert job["timeout-minutes"] <= 180
        for step in job["steps"]:
            assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", step.get("uses", "a/b@" + "0" * 40))
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
    assert len(
        re.findall(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", path.read_text(), re.MULTILINE)
    ) == path.read_text().count("uses:")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_expression_is_pasted_into_a_shell(path):
    assert [text for _, text in scripts(path) if "${{" in text] == []


def test_a_pull_request_sees_no_secret_and_can_write_nothing():
    path = ROOT / ".github/workflows/pull_request.yml"
    content = load(path)
    assert content["permissions"] == {"contents": "read"}
    assert all("permissions" not in job and "environment" not in job for job in content["jobs"].values())
    assert "secrets" not in path.read_text()
    assert "pull_request_target" not in "".join(p.read_text() for p in WORKFLOWS)
    assert set(content["on"]) == {"pull_request"}
    plan = load(GITLAB)["plan"]
    assert "id_tokens" not in plan
    assert "secrets" not in plan


def test_only_publish_gets_a_token_and_only_issues_writes_issues():
    nightly = jobs(ROOT / ".github/workflows/nightly.yml")
    assert {name: job["permissions"] for name, job in nightly.items()} == {
        "build": {"contents": "read"},
        "publish": {"contents": "read", "id-token": "write"},
        "issues": {"contents": "read", "issues": "write"},
    }
    assert nightly["publish"]["needs"] == "build"
    assert nightly["publish"]["environment"] == "production"
    assert load(ROOT / ".github/workflows/nightly.yml")["concurrency"] == {
        "group": "catalogue",
        "cancel-in-progress": False,
    }
    assert [name for name, job in jobs(GITLAB).items() if "id_tokens" in job] == ["publish"]
    assert "IAOS_ISSUES_TOKEN" not in str(jobs(GITLAB)["build"])


def test_names_of_changed_definitions_are_the_only_words_that_reach_a_shell(tmp_path):
    import subprocess

    text = next(text for _, text in scripts(ROOT / ".github/workflows/pull_request.yml") if "git diff" in text)
    pattern = re.search(r"sed -n '([^']*)'", text)[1]
    assert pattern in GITLAB.read_text()
    given = "collections/imr-ctd.yaml\ncollections/$(id).yaml\ncollections/--out.yaml\ncollections/a b.yaml\nx/y.yaml\n"
    done = subprocess.run(["sed", "-n", pattern], input=given, capture_output=True, text=True, check=True)
    assert done.stdout == "imr-ctd\n"


def test_the_container_is_not_root_and_copies_what_is_there():
    text = (ROOT / "Containerfile").read_text().replace("\\\n", " ")
    steps = [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]
    copied = [word for kind, rest in steps if kind == "COPY" and "--from" not in rest for word in rest.split()[:-1]]
    assert [path for path in copied if not (ROOT / path).exists()] == []
    final = steps[max(i for i, (kind, _) in enumerate(steps) if kind == "FROM") :]
    assert dict(final)["USER"] == "iaos"
    assert dict(final)["VOLUME"] == '["/state", "/out"]'
    options = {parameter.name.upper() for parameter in group.get_command(None, "build").params}
    assert set(re.findall(r"IAOS_BUILD_(\w+)=", text)) <= options
    kept = (ROOT / ".containerignore").read_text()
    assert all(f"!{path.split('/')[0]}\n" in kept for path in copied)
