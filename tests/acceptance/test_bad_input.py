"""Whatever is uploaded ends in a result or a typed error, and the worker goes on.

Each case runs through the real service. After all of them the same worker processes still score a
good clip, and storage holds nothing that no row knows.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import numpy as np
import pytest

from tests import media_factory as make
from tests.acceptance.service import Service
from tests.servers import wait_until

RATE_HZ = 48_000


def codes(document: dict[str, Any]) -> set[str]:
    """Return a result's warnings, but for the one that the model itself brings."""
    return {warning["code"] for warning in document["warnings"]} - {"affect_from_classes"}


def silence(seconds: float) -> make.Sound:
    return np.zeros((round(seconds * RATE_HZ), 1), np.float32)


REFUSED_AT_ONCE: dict[str, tuple[str, str, bytes, int, str]] = {
    "an empty file": ("video", "clip.mp4", b"", 400, "empty_upload"),
    "text named .mp4": ("video", "clip.mp4", b"Not a film.\n" * 500, 415, "unsupported_media"),
    "a playlist": ("video", "clip.m3u8", b"#EXTM3U\nfile:///etc/passwd\n", 415, "unsupported_media"),
    "a body over the limit": (
        "video",
        "clip.mp4",
        b"\0\0\0\x18ftypisom" + bytes(25_000_000),
        413,
        "media_too_large",
    ),
    "a program": ("audio", "voice.wav", b"\x7fELF" + bytes(2000), 415, "unsupported_media"),
}


@pytest.mark.parametrize("case", REFUSED_AT_ONCE)
def test_what_is_no_media_is_refused_at_the_door(service: Service, case: str) -> None:
    """The upload answers with a typed problem, and stores nothing."""
    kind, name, body, status, code = REFUSED_AT_ONCE[case]
    before = service.storage.names("uploads")

    answer = service.http.post(f"/upload/{kind}", files={"file": (name, body)})

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert service.storage.names("uploads") == before


# Like another in what they show, or long.
SLOW = frozenset(
    {"a decompression bomb", "half of a faststart", "a phone held upright (270)", "stereo", "96 kHz"}
)

FAILS: dict[str, tuple[str, Callable[[Path], Path], str, set[str]]] = {
    "an mp4 without its index": ("video", make.no_moov, "cut.mp4", {"media_unreadable"}),
    "no decodable frame": ("video", make.undecodable, "noise.mp4", {"media_unreadable"}),
    "a picture of 100,000 x 100,000": ("video", make.giant_header, "giant.avi", {"media_too_large"}),
    "sound alone, as video": (
        "video",
        lambda path: make.encoded_audio(path, "aac"),
        "sound.mp4",
        {"no_video_stream"},
    ),
    "pictures alone, as audio": ("audio", make.video, "mute.mp4", {"no_sound"}),
    "no face and no sound": ("video", make.video, "bars.mp4", {"no_face_found"}),
    "no face and silence": (
        "video",
        lambda path: make.video(path, sound=silence(2)),
        "silent.mp4",
        {"no_face_found"},
    ),
    "silence alone": ("audio", lambda path: make.audio(path, wave=silence(2)), "silence.wav", {"no_sound"}),
    "a decompression bomb": (
        "video",
        lambda path: make.bomb(path, frames=300),
        "bomb.webm",
        {"no_face_found", "timeout", "media_too_large"},
    ),
}


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=pytest.mark.slow if case in SLOW else ()) for case in FAILS]
)
def test_media_that_cannot_be_scored_end_in_a_typed_error(
    service: Service, tmp_path: Path, case: str
) -> None:
    """The job fails with a code and a sentence, within its time limit."""
    kind, build, name, expected = FAILS[case]

    document = service.score(build(tmp_path / name), kind)

    assert document["status"] == "failed"
    assert document["error"]["code"] in expected
    assert document["error"]["message"].endswith(".")
    assert "Traceback" not in document["error"]["message"]
    assert document["summary"] is None


def face(**options: Any) -> Callable[[Path], Path]:
    return lambda path: make.face_video(path, **options)


SCORED: dict[str, tuple[str, Callable[[Path], Path], str, set[str], list[str]]] = {
    "half of a faststart": (
        "video",
        lambda path: make.half_faststart(path, sound=True),
        "half.mp4",
        {"media_truncated", "no_face"},
        ["audio"],
    ),
    "no face but a voice": (
        "video",
        lambda path: make.video(path, sound=make.voice(2)),
        "voice.mp4",
        {"no_face"},
        ["audio"],
    ),
    "a face half the time": ("video", face(shown=0.5), "half.mp4", {"face_partly"}, ["video", "audio"]),
    "two faces": ("video", face(faces=2), "two.mp4", {"several_faces"}, ["video", "audio"]),
    "64 x 36 pixels": (
        "video",
        lambda path: make.video(path, width=64, height=36, sound=make.voice(2)),
        "tiny.mp4",
        {"small_picture", "no_face"},
        ["audio"],
    ),
    "4K": (
        "video",
        lambda path: make.video(path, width=3840, height=2160, frames=10, sound=make.voice(0.4)),
        "huge.mp4",
        {"short_clip", "no_face"},
        ["audio"],
    ),
    "a phone held upright (90)": ("video", face(rotation=90), "r90.mp4", set(), ["video", "audio"]),
    "a phone held upright (270)": ("video", face(rotation=270), "r270.mp4", set(), ["video", "audio"]),
    "a webm of uneven rate without a length": (
        "video",
        lambda path: make.variable_rate_webm(path, times_s=[0, 0.1, 0.5, 0.55, 0.6, 1.4, 1.5, 2.0, 2.1]),
        "uneven.webm",
        {"no_face"},
        ["audio"],
    ),
    "a face without sound": ("video", face(sound=False), "mute.mp4", {"no_sound_stream"}, ["video"]),
    "a face with silence": ("video", face(sound=silence(2)), "silent.mp4", {"silent_sound"}, ["video"]),
    "a header that claims ten hours": (
        "video",
        make.ten_hours,
        "ten_hours.webm",
        {"duration_corrected", "no_face"},
        ["audio"],
    ),
    # An mp4's index says how long it is; what its header claims is not even looked at.
    "an mp4 header that claims ten hours": (
        "video",
        make.ten_hours,
        "ten_hours.mp4",
        {"no_face"},
        ["audio"],
    ),
    "mono at 8 kHz": (
        "audio",
        lambda path: make.audio(path, wave=make.voice(2, rate=8000), rate=8000),
        "phone.wav",
        {"low_sample_rate"},
        ["audio"],
    ),
    "stereo": (
        "audio",
        lambda path: make.audio(path, wave=np.repeat(make.voice(2), 2, axis=1)),
        "stereo.wav",
        set(),
        ["audio"],
    ),
    "96 kHz": (
        "audio",
        lambda path: make.audio(path, wave=make.voice(2, rate=96_000), rate=96_000),
        "studio.flac",
        set(),
        ["audio"],
    ),
}


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=pytest.mark.slow if case in SLOW else ()) for case in SCORED]
)
def test_unusual_media_are_scored_and_say_what_was_unusual(
    service: Service, tmp_path: Path, case: str
) -> None:
    """The job has a result; its warnings and modalities say what it was made from."""
    kind, build, name, warnings, modalities = SCORED[case]

    document = service.score(build(tmp_path / name), kind)

    assert document["status"] == "succeeded", document["error"]
    assert codes(document) == warnings
    assert document["modalities"] == modalities
    assert document["media"]["duration_s"] < 60


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd.mp4", "a\"b';rm -rf.mp4", "line\nbreak.mp4", "\N{GRINNING FACE}.mp4", "%00.mp4", "."],
)
def test_a_file_name_is_never_used(service: Service, tmp_path: Path, name: str) -> None:
    """Whatever an upload is called, it is stored under its id and scored."""
    clip = make.face_video(tmp_path / "clip.mp4", duration_s=0.4)

    answer = service.http.post("/upload/video", files={"file": (name, clip.read_bytes())})

    assert answer.status_code in {200, 201}
    assert set(service.storage.names("uploads")) >= {answer.json()["id"]}
    assert service.orphans() == set()


def test_an_upload_that_stops_half_way_leaves_nothing(service: Service) -> None:
    """When a client goes away in the middle, neither a row nor a file stays behind."""
    before = service.storage.names("uploads")
    address = urlsplit(service.stack.api_url)
    head = b"\0\0\0\x18ftypisom" + bytes(100_000)
    with socket.create_connection((address.hostname, address.port)) as client:
        client.sendall(
            b"POST /upload/video HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: video/mp4\r\n"
            b"Content-Length: 5000000\r\n\r\n" + head
        )

    def forgotten() -> bool:
        with service.engine.connect() as connection:
            receiving = connection.exec_driver_sql("SELECT count(*) FROM uploads WHERE state = 'receiving'")
            return receiving.scalar() == 0 and service.storage.names("uploads") == before

    wait_until(forgotten, 20)
    assert service.orphans() == set()


BAD_BODIES: dict[str, tuple[Any, int, str]] = {
    "no media": ({}, 422, "invalid_request"),
    "an unknown upload": ({"video_id": str(uuid4())}, 404, "not_found"),
    "an id that is none": ({"video_id": "../1"}, 422, "invalid_request"),
    "a number for an id": ({"video_id": 17}, 422, "invalid_request"),
    "a list for a body": ([1, 2], 422, "invalid_request"),
    "a window of text": ({"video_id": str(uuid4()), "window_s": "long"}, 422, "invalid_request"),
    "an endless window": ({"video_id": str(uuid4()), "window_s": 1e300}, 422, "invalid_request"),
    "a field that does not exist": ({"video_id": str(uuid4()), "colour": 1}, 422, "invalid_request"),
    "a fusion that does not exist": ({"video_id": str(uuid4()), "fusion": "cold"}, 422, "invalid_request"),
}


@pytest.mark.parametrize("case", BAD_BODIES)
def test_a_bad_request_is_answered_with_what_is_wrong(service: Service, case: str) -> None:
    """POST /predict answers a typed problem that names the value."""
    body, status, code = BAD_BODIES[case]

    answer = service.http.post("/predict", json=body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_a_body_that_is_no_json_is_a_malformed_request(service: Service) -> None:
    """Bytes that do not parse are answered with 400."""
    answer = service.http.post(
        "/predict", content=b'{"video_id": ', headers={"Content-Type": "application/json"}
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


def test_a_job_that_does_not_exist_is_not_found(service: Service) -> None:
    """Every address below an unknown job answers 404 as a problem."""
    unknown = uuid4()
    for method, path in (
        ("GET", f"/jobs/{unknown}"),
        ("POST", f"/jobs/{unknown}/cancel"),
        ("POST", f"/jobs/{unknown}/retry"),
        ("DELETE", f"/jobs/{unknown}"),
        ("GET", f"/jobs/{unknown}/artifacts/result.json"),
        ("GET", "/jobs/no-id"),
    ):
        answer = service.http.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path


def test_requests_beyond_http_are_answered_too(service: Service) -> None:
    """Headers too long and methods unknown get an answer, and the API goes on."""
    address = urlsplit(service.stack.api_url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=10)
    connection.request("GET", "/healthz", headers={"X-Long": "x" * 20_000})
    assert connection.getresponse().status in {400, 431}
    connection.close()

    assert service.http.request("BREW", "/healthz").status_code in {405, 501}
    assert json.loads(service.http.get("/healthz").text)


def test_after_all_that_the_worker_goes_on(service: Service, face_clip: Path) -> None:
    """The same processes score a good clip, and nothing is stored that no row knows."""
    document = service.score(face_clip)

    service.assert_scored_once(document)
    assert service.orphans() == set()
