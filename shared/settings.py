"""Settings of every process, read from ``AVEMOTION_*`` environment variables.

Each field is documented in ``docs/settings.md``; a test holds that page to this class.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

Seconds = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Bytes = Annotated[int, Field(ge=1)]


class Settings(BaseSettings):
    """What an operator may choose; the defaults suit one laptop."""

    model_config = SettingsConfigDict(
        env_prefix="AVEMOTION_", frozen=True, extra="ignore", populate_by_name=True
    )

    # Where things are
    data_dir: Path = Field(
        Path(".avemotion"), description="Folder of the embedded stack's data and of caches."
    )
    database_url: str | None = Field(None, description="PostgreSQL address; embedded server when unset.")
    broker_url: str | None = Field(None, description="Valkey or Redis address; embedded server when unset.")
    storage_url: str | None = Field(
        None, description="fsspec address of uploads and artifacts; a folder when unset."
    )
    models_dir: Path | None = Field(
        None, description="Folder of checkpoints served beside the built-in ones."
    )

    # API
    host: str = Field("127.0.0.1", description="Address the API listens on.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        8000, description="Port of the API; 0 picks a free one."
    )
    auth: Literal["auto", "on", "off"] = Field(
        "auto", description="API keys: `auto` asks for them unless the API listens on loopback."
    )
    trusted_hosts: str = Field(
        "",
        description="Names, between commas, by which the API may be called while keys are off, "
        "besides `localhost` and plain IP addresses.",
    )
    api_threads: Count = Field(16, description="Request threads in each API process.")
    api_processes: Count = Field(2, description="API processes.")
    max_upload_bytes: Bytes = Field(2 * 1024**3, description="Largest upload.")
    max_queue_depth: Count = Field(
        10_000, description="Unfinished jobs past which `POST /predict` answers 503."
    )
    max_wait_s: Seconds = Field(30, description="Longest time a request may wait for a job.")

    # Media
    max_duration_s: Seconds = Field(4 * 3600, description="Longest media of a job.")
    max_pixels: Count = Field(8192 * 4320, description="Largest frame, width times height.")
    max_windows: Count = Field(20_000, description="Most windows of a job.")
    decode_memory_mb: Count = Field(2048, description="Address space of one decoding child.")
    fps: Seconds = Field(25, description="Constant frame rate that media are normalised to.")
    frame_side: Count = Field(640, description="Longest side in pixels of the frames that analyzers see.")
    scratch_dir: Path | None = Field(None, description="Folder of temporary files; the system's when unset.")

    # Faces
    analyzer: Literal["landmarker", "openface"] = Field(
        "landmarker", description="What sees the faces of a job that does not say."
    )
    openface_path: Path | None = Field(
        None,
        validation_alias=AliasChoices("AVEMOTION_OPENFACE_PATH", "OPENFACE_PATH"),
        description="OpenFace's program `FeatureExtraction`; also read from `OPENFACE_PATH`.",
    )
    openface_dir: Path | None = Field(
        None,
        validation_alias=AliasChoices("AVEMOTION_OPENFACE_DIR", "OPENFACE_DIR"),
        description="Folder of OpenFace, where no path is given; also read from `OPENFACE_DIR`.",
    )
    openface_license_accepted: bool = Field(
        default=False,
        description="`yes` runs OpenFace: its licence allows academic or non-profit, non-commercial "
        "research only.",
    )
    openface_memory_mb: Count = Field(2048, description="Address space of one run of OpenFace.")

    # Model input
    segment_s: Seconds = Field(60, description="Longest span of one segment, the unit of parallel work.")
    window_s: Seconds = Field(2, description="Length of one window unless a job says otherwise.")
    window_fps: Seconds = Field(16, description="Rate of the frames from which a window picks its own.")
    model: str = Field("videomae-nano", description="Model of a job that names none.")
    model_precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="Arithmetic of the encoder; `auto` takes bfloat16 where the hardware has it."
    )
    model_xla: Literal["auto", "on", "off"] = Field(
        "auto", description="Whether the model is compiled by XLA; `auto` means on a GPU."
    )
    model_threads: Count | None = Field(None, description="Threads of the model; one a core when unset.")
    inference_windows: Count = Field(
        8, description="Most windows claimed at a time; a GPU runs them at once, a processor a few at a time."
    )

    # Work
    media_children: Count | None = Field(
        None, description="Processes of a media worker; one a core when unset."
    )
    lease_s: Seconds = Field(15, description="Time without a heartbeat after which a claim is taken back.")
    max_losses: Count = Field(3, description="Lost workers after which a stage fails with `worker_lost`.")
    max_retries: Annotated[int, Field(ge=0)] = Field(
        3, description="New tries after a failure that may pass."
    )
    retry_backoff_s: Seconds = Field(2, description="Delay of the first new try; doubled each time.")
    stage_time_limit_s: Seconds = Field(300, description="Longest run of one stage on one segment.")
    janitor_interval_s: Seconds = Field(1, description="Pause between two rounds of the janitor.")
    republish_after_s: Seconds = Field(
        10, description="Age at which a message that nobody took is sent again."
    )

    # Care
    upload_ttl_s: Seconds = Field(7 * 86400, description="Life of an upload after its last use.")
    job_ttl_s: Seconds = Field(30 * 86400, description="Life of a finished job.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severe log line."
    )
    log_format: Literal["console", "json"] = Field("console", description="Shape of log lines.")

    @property
    def stage_hard_limit_s(self) -> float:
        """Time after which a stage's process is killed: its soft limit and a grace to clean up."""
        return self.stage_time_limit_s + 30

    @property
    def keys_required(self) -> bool:
        """Tell whether requests need an API key: `auto` means unless the API listens on loopback."""
        return self.auth == "on" or (self.auth == "auto" and not is_loopback(self.host))

    @property
    def resolved_storage_url(self) -> str:
        """Return the storage address, a folder under ``data_dir`` when none is set."""
        return self.storage_url or f"file://{(self.data_dir / 'storage').absolute()}"


def is_loopback(host: str) -> bool:
    """Tell whether an address or name always means this very machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Return the settings of this process, read once."""
    return Settings()
