"""Settings of every process, read from ``AVEMOTION_*`` environment variables.

Each field is documented in ``docs/settings.md``; a test holds that page to this class.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import SettingsConfigDict

from shared.broker_settings import BrokerSettings
from shared.errors import AvemotionError, ErrorCode
from shared.object_settings import ObjectStoreSettings
from shared.webhooks.secrets import read_secrets

Seconds = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Bytes = Annotated[int, Field(ge=1)]
# Also those of applications, such as capacitor://localhost.
ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?")
# Which browsers leave out.
DEFAULT_PORTS = {"http": "80", "https": "443"}


class Settings(BrokerSettings, ObjectStoreSettings):
    """What an operator may choose; the defaults suit one laptop."""

    model_config = SettingsConfigDict(
        env_prefix="AVEMOTION_",
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        # Compose files pass variables on that are not set as empty ones.
        env_ignore_empty=True,
        # Addresses hold passwords: what is wrong with one is told without it.
        hide_input_in_errors=True,
    )

    # Where things are
    data_dir: Path = Field(
        Path(".avemotion"), description="Folder of the embedded stack's data and of caches."
    )
    database_url: str | None = Field(None, description="PostgreSQL address; embedded server when unset.")
    database_pooler: bool = Field(
        default=False,
        description="`yes` where that is the address of a pooler in transaction mode, such as PgBouncer.",
    )
    storage_url: str | None = Field(
        None,
        description="Address of uploads and artifacts: a folder, or `s3://bucket/prefix`; a folder below "
        "`AVEMOTION_DATA_DIR` when unset.",
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
    cors_origins: str = Field(
        "",
        description="Origins, between commas, whose pages may call the API from a browser, such as "
        "`https://app.example.org`; none when unset.",
    )
    api_threads: Count = Field(16, description="Request threads in each API process.")
    api_processes: Count = Field(2, description="API processes.")
    max_upload_bytes: Bytes = Field(2 * 1024**3, description="Largest upload.")
    max_queue_depth: Count = Field(
        10_000, description="Unfinished interactive jobs past which new ones are answered with 503."
    )
    max_bulk_depth: Count = Field(
        200_000, description="Unfinished bulk jobs past which new ones are answered with 503."
    )
    max_wait_s: Seconds = Field(30, description="Longest time a request may wait for a job.")
    key_max_jobs: Count | None = Field(
        None, description="Unfinished jobs that a key may have at a time; no limit when unset."
    )
    key_max_bytes: Bytes | None = Field(
        None, description="Bytes of uploads that are kept for a key at a time; no limit when unset."
    )
    key_requests_per_minute: Count | None = Field(
        None, description="Requests that a key may make in a minute; no limit when unset."
    )

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

    task_events: bool = Field(
        default=False, description="`yes` has workers tell Flower of each task that they begin and end."
    )

    # Metrics of workers
    metrics_port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        None, description="Port of a worker's metrics for Prometheus; none when unset."
    )
    metrics_host: str = Field("127.0.0.1", description="Address that a worker's metrics listen on.")

    # Traces
    otlp_endpoint: str | None = Field(
        None,
        validation_alias=AliasChoices("AVEMOTION_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        description="Where traces are sent by OTLP over HTTP, such as `http://collector:4318`; also read "
        "from `OTEL_EXPORTER_OTLP_ENDPOINT`; none are made when unset.",
    )

    # Webhooks
    webhook_secret: SecretStr | None = Field(
        None,
        description="Signs webhooks: `whsec_…`, or several between spaces, all of which sign. Made by the "
        "embedded stack when unset; elsewhere there are no webhooks without it.",
    )
    webhook_allow_private: bool = Field(
        default=False,
        description="`yes` lets webhooks go to private addresses and loopback, there over plain HTTP too.",
    )
    webhook_concurrency: Count = Field(32, description="Webhooks that a janitor delivers at a time.")
    webhook_receiver_concurrency: Count = Field(4, description="How many of them go to one receiver.")
    webhook_timeout_s: Seconds = Field(15, description="Time of one try, from its name to its answer.")
    webhook_tries: Count = Field(12, description="Tries after which a webhook is given up.")
    webhook_backoff_s: Seconds = Field(5, description="Pause after the first try; tripled each time.")
    webhook_longest_backoff_s: Seconds = Field(
        6 * 3600, description="Longest pause between two tries, also where the receiver asks for one."
    )

    # Care
    upload_ttl_s: Seconds = Field(7 * 86400, description="Life of an upload after its last use.")
    job_ttl_s: Seconds = Field(30 * 86400, description="Life of a finished job.")
    artifact_ttl_s: Seconds | None = Field(
        None, description="Life of a finished job's pictures and tables; the job's when unset."
    )
    storage_limit_bytes: Bytes | None = Field(
        None,
        description="Bytes of uploads and artifacts past which those that no open job needs are removed, "
        "least recently used first; none when unset.",
    )
    sweep_every_s: Seconds = Field(
        3600, description="Pause between two comparisons of all files with the database."
    )
    orphan_age_s: Seconds = Field(900, description="Age from which on a file that no row knows is removed.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severe log line."
    )
    log_format: Literal["console", "json"] = Field("console", description="Shape of log lines.")

    @field_validator("webhook_secret")
    @classmethod
    def _is_secret(cls, value: SecretStr | None) -> SecretStr | None:
        return value if value is not None and read_secrets(value.get_secret_value()) else None

    @field_validator("otlp_endpoint")
    @classmethod
    def _is_trace_address(cls, value: str | None) -> str | None:
        if not value:
            return None
        if not value.startswith(("http://", "https://")):
            raise ValueError("write http://host:port or https://host:port; gRPC is not spoken")
        return value.rstrip("/")

    @field_validator("cors_origins")
    @classmethod
    def _names_origins(cls, text: str) -> str:
        read_origins(text)
        return text

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


def read_origins(text: str) -> frozenset[str]:
    """Return the origins in a list between commas, each as browsers write it.

    Raises:
        ValueError: Something in it is no origin.
    """
    return frozenset(_origin(each.strip()) for each in text.split(",") if each.strip())


def _origin(text: str) -> str:
    found = ORIGIN.fullmatch(text.lower())
    if found is None:
        # No `*`: while keys are off, every page that somebody visits could call their own service.
        raise ValueError(
            f"{text!r} is no origin: write scheme://host or scheme://host:port, without a path; "
            "`*` and `null` are not taken; a name beyond ASCII is written as xn--..."
        )
    scheme, host, port = found.groups()
    return f"{scheme}://{host}" if port in {None, DEFAULT_PORTS.get(scheme)} else f"{scheme}://{host}:{port}"


def is_loopback(host: str) -> bool:
    """Tell whether an address or name always means this very machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Return the settings of this process, read once.

    Raises:
        AvemotionError: A variable has a value that it cannot have.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = (
            f"AVEMOTION_{'_'.join(map(str, fault['loc'])).upper()}: {fault['msg']}"
            for fault in error.errors()
        )
        raise AvemotionError(
            ErrorCode.INVALID_SETTINGS, "A setting is not valid. " + "; ".join(faults) + "."
        ) from error
