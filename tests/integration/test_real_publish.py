"""Publishing to Ceph RadosGW with nginx as the website: signatures, digests, the lock, and a reader meanwhile."""

from __future__ import annotations

import base64
import hashlib
import json

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from builder.errors import PublishError
from builder.publish import publish, rollback
from builder.publish.verify import verify
from tests.drills.reader import Reader
from tests.servers import real_thredds
from tests.servers.real_rgw import ACCESS, SECRET, installed, real_rgw
from tests.servers.website import website
from tests.unit.publishing import at, catalogue, ignore, stac

pytestmark = pytest.mark.integration

TARGET = "s3://arctic/iaos"
READ = {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::arctic/*"}
PUBLIC = {"Version": "2012-10-17", "Statement": [READ]}


@pytest.fixture(scope="module")
def gateway():
    if not installed():
        pytest.skip("RadosGW is not installed (Debian: apt-get install ceph-mon ceph-osd radosgw)")
    with real_rgw(size=1 << 30) as endpoint:
        yield endpoint


@pytest.fixture
def s3(gateway, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    client = boto3.client("s3", endpoint_url=gateway, config=Config(signature_version="s3v4"))
    client.create_bucket(Bucket="arctic")
    client.put_bucket_policy(Bucket="arctic", Policy=json.dumps(PUBLIC))
    yield client
    for page in client.get_paginator("list_objects_v2").paginate(Bucket="arctic"):
        for entry in page.get("Contents", ()):
            client.delete_object(Bucket="arctic", Key=entry["Key"])


def test_the_gateway_is_a_strict_server(s3):
    """What the other tests rest on: wrong digests and unmet conditions are refused here."""
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    with pytest.raises(ClientError, match="BadDigest"):
        s3.put_object(Bucket="arctic", Key="k", Body=b"bytes", ContentMD5=wrong)
    s3.put_object(Bucket="arctic", Key="k", Body=b"bytes", IfNoneMatch="*")
    with pytest.raises(ClientError, match=r"PreconditionFailed|412"):
        s3.put_object(Bucket="arctic", Key="k", Body=b"bytes", IfNoneMatch="*")


def test_a_wrong_secret_is_refused_in_one_line(s3, gateway, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong" * 8)
    source = catalogue(tmp_path / "out", stac(1))
    with pytest.raises(PublishError, match="refuses these credentials") as said:
        publish(source, TARGET, ignore, endpoint=gateway)
    assert "\n" not in str(said.value)
    assert "wrongwrong" not in str(said.value)


def test_the_lock_holds_and_the_way_back_works(s3, gateway, tmp_path):
    source = catalogue(tmp_path / "out", stac(3))
    refused = []

    def second(task):
        with pytest.raises(PublishError, match="holds the target until") as said:
            publish(source, TARGET, ignore, endpoint=gateway)
        refused.append(str(said.value))

    publish(source, TARGET, second, endpoint=gateway)
    assert len(refused) == len(stac(3))
    publish(catalogue(source, stac(3, version=2)), TARGET, ignore, endpoint=gateway)
    rollback(TARGET, 1, ignore, endpoint=gateway)
    for path, (data, kind) in stac(3).items():
        got = s3.get_object(Bucket="arctic", Key=f"iaos/{path}")
        assert got["ContentType"] == kind
        assert got["Body"].read() == data or got["ContentEncoding"] == "gzip"
    cors = {finding.code for finding in verify(TARGET, ignore, endpoint=gateway).findings}
    assert cors == {"verify.cors"}  # no rule is set on the bucket


def test_a_dead_lock_is_taken_over_and_a_living_one_renewed(s3, gateway, tmp_path, monkeypatch):
    source = catalogue(tmp_path / "out", stac(1))
    dead = json.dumps({"owner": "dead", "until": "2020-01-01T00:00:00Z"}).encode()
    s3.put_object(Bucket="arctic", Key="iaos/_state/lock.json", Body=dead)
    at(monkeypatch)

    def slowly(task):
        at(monkeypatch, hours=1)

    assert publish(source, TARGET, slowly, endpoint=gateway).written == len(stac(1))
    s3.put_object(Bucket="arctic", Key="iaos/_state/lock.json", Body=dead)

    def stolen(task):
        s3.put_object(Bucket="arctic", Key="iaos/_state/lock.json", Body=b'{"owner": "other", "until": "2027"}')
        at(monkeypatch, hours=2)

    with pytest.raises(PublishError, match="taken over"):
        publish(catalogue(source, stac(1, version=2)), TARGET, stolen, endpoint=gateway)


def test_a_reader_meets_no_fault_while_catalogues_are_published(s3, gateway, tmp_path):
    if not real_thredds.installed():
        pytest.skip("nginx is not installed (Debian: apt-get install nginx-light)")
    source = catalogue(tmp_path / "out", stac(6))
    publish(source, TARGET, ignore, endpoint=gateway)
    with website(upstream=f"{gateway}/arctic/iaos") as url:
        reader = Reader(url)
        reader.start()
        for version in range(2, 12):
            publish(catalogue(source, stac(4 + version % 4, version)), TARGET, ignore, endpoint=gateway)
        reader.stop()
        assert (reader.missing, reader.invalid) == ([], [])
        assert reader.walks > 5
        done = verify(url, ignore)
        assert [str(finding) for finding in done.findings] == []
        assert done.read == done.objects == len(stac(4 + 11 % 4))


def test_a_folder_behind_nginx_gives_what_readers_need(tmp_path):
    if not real_thredds.installed():
        pytest.skip("nginx is not installed (Debian: apt-get install nginx-light)")
    source = catalogue(tmp_path / "out", stac(6))
    publish(source, str(tmp_path / "site"), ignore)
    with website(root=tmp_path / "site") as url:
        assert [str(finding) for finding in verify(url, ignore).findings] == []
        reader = Reader(url)
        reader.start()
        for version in range(2, 30):
            publish(catalogue(source, stac(4 + version % 4, version)), str(tmp_path / "site"), ignore)
        reader.stop()
    assert (reader.missing, reader.invalid) == ([], [])
    assert reader.walks > 5
