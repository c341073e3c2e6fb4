"""What a client is told when there is no room for its file."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from api import create_app
from shared.settings import Settings
from shared.storage_choice import storage_of
from shared.tables import Upload
from tests.disks import mounted
from tests.integration.api.conftest import client_of, video


def test_an_upload_without_room_leaves_nothing(settings: Settings, engine: Engine, tmp_path: Path) -> None:
    """507 with a sentence, neither row nor bytes are kept, and what fits is taken all the same."""
    with mounted(tmp_path / "disk", "64k") as disk:
        chosen = settings.model_copy(update={"storage_url": f"file://{disk}/storage"})
        client = client_of(create_app(chosen))
        refused = client.post("/upload/video", data=video() + bytes(200_000))
        assert (refused.status_code, refused.json["code"]) == (507, "storage_full")
        assert "no room" in refused.json["detail"]
        assert int(refused.headers["Retry-After"]) > 0
        assert storage_of(chosen).names("uploads") == []
        with Session(engine) as session:
            assert not session.scalars(select(Upload)).all()
        assert client.post("/upload/video", data=video()).status_code == 201
