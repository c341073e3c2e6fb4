"""What is particular to storage in an object store: what is left behind, what can be wrong, and links."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
import trustme
from moto.core import set_initial_no_auth_action_count
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from shared.errors import AvemotionError, ErrorCode
from shared.object_storage import PART_BYTES, ObjectStorage
from shared.settings import Settings
from shared.storage import Show, Storage
from shared.storage_choice import check_storage, storage_of
from shared.storage_errors import (
    AccessRefusedError,
    BucketMissingError,
    CredentialsMissingError,
    StorageAwayError,
    StorageSetUpError,
)
from tests.object_store import BUCKET, PREFIX, ObjectStore
from worker.runner import PASSING


@pytest.fixture
def store() -> Iterator[ObjectStore]:
    with ObjectStore() as store:
        yield store


@pytest.fixture
def storage(store: ObjectStore, tmp_path: Path) -> Iterator[Storage]:
    storage = storage_of(Settings(scratch_dir=tmp_path, **store.settings(copy_hold_s=60)))
    yield storage
    storage.close()


def begin(store: ObjectStore, key: str) -> None:
    """Begin an upload and stay away, as a process that is killed does."""
    name = f"{PREFIX}/{key}"
    begun = store.client.create_multipart_upload(Bucket=BUCKET, Key=name)
    store.client.upload_part(Bucket=BUCKET, Key=name, PartNumber=1, UploadId=begun["UploadId"], Body=b"x")


def test_parts_of_killed_writers_are_removed(store: ObjectStore, storage: Storage) -> None:
    """Uploads that nobody goes on with are aborted: those below a key, or all that are old."""
    for key in ("uploads/a", "uploads/b", "jobs/c/1/x"):
        begin(store, key)
    store.client.create_multipart_upload(Bucket=BUCKET, Key="else/where")

    assert storage.drop_unfinished("uploads/a") == 1
    storage.delete_tree("jobs/c")
    assert store.unfinished() == [f"{PREFIX}/uploads/b", "else/where"]
    # The server says that all uploads began in 2010.
    assert storage.drop_unfinished(age_s=30 * 365 * 86400) == 0
    assert storage.drop_unfinished(age_s=3600) == 1
    assert store.unfinished() == ["else/where"]


def test_nothing_is_seen_before_it_is_whole(store: ObjectStore, storage: Storage) -> None:
    """A file appears when its writer is done."""
    with storage.writer("uploads/x") as stream:
        stream.write(b"x" * (PART_BYTES + 1))
        assert store.unfinished() != []
        assert not storage.exists("uploads/x")
    assert storage.exists("uploads/x")
    assert store.unfinished() == []


def test_what_consoles_leave_is_no_file(store: ObjectStore, storage: Storage) -> None:
    """Empty objects that stand for folders have no names and no keys."""
    for name in ("uploads/", "jobs/", "jobs/a/"):
        store.client.put_object(Bucket=BUCKET, Key=f"{PREFIX}/{name}")

    assert storage.names("uploads") == []
    assert storage.names("jobs") == ["a"]
    assert storage.keys("jobs/a") == []


@pytest.mark.slow
def test_more_files_than_one_request_deletes(store: ObjectStore, storage: Storage) -> None:
    """A tree of more than a thousand files is removed, whole."""
    for index in range(1005):
        store.client.put_object(Bucket=BUCKET, Key=f"{PREFIX}/jobs/a/1/{index}", Body=b"")

    storage.delete_tree("jobs/a")

    assert store.names() == []


def test_a_copy_serves_the_stages_in_a_row(store: ObjectStore, storage: Storage, tmp_path: Path) -> None:
    """A clip is fetched once for stages that follow each other; closing leaves no copy behind."""
    storage.write("uploads/x", b"clip")
    with storage.local("uploads/x") as first:
        assert first.read_bytes() == b"clip"
    store.client.delete_object(Bucket=BUCKET, Key=f"{PREFIX}/uploads/x")

    with storage.local("uploads/x") as second:
        assert second == first
    storage.close()

    assert list(tmp_path.iterdir()) == []


def test_a_copy_goes_with_its_use(store: ObjectStore, tmp_path: Path) -> None:
    """Where nothing is to be held, the copy is gone at the end of the block, or never was one."""
    storage = storage_of(Settings(scratch_dir=tmp_path, **store.settings(copy_hold_s=0)))
    storage.write("uploads/x", b"clip")
    with storage.local("uploads/x") as path, storage.local("uploads/x") as same:
        assert path == same
    with pytest.raises(FileNotFoundError), storage.local("uploads/y"):
        pass

    assert list(tmp_path.iterdir()) == []


def test_a_store_that_is_away_may_come_back(store: ObjectStore, storage: Storage) -> None:
    """Without the server each call fails with an error that is tried again, and a start goes on."""
    settings = Settings(**store.settings())
    storage.write("uploads/x", b"clip")
    store.stop()
    try:
        for call in (
            storage.ping,
            lambda: storage.read("uploads/x"),
            lambda: storage.write("uploads/y", b""),
            lambda: storage.exists("uploads/x"),
            lambda: storage.delete_tree("uploads/x"),
            lambda: storage.names("uploads"),
        ):
            with pytest.raises(StorageAwayError) as caught:
                call()
            assert isinstance(caught.value, PASSING)
        check_storage(settings)
    finally:
        store.start()
    assert storage.read("uploads/x") == b"clip"


def test_no_bucket_is_not_no_file(store: ObjectStore, storage: Storage) -> None:
    """A bucket that is gone is told as that: files are not taken for missing, nor an erasure for done."""
    store.client.delete_bucket(Bucket=BUCKET)

    calls: list[Any] = [
        storage.ping,
        lambda: storage.read("uploads/x"),
        lambda: storage.exists("uploads/x"),
        lambda: storage.size("uploads/x"),
        lambda: storage.delete_tree("jobs/a"),
        lambda: storage.names("jobs"),
        lambda: storage.keys("jobs/a"),
        lambda: storage.delete("uploads/x"),
        lambda: storage.write("uploads/x", b""),
        storage.drop_unfinished,
        lambda: storage.local("uploads/x").__enter__(),
    ]
    for call in calls:
        with pytest.raises(BucketMissingError):
            call()
    with pytest.raises(AvemotionError, match="bucket clips is not there") as caught:
        check_storage(Settings(**store.settings()))
    assert caught.value.code is ErrorCode.STORAGE_UNUSABLE


def test_wrong_keys(store: ObjectStore) -> None:
    """Keys that the store does not know, and none at all, are told at the start."""
    with_wrong = Settings(**store.settings(s3_access_key_id="nobody"))
    set_initial_no_auth_action_count(0)(_expect_refusal)(with_wrong)


def _expect_refusal(settings: Settings) -> None:
    storage = storage_of(settings)
    with pytest.raises(AccessRefusedError):
        storage.ping()
    with pytest.raises(AccessRefusedError):
        storage.read("uploads/x")
    with pytest.raises(AvemotionError, match="keys"):
        check_storage(settings)


def test_no_keys(store: ObjectStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without any keys is told what would do."""
    for name, value in {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    settings = Settings(**store.settings(s3_access_key_id=None, s3_secret_access_key=None))

    with pytest.raises(CredentialsMissingError):
        storage_of(settings).read("uploads/x")
    with pytest.raises(AvemotionError, match="AVEMOTION_S3_ACCESS_KEY_ID"):
        check_storage(settings)


def test_the_extra_is_missing(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without s3fs the error says what to install."""
    monkeypatch.setitem(sys.modules, "s3fs", None)
    for name in ("shared.object_storage", "shared.object_client"):
        monkeypatch.delitem(sys.modules, name)

    with pytest.raises(AvemotionError, match=r"pip install 'avemotion\[s3\]'"):
        storage_of(Settings(**store.settings(s3_region="eu-west-1")))


def test_an_address_without_a_bucket() -> None:
    """``s3://`` alone is refused."""
    with pytest.raises(AvemotionError, match="names no bucket"):
        check_storage(Settings(storage_url="s3://"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"s3_endpoint_url": "minio:9000"}, "with its scheme"),
        ({"s3_access_key_id": "one"}, "go together"),
    ],
)
def test_settings_that_cannot_be_meant(given: dict[str, str], words: str) -> None:
    """An address without a scheme, and half a key, are refused when settings are read."""
    with pytest.raises(ValueError, match=words):
        Settings(**given)


def test_links(store: ObjectStore, tmp_path: Path) -> None:
    """A link gives the bytes without any keys, whole or in part, as the type that it names."""
    given = store.settings(s3_presign=True, s3_presign_s=60)
    storage = storage_of(Settings(scratch_dir=tmp_path, **given))
    storage.write("uploads/x", b"0123456789")

    link = storage.link("uploads/x", Show("video/mp4", 'inline; filename="a.mp4"'))

    assert link is not None
    assert link.startswith(f"{storage.link_origin()}/{BUCKET}/{PREFIX}/uploads/x?")
    assert "X-Amz-Expires=60" in link
    answer = httpx.get(link, headers={"Range": "bytes=2-4"}, trust_env=False)
    assert (answer.status_code, answer.content) == (206, b"234")
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Content-Disposition"] == 'inline; filename="a.mp4"'


def test_links_with_another_address(store: ObjectStore) -> None:
    """Links name the address at which browsers reach the store, where that is another one."""
    given = store.settings(s3_presign=True, s3_public_endpoint_url="https://media.example.org")

    assert storage_of(Settings(**given)).link_origin() == "https://media.example.org"


def test_no_links_unless_asked_for(store: ObjectStore) -> None:
    """Without the setting there are none."""
    storage = storage_of(Settings(**store.settings()))

    assert isinstance(storage, ObjectStorage)
    assert storage.link("uploads/x", Show("video/mp4", "inline")) is None
    assert storage.link_origin() is None


def test_an_untrusted_certificate_is_told_as_one() -> None:
    """Set-up errors are errors of files, which stages try again while somebody mends them."""
    assert issubclass(StorageSetUpError, PASSING)


@pytest.fixture
def tls_store(store: ObjectStore, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Settings of the store behind TLS, with a certificate whose signer nobody knows."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    app = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context=context)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield store.settings(s3_endpoint_url=f"https://127.0.0.1:{server.server_port}", scratch_dir=tmp_path)
    server.shutdown()
    thread.join()


def test_tls(tls_store: dict[str, Any], tmp_path: Path) -> None:
    """A certificate is checked: against the signers that are named, or, when told so, not at all."""
    with pytest.raises(AvemotionError, match="AVEMOTION_S3_CA_FILE"):
        check_storage(Settings(**tls_store))
    with pytest.raises(AvemotionError, match="AVEMOTION_S3_CA_FILE"):
        check_storage(Settings(**tls_store, s3_ca_file=tmp_path / "none.pem"))
    for told in ({"s3_ca_file": tmp_path / "ca.pem"}, {"s3_tls_verify": False}):
        storage = storage_of(Settings(**tls_store, **told))
        storage.write("uploads/x", b"clip")
        assert storage.read("uploads/x") == b"clip"
        storage.close()
