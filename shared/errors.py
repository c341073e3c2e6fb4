"""The one list of error and warning codes, and the exception that carries one.

The API turns an error into ``application/problem+json`` with the code's HTTP status; a failed job
carries the same code and sentence. ``docs/errors.md`` is checked against these lists by a test.
"""

from __future__ import annotations

from enum import Enum


class ErrorCode(Enum):
    """What can go wrong: stable code, HTTP status, and a title that does not vary."""

    # Requests
    MALFORMED_REQUEST = ("malformed_request", 400, "The request could not be read")
    UNAUTHORIZED = ("unauthorized", 401, "A valid API key is needed")
    FORBIDDEN = ("forbidden", 403, "This request is not allowed from here")
    NOT_FOUND = ("not_found", 404, "There is no such thing")
    METHOD_NOT_ALLOWED = ("method_not_allowed", 405, "This address does not take this method")
    REQUEST_TOO_LARGE = ("request_too_large", 413, "The request is larger than allowed")
    CONFLICT = ("conflict", 409, "The state of the job or batch does not allow this")
    INVALID_REQUEST = ("invalid_request", 422, "A value in the request is not valid")
    IDEMPOTENCY_MISMATCH = ("idempotency_mismatch", 422, "This Idempotency-Key was used with another body")
    REFERENCE_CONFLICT = ("reference_conflict", 409, "This reference was used with another request")
    QUOTA_EXCEEDED = ("quota_exceeded", 429, "This key has all that it may have")
    TOO_MANY_REQUESTS = ("too_many_requests", 429, "This key has asked too often")
    QUEUE_FULL = ("queue_full", 503, "Too many jobs are waiting")
    SERVICE_UNAVAILABLE = ("service_unavailable", 503, "A part of the service is not reachable")
    STORAGE_UNUSABLE = ("storage_unusable", 503, "The file storage cannot be used as it is set up")
    STORAGE_FULL = ("storage_full", 507, "The service has no room for the file")
    INTERNAL_ERROR = ("internal_error", 500, "Something went wrong on our side")

    # Uploads
    EMPTY_UPLOAD = ("empty_upload", 400, "The upload holds no bytes")
    UPLOAD_INCOMPLETE = ("upload_incomplete", 400, "The upload stopped before its end")
    MEDIA_TOO_LARGE = ("media_too_large", 413, "The media are larger than allowed")
    UNSUPPORTED_MEDIA = ("unsupported_media", 415, "The bytes are no media that can be read here")

    # Jobs
    MEDIA_UNREADABLE = ("media_unreadable", 422, "The media are damaged and cannot be decoded")
    MEDIA_TOO_LONG = ("media_too_long", 422, "The media are longer than allowed")
    MEDIA_MISSING = ("media_missing", 410, "The uploaded media are no longer there")
    ARTIFACT_GONE = ("artifact_gone", 410, "The file is no longer kept")
    NO_VIDEO_STREAM = ("no_video_stream", 422, "The media hold no picture")
    NO_FACE_FOUND = ("no_face_found", 422, "No face was found, and there is no voice to go by")
    NO_SOUND = ("no_sound", 422, "There is no sound to go by")
    LOW_FACE_QUALITY = ("low_face_quality", 422, "The face is too poorly seen to score")
    ANALYZER_UNAVAILABLE = ("analyzer_unavailable", 422, "The chosen face analyzer is not installed here")
    MODEL_UNAVAILABLE = ("model_unavailable", 422, "The chosen model is not installed here")
    WEBHOOKS_OFF = ("webhooks_off", 422, "Webhooks are not set up here")
    WEBHOOK_REFUSED = ("webhook_refused", 422, "Webhooks are not sent to this address")
    INVALID_WEIGHTS = ("invalid_weights", 422, "The weights are damaged, or another model's")
    OUT_OF_MEMORY = ("out_of_memory", 422, "Decoding the media needs more memory than allowed")
    TIMEOUT = ("timeout", 504, "The work took longer than allowed")
    WORKER_LOST = ("worker_lost", 500, "The worker died each time it tried this job")

    # Of the operator, in logs and on the command line only
    INVALID_SETTINGS = ("invalid_settings", 500, "A setting of the service is missing or not valid")

    # Training, on the command line only
    INVALID_DATASET = ("invalid_dataset", 422, "The folder does not hold the data set that was named")
    INVALID_RECIPE = ("invalid_recipe", 422, "The recipe asks for what cannot be done")
    TRAINING_FAILED = ("training_failed", 422, "The training stopped before its end")

    def __init__(self, code: str, status: int, title: str) -> None:
        """Unpack the member's value into named attributes."""
        self.code = code
        self.status = status
        self.title = title

    @classmethod
    def of(cls, code: str) -> ErrorCode:
        """Return the member whose stable code is ``code``; ``INTERNAL_ERROR`` if there is none."""
        return next((member for member in cls if member.code == code), cls.INTERNAL_ERROR)


class WarningCode(Enum):
    """What a reader of a result should know: stable code and sentence."""

    UNTRAINED_MODEL = ("untrained_model", "The model has not been trained: its numbers mean nothing.")
    AFFECT_FROM_CLASSES = (
        "affect_from_classes",
        "Valence and arousal follow from the emotion: the model learned them from constants of each class.",
    )
    AFFECT_UNTRAINED = (
        "affect_untrained",
        "The model has not learned valence and arousal: these two numbers mean nothing.",
    )
    NO_FACE = ("no_face", "No face was found; the result comes from the voice alone.")
    FACE_PARTLY = ("face_partly", "A face was found in only a part of the clip.")
    SEVERAL_FACES = ("several_faces", "More than one face was seen; the largest was followed.")
    LOW_FACE_QUALITY = (
        "low_face_quality",
        "The face is poorly seen: usable in less than half of the frames, or lying on its side.",
    )
    FACES_CUT_SHORT = ("faces_cut_short", "The face analyzer stopped before the end of the picture.")
    OPENFACE_LESSER_LANDMARKS = (
        "openface_lesser_landmarks",
        "OpenFace's large landmark models are missing; its smaller ones were used.",
    )
    SMALL_PICTURE = ("small_picture", "The picture is very small; faces are poorly seen.")
    NO_SOUND_STREAM = ("no_sound_stream", "The clip has no sound; the result comes from the face alone.")
    SILENT_SOUND = ("silent_sound", "The sound is silent; the result comes from the face alone.")
    LOW_SAMPLE_RATE = ("low_sample_rate", "The sound holds nothing above 4 kHz (8 kHz recording).")
    MEDIA_TRUNCATED = ("media_truncated", "The file ends early; only what could be decoded was scored.")
    DURATION_CORRECTED = (
        "duration_corrected",
        "The file's header states a wrong duration; the true one was used.",
    )
    DURATIONS_DIFFER = ("durations_differ", "Video and audio differ in length; the video's length was used.")
    SHORT_CLIP = ("short_clip", "The clip is shorter than one window; its frames were repeated.")

    def __init__(self, code: str, message: str) -> None:
        """Unpack the member's value into named attributes."""
        self.code = code
        self.message = message


class AvemotionError(Exception):
    """A failure with a stable code and a sentence that helps; trying again would not."""

    def __init__(self, code: ErrorCode, message: str | None = None) -> None:
        """Keep the code and the sentence; the code's title serves where no sentence is given."""
        self.code = code
        self.message = message or code.title + "."
        super().__init__(self.message)

    def __reduce__(self) -> tuple[type[AvemotionError], tuple[ErrorCode, str]]:
        """Let the error cross a process border."""
        return type(self), (self.code, self.message)


class TransientError(Exception):
    """A failure that may pass (storage, database, memory): the stage is tried again."""
