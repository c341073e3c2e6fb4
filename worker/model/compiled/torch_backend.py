"""torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import torch
from numpy.typing import NDArray

from worker.model.compiled.backend import Function
from worker.model.hardware import Gpu

NAME = "torch"
Shapes = tuple[tuple[str, tuple[int, ...]], ...]


class Forward:
    """A function as an exported program, one for each number of rows.

    Exported, since Keras's own layers cost more time between two operations than a card takes for one.
    """

    def __init__(self, function: Function, variables: Sequence[keras.Variable], *, xla: bool) -> None:
        """Take the function; programs are made at the first call of each size."""
        del variables
        self._function = function
        self._compile = xla
        self._programs: dict[Shapes, Any] = {}

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """See ``Compiled``."""
        tensors = {name: keras.ops.convert_to_tensor(array) for name, array in inputs.items()}
        shapes = tuple((name, tuple(tensor.shape)) for name, tensor in sorted(tensors.items()))
        if shapes not in self._programs:
            self._programs[shapes] = self._make_program(tensors)
        with torch.inference_mode():
            found = self._programs[shapes](tensors)
        return {name: output.cpu().numpy() for name, output in found.items()}

    @property
    def traces(self) -> int:
        """See ``Compiled``."""
        return len(self._programs)

    @torch.no_grad()  # type: ignore[untyped-decorator]  # checked as if torch were not here
    def _make_program(self, tensors: dict[str, Any]) -> Any:
        function = self._function

        class Module(torch.nn.Module):  # type: ignore[misc]  # checked as if torch were not here
            def forward(self, tensors: dict[str, Any]) -> dict[str, Any]:
                return {name: keras.ops.cast(output, "float32") for name, output in function(tensors).items()}

        program = torch.export.export(Module(), (tensors,), strict=False).module()
        return torch.compile(program) if self._compile else program


def limit_threads(threads: int) -> None:
    """See ``Backend``."""
    torch.set_num_threads(threads)
    if torch.get_num_interop_threads() != 1:
        torch.set_num_interop_threads(1)


def find_gpu() -> Gpu | None:
    """See ``Backend``."""
    if not torch.cuda.is_available():
        return None
    return Gpu(has_bfloat16=bool(torch.cuda.is_bf16_supported(including_emulation=False)))
