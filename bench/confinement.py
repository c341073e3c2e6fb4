"""What confining a decoder costs each time that one is started.

Usage: python -m bench.confinement [--rounds 200]

In turn, with limits on numbers alone and with the whole confinement: FFmpeg is started and says its version,
and a forked child confines itself. Printed are medians of processor time, and what a clip pays: one probe,
and one decoder for the picture and one for the sound.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import struct
import subprocess
import time
from collections.abc import Callable

import imageio_ffmpeg

from worker.media.confinement import Reach, confine_this_process
from worker.media.libraries import reach_of
from worker.media.limits import limit_this_process
from worker.media.sandbox import MIB

TIME_LIMIT_S = 30.0
MEMORY_MB = 1024
DECODERS = 2


def start_ffmpeg(prepare: Callable[[], object]) -> None:
    """Start FFmpeg as the decoder does, and wait for its end."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-version"]
    subprocess.run(
        command, capture_output=True, check=True, env={}, start_new_session=True, preexec_fn=prepare
    )


def spent_ms(work: Callable[[], object]) -> float:
    """Return the processor time of a piece of work, and of the processes that it starts and waits for."""
    before = _processor_s()
    work()
    return (_processor_s() - before) * 1000


def _processor_s() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    rounds = parser.parse_args().rounds
    reach = reach_of(imageio_ffmpeg.get_ffmpeg_exe(), "-version")

    def limited() -> None:
        limit_this_process(MEMORY_MB * MIB, TIME_LIMIT_S)

    def confined() -> None:
        confine_this_process(reach, memory_bytes=MEMORY_MB * MIB, time_limit_s=TIME_LIMIT_S)

    def confine_in_child() -> float:
        started = time.process_time()
        confine_this_process(Reach(), memory_bytes=MEMORY_MB * MIB, time_limit_s=TIME_LIMIT_S)
        return (time.process_time() - started) * 1000

    plain_ms, confined_ms, child_ms = [], [], []
    for _ in range(rounds):
        plain_ms.append(spent_ms(lambda: start_ffmpeg(limited)))
        confined_ms.append(spent_ms(lambda: start_ffmpeg(confined)))
        child_ms.append(in_child_ms(confine_in_child))
    plain, confined_, child = (statistics.median(times) for times in (plain_ms, confined_ms, child_ms))
    print(f"FFmpeg's start, {rounds} times: {plain:.2f} ms with limits alone, {confined_:.2f} ms confined")
    print(f"confining the probe's child: {child:.2f} ms")
    print(f"a clip: {DECODERS * (confined_ - plain) + child:.2f} ms more for {DECODERS} decoders and a probe")


def in_child_ms(work: Callable[[], float]) -> float:
    """Return what a forked child says of the time it spent."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, struct.pack("d", work()))
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with open(reading, "rb") as said:  # noqa: PTH123 - no path
        took_ms: float = struct.unpack("d", said.read())[0]
    return took_ms


if __name__ == "__main__":
    main()
