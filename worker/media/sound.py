"""The sound of a span of media: mono, 16 kHz, in step with the pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from worker.media.decoder import decode
from worker.media.probe import MediaInfo
from worker.media.sandbox import no_checkpoint

SAMPLE_RATE_HZ = 16_000

_SAMPLE_BYTES = 4
_PIECE_BYTES = 2**18
# Codecs that build on what came before (AAC, Opus, MP3) need a moment to settle after a jump. A
# container without an index may miss the wanted time by more.
_PREROLL_S = 1.0


def read_sound(  # noqa: PLR0913 - each limit is named.
    path: Path,
    media: MediaInfo,
    *,
    start_s: float,
    end_s: float,
    memory_mb: int,
    time_limit_s: float,
    checkpoint: Callable[[], None] = no_checkpoint,
) -> NDArray[np.float32]:
    """Return the sound of [start_s, end_s), (samples,) float32 in [-1, 1] at ``SAMPLE_RATE_HZ``.

    Sample k is what is heard at ``start_s + k / SAMPLE_RATE_HZ``: gaps in the media are silence, here
    too. Channels are mixed in equal parts of loudness; what is no number becomes 0. The result is
    shorter than the span only where the sound ends first, and empty where there is none.

    Args:
        path: The file.
        media: What ``probe`` said of it.
        start_s: Start of the span, in seconds from the start of the media.
        end_s: Its end.
        memory_mb: Address space of the decoder.
        time_limit_s: How long, in all, the decoder may keep the caller waiting.
        checkpoint: Called a few times a second; may raise to abort.

    Raises:
        AvemotionError: `MEDIA_UNREADABLE`, `OUT_OF_MEMORY`, `TIMEOUT`.
        TransientError: The machine has no room for another process now.
    """
    if media.audio_stream is None or end_s <= start_s:
        return np.zeros(0, np.float32)
    seek_s = max(0.0, start_s - _PREROLL_S)
    pieces = decode(
        path,
        media.demuxer,
        input_options=["-ss", f"{seek_s:.6f}"] if seek_s > 0 else [],
        output_options=[
            *("-map", f"0:{media.audio_stream}"),
            # Silence for what is missing; a mix that cannot be louder than its parts.
            *("-af", "aresample=async=1:first_pts=0:rematrix_maxval=1"),
            *("-ac", "1", "-ar", str(SAMPLE_RATE_HZ), "-t", f"{end_s - seek_s:.6f}", "-f", "f32le"),
        ],
        piece_bytes=_PIECE_BYTES,
        memory_mb=memory_mb,
        time_limit_s=time_limit_s,
        checkpoint=checkpoint,
    )
    raw = bytearray().join(pieces)
    sound: NDArray[np.float32] = np.frombuffer(raw, "<f4", count=len(raw) // _SAMPLE_BYTES)
    skipped = round((start_s - seek_s) * SAMPLE_RATE_HZ)
    wanted = round((end_s - start_s) * SAMPLE_RATE_HZ)
    span = sound[skipped : skipped + wanted]
    np.nan_to_num(span, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    # A copy, so that what was skipped is let go.
    return span.clip(-1, 1)
