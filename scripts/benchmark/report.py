"""The table and its JSON."""

from dataclasses import asdict, dataclass, field
from typing import Optional


@dataclass
class Figure:
    """One line: what we take, what another takes, and what was to be reached."""

    row: str
    what: str
    unit: str
    ours: float
    peer: str = ""
    theirs: Optional[float] = None
    # At least so many times less than the peer.
    times: Optional[float] = None
    # At most so much.
    limit: Optional[float] = None
    # What the hardware would need, and what it takes at least, whoever does it.
    physical: str = ""
    least: Optional[float] = None
    notes: dict = field(default_factory=dict)
    # Seconds of the processor, which a busy machine distorts less.
    cpu: Optional[float] = None
    their_cpu: Optional[float] = None

    @staticmethod
    def timed(row, what, ours, peer="", theirs=None, times=None, limit=None, physical="", least=None, notes=None):
        """Of two readings."""
        wall, cpu = (theirs.wall, theirs.cpu) if theirs else (None, None)
        return Figure(row, what, "s", ours.wall, peer, wall, times, limit, physical, least, notes or {}, ours.cpu, cpu)

    @property
    def cpu_ratio(self):
        return None if self.cpu is None or self.their_cpu is None else self.their_cpu / max(self.cpu, 1e-3)

    @property
    def ratio(self):
        return None if self.theirs is None else self.theirs / max(self.ours, 1e-9)

    @property
    def at_most(self):
        """How many times less than the peer anybody could need."""
        return None if self.theirs is None or not self.least else self.theirs / self.least

    @property
    def verdict(self):
        if self.met is None:
            return ""
        beyond = self.times is not None and self.at_most is not None and self.at_most < self.times
        return "ok" if self.met else f"out of reach: {self.at_most:.1f}x" if beyond else "MISSED"

    @property
    def met(self):
        if self.times is None and self.limit is None:
            return None
        fast = self.times is None or (self.ratio is not None and self.ratio >= self.times)
        return fast and (self.limit is None or self.ours <= self.limit)


def shown(value, unit):
    if value is None:
        return ""
    if unit == "s":
        return f"{value * 1e6:.0f} µs" if value < 1e-3 else f"{value * 1e3:.1f} ms" if value < 1 else f"{value:.2f} s"
    if unit == "B":
        return f"{value:.0f} B" if value < 10_000 else f"{value / 1024:.0f} KiB" if value < 1 << 20 else f"{value / (1 << 20):.2f} MiB"
    return f"{value:g}"


def goal(figure):
    parts = [f"{figure.times:g}x"] if figure.times is not None else []
    parts += [f"≤ {shown(figure.limit, figure.unit)}"] if figure.limit is not None else []
    return ", ".join(parts)


HEADINGS = ["what", "ours", "against", "theirs", "ratio", "goal", "", "CPU ratio", "physical limit"]


def table(figures):
    lines = [HEADINGS]
    for figure in figures:
        ratio, cpu = ("" if value is None else f"{value:.1f}" for value in (figure.ratio, figure.cpu_ratio))
        ours, theirs = shown(figure.ours, figure.unit), shown(figure.theirs, figure.unit)
        lines.append([figure.what, ours, figure.peer, theirs, ratio, goal(figure), figure.verdict, cpu, figure.physical])
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    # Numbers stand to the right.
    right = {1, 3, 4, 7}
    pad = lambda text, column: text.rjust(widths[column]) if column in right else text.ljust(widths[column])
    return "\n".join("  ".join(pad(text, column) for column, text in enumerate(line)).rstrip() for line in lines)


def document(machine, absent, failed, figures):
    rows = [asdict(figure) | {"ratio": figure.ratio, "cpu_ratio": figure.cpu_ratio, "met": figure.met, "verdict": figure.verdict} for figure in figures]
    return {"machine": machine, "absent": absent, "failed": failed, "figures": rows}
