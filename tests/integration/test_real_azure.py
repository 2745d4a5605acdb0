"""Publishing to Azure Blob Storage (Azurite), read back with Microsoft's own client."""

from __future__ import annotations

import pytest
from azure.storage.blob import BlobServiceClient

from builder.errors import PublishError
from builder.publish import publish, rollback
from builder.publish.verify import verify
from tests.servers.real_azure import ACCOUNT, KEY, installed, real_azure
from tests.unit.publishing import at, catalogue, ignore, stac

pytestmark = pytest.mark.integration

TARGET = "az://arctic/iaos"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    if not installed():
        pytest.skip("npm is not installed (Debian: apt-get install npm)")
    with real_azure(tmp_path_factory.mktemp("azurite")) as endpoint:
        yield endpoint


@pytest.fixture
def container(emulator, monkeypatch):
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", KEY)
    client = BlobServiceClient(emulator, credential=KEY).create_container("arctic")
    yield client
    client.delete_container()


def test_what_is_published_is_there_with_its_headers_and_comes_back(container, emulator, tmp_path):
    source = catalogue(tmp_path / "out", stac(3))
    assert publish(source, TARGET, ignore, endpoint=emulator).written == len(stac(3))
    assert publish(source, TARGET, ignore, endpoint=emulator).written == 0
    publish(catalogue(source, stac(3, version=2)), TARGET, ignore, endpoint=emulator)
    rollback(TARGET, 1, ignore, endpoint=emulator)
    for path, (data, kind) in stac(3).items():
        blob = container.get_blob_client(f"iaos/{path}")
        said = blob.get_blob_properties().content_settings
        assert said.content_type == kind
        assert said.cache_control
        assert said.content_encoding == "gzip" or blob.download_blob().readall() == data
    done = verify(TARGET, ignore, endpoint=emulator)
    assert done.read == done.objects == len(stac(3))
    assert {finding.code for finding in done.findings} == {"verify.cors"}


def test_the_lock_is_one_writer_s(container, emulator, tmp_path, monkeypatch):
    source = catalogue(tmp_path / "out", stac(1))
    refused = []

    def second(task):
        with pytest.raises(PublishError, match="holds the target until") as said:
            publish(source, TARGET, ignore, endpoint=emulator)
        refused.append(str(said.value))

    publish(source, TARGET, second, endpoint=emulator)
    assert len(refused) == len(stac(1))
    at(monkeypatch)

    def stolen(task):
        taken = b'{"owner": "other", "until": "2027-01-01T00:00:00Z"}'
        container.upload_blob("iaos/_state/lock.json", taken, overwrite=True)
        at(monkeypatch, hours=2)

    with pytest.raises(PublishError, match="taken over"):
        publish(catalogue(source, stac(1, version=2)), TARGET, stolen, endpoint=emulator)


def test_a_wrong_key_is_refused_in_one_line(container, emulator, tmp_path, monkeypatch):
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "d3JvbmcK")
    with pytest.raises(PublishError, match="refuses these credentials") as said:
        publish(catalogue(tmp_path / "out", stac(1)), TARGET, ignore, endpoint=emulator)
    assert "\n" not in str(said.value)
    assert "d3JvbmcK" not in str(said.value)
