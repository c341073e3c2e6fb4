"""How long the service takes for a clip with this checkpoint: the whole stack, warm, one job at a time."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import httpx
import imageio_ffmpeg

from bench.checkpoint.results import Speed, SpeedRow
from bench.checkpoint.subject import Tell
from bench.overhead import end_of, post
from client.stack.stack import EmbeddedStack
from shared.catalog import ModelCard
from shared.settings import Settings
from worker.model.hardware import available_cores

# A clip of two windows, and one that is long enough for a rate.
DURATIONS_S = (3.0, 60.0)
_WARM_UPS = 2


def measure_speed(card: ModelCard, clip: Path, rounds: int, tell: Tell) -> Speed:
    """Return how long jobs take on clips that repeat a clip as often as their length asks for.

    Args:
        card: The model that is served.
        clip: With a face and a voice, as large as is to be measured.
        rounds: How often each length is measured.
        tell: Told what is being done.
    """
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            data_dir=Path(folder) / "data", port=0, models_dir=card_folder(card).parent, model=card.id
        )
        with (
            EmbeddedStack(settings) as stack,
            httpx.Client(base_url=stack.api_url, timeout=90, trust_env=False) as http,
        ):
            for duration_s in DURATIONS_S:
                path = repeat(clip, duration_s, Path(folder) / f"{duration_s:g}.mp4")
                upload = http.post("/upload/video", content=path.read_bytes()).json()["id"]
                for _ in range(_WARM_UPS):
                    end_of(http, post(http, upload))
                tell(f"speed, {duration_s:g} s")
                timings = [end_of(http, post(http, upload))["timings"] for _ in range(rounds)]
                rows.append(_row(clip, duration_s, timings))
    return Speed(cores=available_cores(), rows=tuple(rows))


def repeat(clip: Path, duration_s: float, target: Path) -> Path:
    """Write a clip over and over, picture and sound coded anew, until it has this length.

    Raises:
        subprocess.CalledProcessError: FFmpeg cannot read it.
    """
    source = ["-stream_loop", "-1", "-i", str(clip), "-t", f"{duration_s:g}"]
    coding = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *source, *coding]
    subprocess.run([*command, str(target)], check=True)
    return target


def card_folder(card: ModelCard) -> Path:
    """Return the folder of a card that was read from one."""
    if card.folder is None:
        raise ValueError(f"The card of {card.id} was not read from a folder.")
    return card.folder


def _row(clip: Path, duration_s: float, timings: list[dict[str, Any]]) -> SpeedRow:
    total_s = [float(each["total_s"]) for each in timings]
    median_s = statistics.median(total_s)
    return SpeedRow(
        clip=clip.stem,
        duration_s=duration_s,
        total_s=tuple(total_s),
        stages_s=tuple(sum(each["stages"].values()) for each in timings),
        median_s=median_s,
        of_real_time=median_s / duration_s,
    )
