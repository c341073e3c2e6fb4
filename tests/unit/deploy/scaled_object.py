"""KEDA's ScaledObject (keda.sh/v1alpha1) as far as ours use it; nothing else may stand in one."""

from __future__ import annotations

from typing import Any


def closed(required: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    """Return the schema of an object that has these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


TEXT = {"type": "string", "minLength": 1}
COUNT = {"type": "integer", "minimum": 1}
TRIGGER = closed(
    ("type", "name", "metricType", "metadata"),
    # A broker's list does not say what waits.
    type={"const": "prometheus"},
    name=TEXT,
    metricType={"enum": ["AverageValue", "Value"]},
    # KEDA takes texts only here, numbers among them.
    metadata=closed(
        ("serverAddress", "query", "threshold"),
        serverAddress={"type": "string", "pattern": "^https?://"},
        query=TEXT,
        threshold={"type": "string", "pattern": r"^\d+$"},
        ignoreNullValues={"enum": ["true", "false"]},
    ),
)
SCALED_OBJECT = closed(
    ("apiVersion", "kind", "metadata", "spec"),
    apiVersion={"const": "keda.sh/v1alpha1"},
    kind={"const": "ScaledObject"},
    metadata=closed(("name",), name=TEXT, namespace=TEXT),
    spec=closed(
        ("scaleTargetRef", "minReplicaCount", "maxReplicaCount", "triggers"),
        scaleTargetRef=closed(("name",), name=TEXT),
        minReplicaCount=COUNT,
        maxReplicaCount=COUNT,
        pollingInterval=COUNT,
        advanced=closed(
            ("horizontalPodAutoscalerConfig",),
            horizontalPodAutoscalerConfig=closed((), behavior={"type": "object"}),
        ),
        triggers={"type": "array", "items": TRIGGER, "minItems": 2},
    ),
)
