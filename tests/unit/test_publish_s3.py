"""Publishing to S3 (moto's server): headers by kind, lock, kills, faults in one line, and `iaos verify`."""

from __future__ import annotations

import gzip
import json
import random
import re

import boto3
import pytest
import requests
from botocore.config import Config
from click.testing import CliRunner
from moto.server import ThreadedMotoServer

from builder.cli import group
from builder.errors import PublishError
from builder.publish import Policy, publish, rollback
from builder.publish.verify import verify
from tests.servers.local import Answer, LocalServer
from tests.unit.publishing import at, catalogue, ignore, killed, stac

TARGET = "s3://arctic/iaos"


@pytest.fixture(scope="module")
def endpoint():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(monkeypatch, endpoint):
    for key in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{key}", "hushhush")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    at(monkeypatch)
    requests.post(f"{endpoint}/moto-api/reset", timeout=10)
    client = boto3.client("s3", endpoint_url=endpoint, config=Config(signature_version="s3v4"))
    client.create_bucket(Bucket="arctic")
    return client


@pytest.fixture
def site(tmp_path, s3, endpoint):
    source = catalogue(tmp_path / "out", stac(3))
    publish(source, TARGET, ignore, endpoint=endpoint)
    return source


def keys(s3):
    listed = s3.list_objects_v2(Bucket="arctic").get("Contents", ())
    return {entry["Key"].removeprefix("iaos/"): entry for entry in listed}


def objects(s3):
    """Bytes of all objects but what the target remembers of itself, as a browser sees them."""
    found = {}
    for key in keys(s3):
        if not key.startswith("_state/"):
            got = s3.get_object(Bucket="arctic", Key=f"iaos/{key}")
            data = got["Body"].read()
            found[key] = gzip.decompress(data) if got.get("ContentEncoding") == "gzip" else data
    return found


def test_bytes_and_headers_by_kind(site, s3, endpoint):
    assert objects(s3) == {path: data for path, (data, _) in stac(3).items()}
    pages = "public, max-age=60, stale-while-revalidate=600"
    for path, kind, cache, coding in (
        ("catalog.json", "application/json", pages, None),
        ("index.html", "text/html; charset=utf-8", pages, "gzip"),
        ("p/c/i001.json", "application/geo+json", pages, None),
        ("p/c/data/i001.nc", "application/netcdf", "public, max-age=600", None),
        ("_state/latest.json", "application/json", "no-store", None),
        ("_state/manifest.json.gz", "application/gzip", "no-store", None),
    ):
        got = s3.head_object(Bucket="arctic", Key=f"iaos/{path}")
        assert (got["ContentType"], got["CacheControl"], got.get("ContentEncoding")) == (kind, cache, coding), path
    part = s3.get_object(Bucket="arctic", Key="iaos/p/c/data/i001.nc", Range="bytes=0-2")
    assert part["Body"].read() == b"CDF"


def test_only_what_carries_its_digest_in_its_name_is_immutable(tmp_path, s3, endpoint):
    digest = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"  # sha256sum of "foo"
    files = {
        "catalog.json": (b"{}", "application/json"),
        f"static/site.{digest[:8]}.css": (b"foo", "text/css; charset=utf-8"),
        "static/site.deadbeef.css": (b"foo", "text/css; charset=utf-8"),
    }
    publish(catalogue(tmp_path / "out", files), TARGET, ignore, endpoint=endpoint)
    named = {key: s3.head_object(Bucket="arctic", Key=f"iaos/{key}")["CacheControl"] for key in files}
    assert named[f"static/site.{digest[:8]}.css"] == "public, max-age=31536000, immutable"
    assert named["static/site.deadbeef.css"] == "public, max-age=600"


def test_a_night_without_changes_puts_nothing_but_state(site, s3, endpoint):
    before = {key: entry["LastModified"] for key, entry in keys(s3).items()}
    etags = {key: entry["ETag"] for key, entry in keys(s3).items()}
    outcome = publish(site, TARGET, ignore, endpoint=endpoint)
    assert (outcome.written, outcome.deleted, outcome.unchanged) == (0, 0, len(stac(3)))
    after = keys(s3)
    assert {key: entry["ETag"] for key, entry in after.items()} == etags
    assert after.keys() == before.keys()


def test_the_lock_is_one_writers_alone(site, s3, endpoint, monkeypatch):
    lock = json.dumps({"owner": "other:7:ab", "until": "2026-03-01T02:47:00Z"}).encode()
    s3.put_object(Bucket="arctic", Key="iaos/_state/lock.json", Body=lock)
    with pytest.raises(PublishError, match="other:7:ab"):
        publish(site, TARGET, ignore, endpoint=endpoint)
    at(monkeypatch, minutes=31)
    publish(site, TARGET, ignore, endpoint=endpoint)
    assert "_state/lock.json" not in keys(s3)


def test_a_long_publication_renews_its_lock_and_stops_when_it_is_lost(site, s3, endpoint, monkeypatch, tmp_path):
    minutes = iter(range(0, 200, 20))
    until = []

    def slowly(task):
        at(monkeypatch, minutes=next(minutes))
        until.append(json.loads(s3.get_object(Bucket="arctic", Key="iaos/_state/lock.json")["Body"].read())["until"])

    publish(catalogue(site, stac(3, version=2)), TARGET, slowly, endpoint=endpoint)
    assert until[0] == "2026-03-01T02:47:00Z" < until[-1]

    def stolen(task):
        s3.put_object(Bucket="arctic", Key="iaos/_state/lock.json", Body=b'{"owner":"other","until":"2027"}')
        at(monkeypatch, days=1)

    with pytest.raises(PublishError, match="taken over"):
        publish(catalogue(site, stac(3, version=3)), TARGET, stolen, endpoint=endpoint)
    assert b"other" in s3.get_object(Bucket="arctic", Key="iaos/_state/lock.json")["Body"].read()


def test_killed_anywhere_the_bucket_is_the_tree_after_the_next(site, s3, endpoint, monkeypatch):
    chance = random.Random(8)
    deaths = 0
    for version in range(2, 8):
        catalogue(site, stac(3 + version % 2, version))
        deaths += killed(site, TARGET, chance.choice((1, -1)) * chance.randint(1, 12), endpoint)
        at(monkeypatch, hours=50 * version)
        publish(site, TARGET, ignore, endpoint=endpoint, policy=Policy(grace_data=Policy().grace_data * 0))
        at(monkeypatch, hours=50 * version + 40)
        publish(site, TARGET, ignore, endpoint=endpoint)
        assert objects(s3) == {path: data for path, (data, _) in stac(3 + version % 2, version).items()}
    assert deaths >= 4
    assert verify(TARGET, ignore, endpoint=endpoint).read == len(stac(4))
    assert "_state/inprogress.json.gz" not in keys(s3)


def test_a_rollback_brings_bytes_and_headers_back(site, s3, endpoint):
    before = objects(s3), s3.head_object(Bucket="arctic", Key="iaos/index.html")["ContentEncoding"]
    changed = stac(3, version=2) | {"index.html": (b"<p>Oops</p>" * 300, "text/html; charset=utf-8")}
    publish(catalogue(site, changed), TARGET, ignore, endpoint=endpoint)
    rollback(TARGET, 1, ignore, endpoint=endpoint)
    assert (objects(s3), s3.head_object(Bucket="arctic", Key="iaos/index.html")["ContentEncoding"]) == before


def one_line(said):
    text = str(said.value)
    assert "\n" not in text
    assert "hushhush" not in text
    return text


def test_a_missing_bucket_is_said_in_one_line(tmp_path, s3, endpoint):
    source = catalogue(tmp_path / "out", stac(1))
    with pytest.raises(PublishError) as said:
        publish(source, "s3://nobody/iaos", ignore, endpoint=endpoint)
    assert "bucket's name" in one_line(said)


def test_refused_credentials_are_said_in_one_line(tmp_path, s3, endpoint):
    source = catalogue(tmp_path / "out", stac(1))
    requests.post(f"{endpoint}/moto-api/reset-auth", data=b"0", timeout=10)  # moto now asks who is there
    try:
        with pytest.raises(PublishError) as said:
            publish(source, TARGET, ignore, endpoint=endpoint)
    finally:
        requests.post(f"{endpoint}/moto-api/reset-auth", data=b"999999999", timeout=10)
    assert "refuses these credentials" in one_line(said)


def test_a_server_that_is_not_there_is_said_in_one_line(tmp_path, s3, monkeypatch):
    monkeypatch.setattr("builder.publish.stores.RETRIES", {"max_retries": 1})
    source = catalogue(tmp_path / "out", stac(1))
    with pytest.raises(PublishError) as said:
        publish(source, TARGET, ignore, endpoint="http://127.0.0.1:9")
    assert "cannot be reached" in one_line(said)


def codes(url, endpoint=None, **more):
    return {(finding.code, finding.where) for finding in verify(url, ignore, endpoint=endpoint, **more).findings}


def test_verify_finds_what_was_done_to_a_bucket(site, s3, endpoint, monkeypatch):
    assert codes(TARGET, endpoint) <= {("verify.cors", "p/c/data/i002.nc")}
    path = "p/c/data/i001.nc"
    data = bytearray(s3.get_object(Bucket="arctic", Key=f"iaos/{path}")["Body"].read())
    data[77] ^= 1
    s3.put_object(Bucket="arctic", Key=f"iaos/{path}", Body=bytes(data))
    s3.delete_object(Bucket="arctic", Key="iaos/p/c/i002.json")
    found = codes(TARGET, endpoint)
    assert ("verify.differs", path) in found
    assert ("verify.missing", "p/c/i002.json") in found
    assert not any(code == "verify.stale" for code, _ in found)
    at(monkeypatch, hours=37)
    assert ("verify.stale", "_state/latest.json") in codes(TARGET, endpoint, sample=0)
    done = CliRunner().invoke(
        group, ["verify", TARGET, "--endpoint", endpoint, "--json"], standalone_mode=False, catch_exceptions=False
    )
    assert done.return_value == 1
    assert {finding["code"] for finding in json.loads(done.output)} >= {"verify.differs", "verify.missing"}


def test_ranges_are_asked_of_what_is_read_by_range_and_not_of_packed_scripts(tmp_path, s3, endpoint):
    script = {"static/app/map.js": (b"// map\n" * 20_000, "text/javascript; charset=utf-8")}
    publish(catalogue(tmp_path / "out", stac(1) | script), TARGET, ignore, endpoint=endpoint)
    assert {code for code, _ in codes(TARGET, endpoint)} <= {"verify.cors"}


KINDS = {
    "page.html": "text/html; charset=utf-8",
    "site.css": "text/css; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "land.svg": "image/svg+xml",
    "p/c/data/theirs.html": "text/plain; charset=utf-8",
}


@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        ({"app.js": "application/javascript", "page.html": "TEXT/HTML", "p/c/data/theirs.html": ""}, set()),
        (dict.fromkeys(KINDS, "text/plain"), {"index.html", "site.css", "app.js", "land.svg"}),
        ({"p/c/data/theirs.html": "text/html", "site.css": ""}, {"p/c/data/theirs.html", "site.css"}),
    ],
)
def test_media_types_that_browsers_go_by_are_checked(tmp_path, monkeypatch, sent, wrong):
    at(monkeypatch)
    folder = tmp_path / "site"
    files = stac(1) | {path: (path.encode(), kind) for path, kind in KINDS.items()}
    publish(catalogue(tmp_path / "out", files), str(folder), ignore)
    manifest = {path: kind for path, (_, kind) in files.items()} | {"index.html": sent.get("page.html", "text/html")}

    def answer(request):
        kind = (manifest | sent).get(request.path[1:], "application/octet-stream")
        return Answer(200, {"Content-Type": kind} if kind else {}, (folder / request.path[1:]).read_bytes())

    with LocalServer(answer) as server:
        assert {where for code, where in codes(server.url) if code == "verify.type"} == wrong


def test_a_server_that_packs_data_for_those_who_accept_it_is_named(tmp_path, monkeypatch):
    at(monkeypatch)
    publish(catalogue(tmp_path / "out", stac(1)), str(tmp_path / "site"), ignore)

    def answer(request):
        data = (tmp_path / "site" / request.path[1:]).read_bytes()
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("range", ""))
        if asked is None or "gzip" in request.headers.get("accept-encoding", ""):
            return Answer(200, {"Content-Type": "text/html"}, data)
        part = data[int(asked[1]) : int(asked[2]) + 1]
        return Answer(206 if part else 416, {"Content-Range": f"bytes {asked[1]}-{asked[2]}/{len(data)}"}, part)

    with LocalServer(answer) as server:
        (said,) = [one.message for one in verify(server.url, ignore).findings if one.code == "verify.range"]
    assert said == "bytes 0 to 3 of 2004 give 200, not 206 where gzip is accepted"


def test_cors_that_keeps_readers_out_is_named_with_its_remedy(site, s3, endpoint):
    rule = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET", "HEAD"], "AllowedHeaders": ["Range"]}
    exposed = ["Content-Range", "Content-Length", "ETag", "Accept-Ranges"]
    s3.put_bucket_cors(Bucket="arctic", CORSConfiguration={"CORSRules": [rule]})
    done = CliRunner().invoke(
        group, ["publish", str(site), TARGET, "--endpoint", endpoint], standalone_mode=False, catch_exceptions=False
    )
    assert "do not see Content-Range, ETag, Accept-Ranges" in done.output
    assert '"ExposeHeaders"' in done.output
    assert codes(TARGET, endpoint) == {("verify.cors", "p/c/data/i002.nc")}
    s3.put_bucket_cors(Bucket="arctic", CORSConfiguration={"CORSRules": [{**rule, "ExposeHeaders": exposed}]})
    assert codes(TARGET, endpoint) == set()
