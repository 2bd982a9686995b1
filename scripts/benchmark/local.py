"""Rows that need no registry, or only to have one: start, save, memory, sizes."""

import re
import shutil

import charts
from peers import Ours, TITLES
from report import Figure
from stopwatch import Contestant

MIB = 1 << 20


def start(world):
    environment = world.home("start")
    contestants = [Contestant("ours", lambda run: [world.ours("helm-chart-list")], environment=environment)]
    for name in TITLES:
        words = ["--version"] if name == "skopeo" else ["version"]
        contestants.append(world.contestant(TITLES[name], world.tool(name), lambda run, words=words: words, environment=environment))
    found = world.contest(contestants, 30)
    ours = found.pop("ours")
    physical = f"a process that does nothing: {world.machine.process * 1e6:.0f} µs"
    instructions = count_instructions(world, world.ours("helm-chart-list"), environment)
    figures = []
    for title, reading in found.items():
        times, limit = (30, 0.002) if title == TITLES["helm"] else (None, None)
        figures.append(Figure.timed("start", "start", ours, f"{title} version", reading, times, limit, physical))
        figures.append(Figure("start", "start, memory", "B", ours.memory, f"{title} version", reading.memory))
    figures.append(Figure("start", "start, memory", "B", ours.memory, limit=4 * MIB))
    if instructions:
        figures.append(Figure("start", "start, instructions", "", instructions))
    return figures


def count_instructions(world, *command):
    """As callgrind counts them; nothing where there is none."""
    *command, environment = command
    if shutil.which("valgrind") is None:
        return None
    out = world.scratch / "callgrind"
    world.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *command], environment)
    found = re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.MULTILINE)
    return int(found[1]) if found else None


def save(world):
    """A chart of very many files, and the largest real one."""
    largest = max(world.corpus, key=lambda chart: chart.size, default=None)
    return [figure for chart in (world.large, largest) if chart for figure in save_one(world, chart)]


def save_one(world, chart):
    """Cold is a cache that is empty, unchanged one that has just this."""
    machine = world.machine
    environments = {name: world.home(name) for name in ("ours", "again", "helm36")}
    reference = f"localhost:5000/bench/{chart.name}:{chart.version}"

    def empty(name, variable):
        """A cache that is not there yet. To remove the last one is no empty one: ext4 without a journal looks for room
        around what was removed in the last minutes."""

        def prepare(run):
            environments[name][variable] = str(world.directory("cache") / "new")

        return prepare

    ours = [world.ours("helm-chart-save"), chart.directory, reference]
    world.run(ours, environments["again"])
    helm36 = world.contestant(
        TITLES["helm36"],
        world.tool("helm36"),
        lambda run: ["chart", "save", chart.directory, reference],
        prepare=empty("helm36", "HELM_CACHE_HOME"),
        environment=environments["helm36"],
    )
    found = world.contest(
        [
            Contestant("ours", lambda run: ours, empty("ours", "HELM_HOME"), environments["ours"]),
            Contestant("again", lambda run: ours, environment=environments["again"]),
            helm36,
        ],
        7,
    )
    evenly = found["ours"].cpu / machine.cores
    cold = f"what it computes, evenly on {machine.cores} cores: {evenly * 1e3:.0f} ms"
    again, theirs = f"sha256 of the files {chart.size / machine.sha256 * 1e3:.0f} ms", found.get(TITLES["helm36"])
    return [
        Figure.timed("save", f"save {chart.size / 1e6:.1f} MB, {chart.files} files", found["ours"], TITLES["helm36"], theirs, 5, physical=cold),
        Figure.timed("save", f"save {chart.size / 1e6:.1f} MB again, unchanged", found["again"], TITLES["helm36"], theirs, physical=again),
    ]


def memory(world):
    """The peak of each command, for a chart of 9 MiB and for one of 90."""
    peaks = {}
    for mebibytes in (9, 90):
        chart = charts.sized(mebibytes, world.scratch)
        peaks |= {(name, mebibytes): peak for name, peak in peaks_of(world, chart).items()}
        shutil.rmtree(chart.directory)
    demanding = peaks_of(world, charts.demanding(world.scratch))
    return [
        Figure(
            "memory",
            f"{name} of a {mebibytes} MiB chart, memory",
            "B",
            peaks[name, mebibytes],
            "the same of 9 MiB" if mebibytes == 90 else "",
            peaks[name, 9] if mebibytes == 90 else None,
            limit=16 * MIB,
        )
        for name in ("save", "push", "pull", "export")
        for mebibytes in (9, 90)
    ] + [
        # As README promises.
        Figure("memory", f"{name} of the largest documents, memory", "B", demanding[name], limit=32 * MIB)
        for name in ("save", "push", "pull", "export")
    ]


def peaks_of(world, chart):
    host = (world.registry or world.embedded).address
    ours = Ours(world, chart, host)
    reference, away = ours.reference(0), world.home("away")
    steps = {
        "save": ([world.ours("helm-chart-save"), chart.directory, reference], ours.environment),
        "push": ([world.ours("helm-chart-push"), reference], ours.environment),
        "pull": ([world.ours("helm-chart-pull"), reference], away),
        "export": ([world.ours("helm-chart-export"), reference, "-d", world.directory()], away),
    }
    return {name: world.run(command, environment).memory for name, (command, environment) in steps.items()}


def sizes(world):
    # As scripts/sizes has them.
    with_network = {f"helm-chart-{name}" for name in ("push", "pull", "copy", "get", "fsck", "remote")}
    with_network |= {"helm-registry-login", "helm-registry-status", "docker-credential-helm-oci"}
    figures = []
    for source in sorted((world.root / "bin").glob("*.rs")):
        limit = 4 * MIB if source.stem in with_network else MIB
        # The registry is a server: it has made no promise.
        limit = None if source.stem == "helm-registry-serve" else limit
        size = world.ours(source.stem).stat().st_size
        figures.append(Figure("sizes", f"size of {source.stem}", "B", size, limit=limit))
    return figures
