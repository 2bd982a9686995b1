"""What a whole process takes: wall time, CPU time, peak memory. Contestants take turns, so that whatever else the
machine does meets all of them alike."""

import json
import os
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Optional


@dataclass(frozen=True)
class Reading:
    """One run, or the medians of several. Seconds and bytes."""

    wall: float
    cpu: float
    memory: int

    @staticmethod
    def median(readings):
        pick = lambda name: statistics.median(getattr(reading, name) for reading in readings)
        return Reading(pick("wall"), pick("cpu"), int(pick("memory")))


@dataclass
class Contestant:
    """A command, and what has to be there before each of its runs. Both are told the number of the run."""

    name: str
    command: Callable[[int], list]
    prepare: Callable[[int], None] = lambda run: None
    environment: dict = field(default_factory=dict)
    directory: Optional[Path] = None


@dataclass(frozen=True)
class InProcess:
    """Something that is measured without a process of its own, in its turn among the others."""

    name: str
    work: Callable[[], None]
    prepare: Callable[[int], None] = lambda run: None

    def reading(self):
        begun, computed = time.perf_counter(), time.process_time()
        self.work()
        return Reading(time.perf_counter() - begun, time.process_time() - computed, 0)


class Stopwatch:
    def __init__(self, scratch):
        self.program = scratch / "stopwatch"
        self.report = scratch / "report"
        source = Path(__file__).with_suffix(".c")
        build = ["cc", "-O2", "-o", self.program, source]
        # Static is smaller in memory. Not every system has a static libc.
        if subprocess.run(build + ["-static"], capture_output=True).returncode != 0:
            subprocess.run(build, check=True)

    def run(self, command, environment, directory=None):
        """Runs a command that has to succeed."""
        command = [str(word) for word in command]
        done = subprocess.run(
            [self.program, self.report, *command], env=environment, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True
        )
        report = json.loads(self.report.read_text())
        if done.returncode != 0 or report["code"] != 0:
            text = done.stderr.decode(errors="replace").strip()
            raise RuntimeError(f"{' '.join(command)} ended with {report['code']}: {text[-2000:]}")
        return Reading(report["wall"], report["user"] + report["system"], report["memory"])

    def contest(self, contestants, runs):
        """The medians of each contestant. The first run warms up and does not count."""
        readings = {contestant.name: [] for contestant in contestants}
        for run in range(runs + 1):
            for contestant in contestants:
                contestant.prepare(run)
            # Nobody comes always after the same one, who leaves a registry awake or not.
            first = run % len(contestants)
            for contestant in contestants[first:] + contestants[:first]:
                # Nobody is to wait for the disk because of what somebody else has left to be written.
                os.sync()
                if isinstance(contestant, InProcess):
                    reading = contestant.reading()
                else:
                    reading = self.run(contestant.command(run), contestant.environment, contestant.directory)
                if run > 0:
                    readings[contestant.name].append(reading)
        return {name: Reading.median(all_of_it) for name, all_of_it in readings.items()}
