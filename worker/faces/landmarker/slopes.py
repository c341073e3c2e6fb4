"""A TFLite model with the slopes of its activations laid out as XNNPACK applies them fastest.

A PReLU has one slope a channel. XNNPACK takes pixel after pixel through it, which for the 16 channels of
a large picture is mostly overhead; with the slopes repeated along a row it takes row after row. The
numbers stay the same, bit by bit; the landmark model takes about a tenth less time.
"""

from __future__ import annotations

from typing import Any, Final

import flatbuffers  # type: ignore[import-untyped]  # it ships no types
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

_FILE_ID: Final = b"TFL3"
# Narrower pictures have so many channels, and so few rows, that there is nothing to gain.
_LEAST_WIDTH: Final = 16


def repeat_slopes(model: bytes) -> bytes:
    """Return a model that computes the same, its PReLUs' slopes repeated along the rows of their pictures."""
    parsed = schema.ModelT.InitFromPackedBuf(model, 0)
    (graph,) = parsed.subgraphs
    made_by = {operator.outputs[0]: operator for operator in graph.operators}
    for operator in graph.operators:
        if _kind(parsed, operator) != schema.BuiltinOperator.PRELU:
            continue
        picture, slopes = operator.inputs
        width, channels = (int(size) for size in graph.tensors[picture].shape[2:])
        source = made_by.get(slopes)
        if source is not None and _kind(parsed, source) == schema.BuiltinOperator.DEQUANTIZE:
            slopes = source.inputs[0]
        known = _constant(parsed, graph.tensors[slopes])
        if width >= _LEAST_WIDTH and known is not None and known.size == channels:
            row = np.tile(known.astype(np.float32), (1, width, 1)).reshape(1, width, channels)
            operator.inputs = np.array([picture, _add(parsed, row)], dtype=np.int32)
    builder = flatbuffers.Builder(len(model))
    builder.Finish(parsed.Pack(builder), _FILE_ID)
    return bytes(builder.Output())


def _kind(model: Any, operator: Any) -> int:
    code = model.operatorCodes[operator.opcodeIndex]
    # Small numbers may stand in the older of two fields.
    return int(max(code.builtinCode, code.deprecatedBuiltinCode))


def _constant(model: Any, tensor: Any) -> NDArray[np.floating] | None:
    """Return the numbers of a tensor that is part of the model; None of one that is computed."""
    data = model.buffers[tensor.buffer].data
    if data is None or not len(data):
        return None
    half = tensor.type == schema.TensorType.FLOAT16
    return np.frombuffer(bytes(data), np.float16 if half else np.float32)


def _add(model: Any, values: NDArray[np.float32]) -> int:
    """Make numbers part of the model; return the index of their tensor."""
    buffer, tensor = schema.BufferT(), schema.TensorT()
    buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    model.buffers.append(buffer)
    tensors = model.subgraphs[0].tensors
    tensor.shape, tensor.type = list(values.shape), schema.TensorType.FLOAT32
    tensor.buffer, tensor.name = len(model.buffers) - 1, b"slopes"
    tensors.append(tensor)
    return len(tensors) - 1
