"""The command itself: what was asked for, the analyzer, what is written and said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from client.faces.progress import FrameProgress
from client.faces.report import summary_lines
from client.render.text import display_path
from client.run.clips import look_at
from shared.errors import AvemotionError, ErrorCode, TransientError
from shared.outputs import check_output, replacing
from shared.schemas.jobs import AnalyzerName
from shared.settings import Settings, get_settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from worker.faces.track import FaceTrack
    from worker.media.probe import MediaInfo

# A whole clip is seen here, not a segment of it.
TIME_LIMIT_PER_SECOND = 20


def faces(
    clip: Annotated[Path, typer.Argument(metavar="CLIP", help="Video with a face.")],
    *,
    analyzer: Annotated[
        AnalyzerName | None,
        typer.Option(help="What sees the faces; that of the settings if not named."),
    ] = None,
    csv: Annotated[Path, typer.Option(metavar="OUT.csv", help="Table to write, in OpenFace's columns.")],
    overlay: Annotated[
        Path | None,
        typer.Option(metavar="OUT.mp4", help="Video to write, with what was seen drawn on it."),
    ] = None,
) -> None:
    """See the face of a clip: a row a frame of landmarks, head pose, gaze and action units.

    Runs one analyzer here and now, without the service. Frames are those that jobs see: upright, at 25 a
    second.
    """
    settings, console = get_settings(), Console(stderr=True, highlight=False)
    check_output(csv, ".csv")
    if overlay is not None:
        check_output(overlay, ".mp4")
    media = _probe(clip, settings)
    track, seen_by = _analyze(clip, media, analyzer or settings.analyzer, settings, console)
    with replacing(csv) as temporary:
        temporary.write_text(track.table.to_csv(), encoding="ascii")
    if overlay is not None:
        from client.faces.video import write_overlay  # noqa: PLC0415 - brings OpenCV and FFmpeg

        with replacing(overlay) as temporary:
            write_overlay(temporary, _frames(clip, media, settings), track.table, settings.fps)
    for line in summary_lines(track, seen_by):
        typer.echo(line)
    typer.echo("Written: " + " and ".join(display_path(path) for path in (csv, overlay) if path) + ".")


def _probe(clip: Path, settings: Settings) -> MediaInfo:
    from worker.media.probe import probe  # noqa: PLC0415 - brings FFmpeg

    found = look_at(clip)
    if found.media.kind != "video":
        raise AvemotionError(ErrorCode.NO_VIDEO_STREAM, "The file is sound; there is no face in it.")
    media = probe(
        clip,
        found.media.demuxer,
        max_pixels=settings.max_pixels,
        max_duration_s=settings.max_duration_s,
        memory_mb=settings.decode_memory_mb,
        time_limit_s=settings.stage_time_limit_s,
    )
    if not media.has_video:
        raise AvemotionError(ErrorCode.NO_VIDEO_STREAM, "The file holds no picture; there is no face in it.")
    return media


def _analyze(
    clip: Path, media: MediaInfo, name: str, settings: Settings, console: Console
) -> tuple[FaceTrack, str]:
    """Return what an analyzer saw, and which one it was."""
    from worker.faces import load_analyzer  # noqa: PLC0415 - brings OpenCV and its models

    # Jobs see a clip in segments, of which each has this time.
    limit_s = _time_limit_s(media, settings)
    analyzer = load_analyzer(name, settings.model_copy(update={"stage_time_limit_s": limit_s}))
    with FrameProgress(console, round(_length_s(media) * settings.fps)) as progress:
        try:
            track = analyzer.analyze(
                progress.counted(_frames(clip, media, settings)),
                fps=settings.fps,
                first_frame=0,
                keep=(),
                crop_size=1,
                checkpoint=lambda: None,
                progress=progress.analyzed,
            )
        except TransientError as error:
            # Nobody tries again by himself here.
            raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, f"{error} Try again later.") from error
    if len(track.table) == 0:
        raise AvemotionError(ErrorCode.MEDIA_UNREADABLE, "No frame of the video could be decoded.")
    return track, f"{analyzer.name} {analyzer.version}"


def _frames(clip: Path, media: MediaInfo, settings: Settings) -> Iterator[NDArray[np.uint8]]:
    from worker.media.frames import read_frames  # noqa: PLC0415 - brings NumPy

    return read_frames(
        clip,
        media,
        start_s=0,
        end_s=_length_s(media),
        fps=settings.fps,
        max_side=settings.frame_side,
        memory_mb=settings.decode_memory_mb,
        time_limit_s=_time_limit_s(media, settings),
    )


def _time_limit_s(media: MediaInfo, settings: Settings) -> float:
    return settings.stage_time_limit_s + TIME_LIMIT_PER_SECOND * _length_s(media)


def _length_s(media: MediaInfo) -> float:
    return media.video_duration_s or media.duration_s
