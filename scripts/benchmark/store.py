"""What a cache of many references costs the commands that use one of them."""

import hashlib
import os
import shutil
from pathlib import Path

from peers import Ours
from report import Figure
from stopwatch import Contestant

COUNT = 5_000


def references(world):
    chart, host = world.small, (world.registry or world.embedded).address
    full, empty = Ours(world, chart, host), Ours(world, chart, host)
    fill(Path(full.environment["HELM_HOME"]) / "registry", COUNT)

    def step(ours, name):
        reference = lambda run: f"{host}/{ours.series}/{name}-{run}:1.0.0"
        into = world.directory()
        pulled = f"{host}/pulled-{ours.series}/{chart.name}:1.0.0"
        commands = {
            "save": lambda run: ["helm-chart-save", chart.directory, reference(run)],
            "push": lambda run: ["helm-chart-push", reference(run)],
            "pull": lambda run: ["helm-chart-pull", f"{host}/source/{chart.name}-{run}:1.0.0"],
            "export": lambda run: ["helm-chart-export", ours.base, "-d", into / str(run)],
            "list": lambda run: ["helm-chart-list"],
            "remove": lambda run: ["helm-chart-remove", reference(run)],
        }

        def prepare(run):
            if name in ("push", "remove"):
                world.run([world.ours("helm-chart-tag"), ours.base, reference(run)], ours.environment)
            if name == "pull" and ours is full:
                # For both: each pulls it into its own cache.
                source = f"{host}/source/{chart.name}-{run}:1.0.0"
                world.run([world.ours("helm-chart-tag"), other.base, source], other.environment)
                world.run([world.ours("helm-chart-push"), source], other.environment)

        def command(run):
            program, *words = commands[name](run)
            return [world.ours(program), *words]

        return Contestant("full" if ours is full else "empty", command, prepare, ours.environment)

    other = Ours(world, chart, host)
    figures = []
    limits = {"list": 0.3, "remove": 0.1}
    for name in ("save", "push", "pull", "export", "list", "remove"):
        found = world.contest([step(full, name), step(empty, name)], 9)
        # The same within noise, but for those that look at all of them.
        times, limit = (None, limits[name]) if name in limits else (0.8, None)
        what = f"{name}, {COUNT} references in the cache"
        figures.append(
            Figure.timed("references", what, found["full"], "the same on an empty cache", found["empty"], times, limit)
        )
        if name in ("save", "push", "pull", "export"):
            # Without noise.
            calls = {}
            for contestant in (step(full, name), step(empty, name)):
                contestant.prepare("calls")
                calls[contestant.name] = world.calls(contestant.command("calls"), contestant.environment)
            if all(calls.values()):
                figures.append(
                    Figure(
                        "references",
                        f"{name}, {COUNT} references, system calls",
                        "",
                        calls["full"],
                        "the same on an empty cache",
                        calls["empty"],
                        limit=round(calls["empty"] * 1.1),
                    )
                )
    return figures


def prune(world):
    """prune beside list, which reads as much: where nothing goes, and where everything does."""
    homes = {name: world.home(f"prune-{name}") for name in ("list", "look", "all")}
    source = world.directory("many") / "registry"
    fill(source, COUNT)

    def copied(name):
        root = Path(homes[name]["HELM_HOME"]) / "registry"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(source, root, symlinks=True)

    for name in homes:
        copied(name)
    commands = {
        "list": ["helm-chart-list"],
        "look": ["helm-chart-prune", "-f", "--unpushed", "--older-than", "3650d"],
        "all": ["helm-chart-prune", "-f", "--unpushed", "--all"],
    }

    def contestant(name):
        program, *words = commands[name]
        prepare = (lambda run: copied(name)) if name == "all" else (lambda run: None)
        return Contestant(name, lambda run: [world.ours(program), *words], prepare, homes[name])

    found = world.contest([contestant(name) for name in homes], 9)
    return [
        Figure.timed("prune", f"prune of {COUNT} references, {what}", found[name], "list of the same", found["list"], times)
        # Under the exclusive lock, and with the blobs that lie beside: twice is what it may take. What goes is four names each.
        for name, what, times in (("look", "none goes", 0.5), ("all", "all go", None))
    ]


def fill(root, count):
    """Puts entries into a cache as they are after a save, each with blobs of its own."""

    def blob(content):
        name = hashlib.sha256(content).hexdigest()
        path = root / "blobs/sha256" / name
        path.write_bytes(content)
        path.chmod(0o444)
        return f"blobs/sha256/{name}"

    (root / "blobs/sha256").mkdir(parents=True, exist_ok=True)
    for number in range(count):
        name, version = f"chart-{number // 20}", f"1.0.{number % 20}"
        versions, tags = root / "charts" / name / "versions", root / "refs/example.com/many" / name / "tags"
        inside = tags / f".{version}.{number:x}-0-0"
        versions.mkdir(parents=True, exist_ok=True)
        (versions / version).write_text("-")
        inside.mkdir(parents=True)
        up = "../" * len(inside.relative_to(root).parts)
        links = {
            "chart": f"charts/{name}/versions/{version}",
            "content": blob(f"content {number}".encode()),
            "meta": blob(f"meta {number}".encode()),
        }
        for link, target in links.items():
            os.symlink(up + target, inside / link)
        os.symlink(inside.name, tags / version)
