"""Publishing to a folder and to S3 (moto's server): only the difference, right media types, a readable order."""

from __future__ import annotations

import boto3
import pytest
from moto.server import ThreadedMotoServer

from builder.errors import PublishError, UsageError
from builder.publish import publish
from builder.tree import Tree, apply, read_manifest

FILES = {
    "catalog.json": (b"{}", "application/json"),
    "index.html": (b"<p>", "text/html; charset=utf-8"),
    "p/c/a.json": (b'{"id":"a"}', "application/geo+json"),
    "p/c/data/x.nc": (b"CDF\x01", "application/netcdf"),
}


def ignore(task):
    pass


def catalogue(folder, files):
    staging = folder.with_name(f"{folder.name}-staging-{len(files)}")
    staging.mkdir(parents=True)
    tree = Tree(read_manifest(folder) if folder.exists() else {}, staging)
    for path, (data, kind) in files.items():
        tree.add(path, data, kind)
    apply(tree, tree.plan(), folder)
    return folder


def contents(folder):
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_a_folder_becomes_a_copy_and_then_nothing_is_written(tmp_path):
    source = catalogue(tmp_path / "out", FILES)
    target = tmp_path / "site"
    first = publish(source, f"file://{target}", ignore)
    assert (first.written, first.deleted) == (len(FILES), 0)
    assert contents(target) == contents(source)
    again = publish(source, f"file://{target}", ignore)
    assert (again.written, again.deleted, again.unchanged) == (0, 0, len(FILES))


def test_dry_run_writes_nothing(tmp_path):
    source = catalogue(tmp_path / "out", FILES)
    outcome = publish(source, f"file://{tmp_path / 'site'}", ignore, dry_run=True)
    assert outcome.written == len(FILES)
    assert contents(tmp_path / "site") == {}


def test_changes_and_withdrawals_follow(tmp_path):
    source = catalogue(tmp_path / "out", FILES)
    publish(source, f"file://{tmp_path / 'site'}", ignore)
    fewer = {k: v for k, v in FILES.items() if k != "p/c/a.json"} | {"catalog.json": (b"{ }", "application/json")}
    catalogue(source, fewer)
    outcome = publish(source, f"file://{tmp_path / 'site'}", ignore)
    assert (outcome.written, outcome.deleted) == (1, 1)
    assert contents(tmp_path / "site") == contents(source)


def test_what_is_no_catalogue_is_not_published(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no catalogue"):
        publish(tmp_path / "empty", f"file://{tmp_path / 'site'}", ignore)
    source = catalogue(tmp_path / "out", FILES)
    with pytest.raises(UsageError, match="cannot open the target"):
        publish(source, "gopher://hole", ignore)


@pytest.fixture
def s3(monkeypatch):
    for key, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(key, value)
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    client = boto3.client("s3", endpoint_url=endpoint)
    client.create_bucket(Bucket="arctic")
    yield client, endpoint
    server.stop()


def test_s3_gets_bytes_and_media_types(tmp_path, s3):
    client, endpoint = s3
    source = catalogue(tmp_path / "out", FILES)
    first = publish(source, "s3://arctic/iaos", ignore, endpoint=endpoint)
    assert first.written == len(FILES)
    for path, (data, kind) in FILES.items():
        stored = client.get_object(Bucket="arctic", Key=f"iaos/{path}")
        assert stored["Body"].read() == data
        assert stored["ContentType"] == kind
        assert "ContentEncoding" not in stored  # ranges must be ranges of the file
    part = client.get_object(Bucket="arctic", Key="iaos/p/c/data/x.nc", Range="bytes=0-2")
    assert part["Body"].read() == b"CDF"
    assert publish(source, "s3://arctic/iaos", ignore, endpoint=endpoint).written == 0
    catalogue(source, {k: v for k, v in FILES.items() if k != "p/c/a.json"})
    assert publish(source, "s3://arctic/iaos", ignore, endpoint=endpoint).deleted == 1
    keys = {entry["Key"] for entry in client.list_objects_v2(Bucket="arctic")["Contents"]}
    assert keys == {f"iaos/{path}" for path in FILES if path != "p/c/a.json"} | {"iaos/manifest.json"}


def test_a_missing_bucket_is_said_in_one_line(tmp_path, s3):
    _, endpoint = s3
    source = catalogue(tmp_path / "out", FILES)
    with pytest.raises(PublishError) as said:
        publish(source, "s3://nobody/iaos", ignore, endpoint=endpoint)
    assert "\n" not in str(said.value)
    assert "test" not in str(said.value).replace("iaos", "")  # no credentials in messages


def test_an_interrupted_publication_is_finished_by_the_next(tmp_path):
    source = catalogue(tmp_path / "out", FILES)
    target = tmp_path / "site"

    def stop(task):
        raise KeyboardInterrupt

    with pytest.raises((KeyboardInterrupt, BaseExceptionGroup)):
        publish(source, f"file://{target}", stop)
    assert not (target / "manifest.json").exists()
    assert not (target / "catalog.json").exists()
    publish(source, f"file://{target}", ignore)
    assert contents(target) == contents(source)
