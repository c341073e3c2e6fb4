"""What a document says of a clip and of what scored it, in plain words."""

from __future__ import annotations

from client.render.text import span
from shared.schemas.jobs import JobDocument, Modality, ModelInfo
from shared.tables import StageName

WORDS: dict[Modality, str] = {"video": "face", "audio": "voice"}
HASH_DIGITS = 12


def media(document: JobDocument, separator: str) -> str:
    """Return the clip's length, picture and sound on one line."""
    found = document.media
    if found is None:
        return "media not looked at"
    parts = [span(found.duration_s)]
    if found.width and found.height:
        rate = f" at {found.fps:.4g} frames/s" if found.fps else ""
        parts.append(f"{found.width}x{found.height}{rate}")
    else:
        parts.append("no picture")
    parts.append(f"sound at {found.sample_rate / 1000:g} kHz" if found.sample_rate else "no sound")
    return separator.join(parts)


def made_by(document: JobDocument) -> list[tuple[str, str]]:
    """Return label and sentence of everything that had a part in the numbers."""
    rows = [("model", _model(document))]
    if document.model is not None and document.model.weights_sha256 is not None:
        rows.append(("weights", f"sha256 {document.model.weights_sha256[:HASH_DIGITS]}"))
    if document.model is not None and document.model.metrics:
        rows.append(("figures", _figures(document.model)))
    rows.append(("from", _modalities(document)))
    if document.analyzer is not None:
        rows.append(("faces", _faces(document)))
    timings = document.timings
    if timings.total_s is not None:
        waited = f", {span(timings.queue_s)} of it waiting" if timings.queue_s is not None else ""
        rows.append(("time", span(timings.total_s) + waited))
    if timings.stages:
        rows.append(("stages", _stages(document)))
    rows.append(("job", str(document.job_id)))
    return rows


def failure(document: JobDocument) -> str:
    """Return how far a job came that did not succeed."""
    took = document.timings.total_s
    parts = [f"job {document.job_id}", f"attempt {document.attempt}"]
    if took is not None:
        parts.append(f"after {span(took)}")
    if document.media is not None:
        parts.append(media(document, ", "))
    return "; ".join(parts)


def _model(document: JobDocument) -> str:
    model = document.model
    if model is None:
        return "unknown model"
    state = "trained" if model.trained else "NOT TRAINED"
    return f"{model.id} ({model.preset}, {model.fusion} fusion), {state}"


def _figures(model: ModelInfo) -> str:
    """Return the key figures of the model's card."""
    words = {"war": "accuracy", "uar": "mean recall", "ece": "calibration error"}
    told = [f"{word} {model.metrics[name]:.2f}" for name, word in words.items() if name in model.metrics]
    count = model.metrics.get("samples")
    return ", ".join(told) + (f" on {count:.0f} samples not trained on" if count else "")


def _modalities(document: JobDocument) -> str:
    """Return what was seen and heard, and in how many windows where not in all."""
    used = [WORDS[modality] for modality in document.modalities]
    if not used:
        return "neither face nor voice"
    text = " and ".join(used) + (" alone" if len(used) == 1 else "")
    total = len(document.windows)
    for modality in document.modalities:
        count = sum(modality in window.modalities for window in document.windows)
        if count < total:
            text += f"; {WORDS[modality]} in {count} of {total} windows"
    return text


def _faces(document: JobDocument) -> str:
    analyzer = document.analyzer
    if analyzer is None:
        return "not looked for"
    found = {0: "no face", 1: "one face"}.get(
        analyzer.faces_found, f"up to {analyzer.faces_found} faces at once"
    )
    usable = f", usable in {analyzer.usable_frames} of {analyzer.frames} frames" if analyzer.frames else ""
    return f"{found}{usable}, seen by {analyzer.name} {analyzer.version}"


def _stages(document: JobDocument) -> str:
    """Return each stage's compute time, in the order of the stages."""
    order = [stage.value for stage in StageName]
    seconds = document.timings.stages
    names = sorted(seconds, key=lambda name: order.index(name) if name in order else len(order))
    return ", ".join(f"{name} {seconds[name]:.2f}" for name in names) + " (seconds)"
