"""Rows between two registries: one chart, and all versions of one, beside those that copy as well.

Both sides are docker-registry, which logs its requests, each with its own data. Nothing is attached: the others differ in what
of that they take along."""

from pathlib import Path

import charts
import registries
from proxy import Proxy
from report import Figure
from stopwatch import Contestant

MIB = 1 << 20
# A goal of its own: what a copy of many may ask both sides, see `requests`.
CHARTS = 500
# What the goal is about, and one that is long beside everything that is not waiting. Many charts take thousands of requests.
ONE, MANY = (0.05, 0.25), (0.005, 0.015)


class Copies:
    """The source with a repository of one version and one of many, and the destination."""

    def __init__(self, world, count):
        self.world, self.count, self.source = world, count, world.registry
        program = world.tool("docker-registry")
        at = Path(world.served.name) / f"target-{next(world.numbers)}"
        at.mkdir()
        self.target = registries.docker_registry(program, at, world.home("target"))
        world.servers.append(self.target)
        self.series = f"copies-{next(world.numbers)}"
        self.fill()

    def fill(self):
        environment, chart = self.world.home("copies"), self.world.small
        versions = [f"1.0.{number}" for number in range(self.count)]
        names = [f"{self.source.address}/{self.series}/many:{version}" for version in versions]
        for version, name in zip(versions, names):
            self.world.run([self.world.ours("helm-chart-save"), chart.directory, name, "--version", version], environment)
        self.world.run([self.world.ours("helm-chart-push"), *names], environment)
        one = f"{self.source.address}/{self.series}/one:{chart.version}"
        self.world.run([self.world.ours("helm-chart-save"), chart.directory, one], environment)
        self.world.run([self.world.ours("helm-chart-push"), one], environment)

    def counted(self, contestant, run):
        """How many requests each side was asked, and how long that took."""
        before = self.source.requests(), self.target.requests()
        reading = self.world.run(contestant.command(run), contestant.environment)
        return (self.source.requests() - before[0], self.target.requests() - before[1]), reading

    def contestants(self, many, source=None, target=None):
        """All who are there, with a repository of its own for each run of each."""
        series = next(self.world.numbers)
        repository = f"{source or self.source.address}/{self.series}/{'many' if many else 'one'}"
        reference = f"{repository}:{self.world.small.version}"
        place = f"{target or self.target.address}/{self.series}-{series}"
        secure = ["--src-tls-verify=false", "--dest-tls-verify=false"]
        layout = self.world.directory()

        def ours(run):
            program = self.world.ours("helm-chart-copy")
            names = ["--all", repository] if many else [reference]
            return [program, *names, f"{place}/ours-{run}"]

        def crane(run):
            return ["cp", "--insecure", *(["-a"] if many else []), repository if many else reference, f"{place}/crane-{run}"]

        def skopeo(run):
            if many:
                return ["sync", *secure, "--src", "docker", "--dest", "docker", repository, f"{place}/skopeo-{run}"]
            return ["copy", *secure, f"docker://{reference}", f"docker://{place}/skopeo-{run}:1"]

        def oras(run):
            return ["cp", "--from-plain-http", "--to-plain-http", reference, f"{place}/oras-{run}:1"]

        script = '"$0" backup --plain-http -o "$3" "$1" && "$0" restore --plain-http --input "$3" "$2"'

        def oras_many(run):
            return ["sh", "-c", script, self.world.tool("oras"), repository, f"{place}/oras-{run}", layout / f"{run}.tar"]

        others = {"crane": crane, "skopeo": skopeo, "oras": oras}
        found = [Contestant("ours", ours, environment=self.world.home("ours"))]
        for name, command in others.items():
            program, environment = self.world.tool(name), self.world.home(name)
            if program is None:
                continue
            if many and name == "oras":
                found.append(Contestant(name, oras_many, environment=environment))
            else:
                found.append(self.world.contestant(name, program, command, environment=environment))
        return found


def count_of(world):
    return 50 if world.quick else CHARTS


def copy(world):
    """Time and requests, cold and again."""
    if world.registry is None:
        return []
    copies = Copies(world, count_of(world))
    figures = []
    for many in (False, True):
        what = f"copy {copies.count} charts" if many else "copy a chart"
        contestants = copies.contestants(many)
        counted = {contestant.name: copies.counted(contestant, "counted") for contestant in contestants}
        asked = {name: requests for name, (requests, _) in counted.items()}
        # Of many, once is enough: some take half a minute.
        found = {name: reading for name, (_, reading) in counted.items()} if many else world.contest(contestants, 9)
        ours = found.pop("ours")
        for title, reading in found.items():
            figures.append(Figure.timed("copy", what, ours, title, reading, 1))
        figures.append(Figure("copy", f"{what}, memory", "B", ours.memory, limit=16 * MIB))
        # The source: the manifest, two blobs and the referrers of each; the destination: POST and PUT of two blobs, PUT of the
        # manifest. Either's tags, by a list or a HEAD.
        limits = (4 * copies.count + 1, 5 * copies.count + 1) if many else (5, 6)
        ours = asked.pop("ours")
        for side, name in enumerate(("source", "destination")):
            for title, theirs in asked.items():
                figure = Figure("copy", f"{what}, requests to the {name}", "", ours[side], title, theirs[side], limit=limits[side])
                figures.append(figure)
        if many:
            command = contestants[0].command("counted")
            again = Contestant("again", lambda run: [command[0], "--new-only", *command[1:]], environment=world.home("again"))
            for side, name in zip(copies.counted(again, 0)[0], ("source", "destination")):
                figures.append(Figure("copy", f"{what} again, requests to the {name}", "", side, limit=1))
            figures.append(Figure.timed("copy", f"{what} again", world.contest([again], 5)["again"], limit=0.5))
    return figures


def distance(world):
    """Both registries are far away: what a longer way adds, in round trips, is what had to wait for one another."""
    if world.registry is None:
        return []
    copies = Copies(world, count_of(world))
    figures = []
    for many, delays in ((False, ONE), (True, MANY)):
        found = {}
        for delay in delays:
            proxies = Proxy(copies.source.address, delay), Proxy(copies.target.address, delay)
            contestants = copies.contestants(many, *(proxy.address for proxy in proxies))
            if many:
                # Minutes each; a round trip is long beside what else may happen meanwhile.
                found[delay] = {one.name: world.run(one.command(0), one.environment) for one in contestants}
            else:
                found[delay] = world.contest(contestants, 3)
            for proxy in proxies:
                proxy.close()
        near, far = delays
        trips = {name: (found[far][name].wall - found[near][name].wall) / (far - near) for name in found[near]}
        what = f"copy {copies.count} charts" if many else "copy a chart"
        ours = round(trips.pop("ours"), 1)
        for title, theirs in trips.items():
            theirs = round(theirs, 1)
            figures.append(Figure("copy-distance", f"{what}, round trips in sequence", "", ours, title, theirs, limit=theirs - 0.5))
            reading = found[near][title]
            figures.append(Figure.timed("copy-distance", f"{what}, {near * 1e3:g} ms away", found[near]["ours"], title, reading, 1))
    return figures


def memory(world):
    """The peak for a chart of 90 MiB."""
    if world.registry is None:
        return []
    copies = Copies(world, 1)
    chart, environment = charts.sized(90, world.scratch), world.home("sized")
    source = f"{copies.source.address}/{copies.series}/sized:{chart.version}"
    world.run([world.ours("helm-chart-save"), chart.directory, source], environment)
    world.run([world.ours("helm-chart-push"), source], environment)
    command = [world.ours("helm-chart-copy"), source, f"{copies.target.address}/{copies.series}/sized"]
    peak = world.run(command, environment).memory
    return [Figure("copy-memory", "copy of a 90 MiB chart, memory", "B", peak, limit=16 * MIB)]
