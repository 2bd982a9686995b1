"""Rows about bundles: charts into one file, and out of it."""

import hashlib
import subprocess
import tarfile

from report import Figure
from stopwatch import Contestant

MIB = 1 << 20
VERSIONS = 300


def bundles(world):
    """All real charts, beside tar with the same blobs; and one new version beside 300 old ones."""
    if not world.corpus:
        return []
    environment = world.home("bundles")
    references = []
    for chart in world.corpus:
        references.append(f"localhost:1/stable/{chart.name}:{chart.version.replace('+', '_')}")
        world.run([world.ours("helm-chart-save"), "-q", chart.directory, references[-1]], environment)
    at = world.directory()
    bundle = lambda to, *more: [world.ours("helm-chart-bundle"), "-q", "--offline", *more, *references, "-o", to]
    world.run(bundle(at / "charts.tar"), environment)
    layout = at / "layout"
    with tarfile.open(at / "charts.tar") as tar:
        tar.extractall(layout, filter="data")
    size = (at / "charts.tar").stat().st_size

    def pipe(run):
        words = " ".join(str(word) for word in bundle("-"))
        return ["/bin/sh", "-c", f"{words} | cat >{at}/piped.tar"]

    def fresh(run):
        into[run] = world.home(f"load-{run}")

    into = {}
    load = Contestant("load", lambda run: ["/usr/bin/env", f"HELM_HOME={into[run]['HELM_HOME']}", world.ours("helm-chart-load"), "-q", at / "charts.tar"], fresh, environment)
    found = world.contest(
        [
            Contestant("bundle", lambda run: bundle(at / f"run-{run}.tar"), environment=environment),
            Contestant("pipe", pipe, environment=environment),
            Contestant("tar", lambda run: ["tar", "-cf", at / f"tar-{run}.tar", "-C", layout, "."], environment=environment),
            load,
        ],
        9,
    )
    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in [*at.glob("run-*.tar"), at / "charts.tar", at / "piped.tar"]}
    what = f"bundle of {len(references)} charts, {size / MIB:.1f} MiB"
    figures = [
        # Every byte is hashed twice: as a part of its blob, and as a part of the file.
        Figure.timed("bundles", what, found["bundle"], "tar -c of the same", found["tar"], physical=f"sha256 {2 * size / world.machine.sha256 * 1e3:.0f} ms"),
        Figure.timed("bundles", f"{what}, by a pipe", found["pipe"], "tar -c of the same", found["tar"]),
        Figure.timed("bundles", f"load of {len(references)} charts", found["load"], "tar -c of the same", found["tar"]),
        Figure("bundles", f"{what}, different files", "", len(digests), limit=1),
    ]
    figures += [Figure("bundles", f"{name}, memory", "B", found[name].memory, limit=16 * MIB) for name in ("bundle", "load")]
    return figures + delta(world)


def delta(world):
    """What one new version in 300 takes."""
    environment, chart = world.home("delta"), world.small
    reference = lambda number: f"localhost:1/versions/{chart.name}:1.0.{number}"
    for number in range(VERSIONS + 1):
        words = ["--version", f"1.0.{number}", "-q", chart.directory, reference(number)]
        world.run([world.ours("helm-chart-save"), *words], environment)
    at = world.directory()
    bundle = lambda count, *more: [world.ours("helm-chart-bundle"), "-q", "--offline", *map(reference, range(count)), *more]
    world.run(bundle(VERSIONS, "-o", at / "old.tar"), environment)
    world.run(bundle(VERSIONS + 1, "--since", at / "old.tar", "-o", at / "delta.tar"), environment)
    with tarfile.open(at / "delta.tar") as tar:
        names = tar.getnames()
    full = (at / "old.tar").stat().st_size
    return [
        # The manifest, the config and the package; and what makes a layout of them.
        Figure("bundles", f"delta of one version in {VERSIONS}, files", "", len(names), limit=5),
        Figure("bundles", f"delta of one version in {VERSIONS}", "B", (at / "delta.tar").stat().st_size, "all of them", full),
    ]
