"""How the others push and pull the same chart. One that is not there is left out, and named at the end.

Every contestant has a repository of its own for each run, so that a cold push is cold; and a home of its own."""

from stopwatch import Contestant

NAMES = ["helm", "helm36", "oras", "crane", "skopeo"]
TITLES = {"helm": "helm 3.10", "helm36": "helm 3.6", "oras": "oras", "crane": "crane", "skopeo": "skopeo"}


def packaged(world, chart, environment):
    """What Helm makes of a chart's directory."""
    into = world.directory()
    world.run([world.tool("helm"), "package", chart.directory, "-d", into], environment)
    (package,) = into.glob("*.tgz")
    return package


def absent(world):
    return [name for name in [*NAMES, "docker-registry", "strace"] if world.tool(name) is None]


class Peer:
    """One program with a chart in its own form. `push` and `pull` are contestants; a push has come before a pull."""

    def __init__(self, world, chart, host):
        self.world, self.chart, self.host = world, chart, host
        self.environment = world.home(self.name)
        self.series = f"{self.name}-{next(world.numbers)}"
        self.setup()

    def setup(self):
        """Brings the chart into the form that this program pushes."""

    def reference(self, run):
        return f"{self.host}/{self.series}/{run}/{self.chart.name}:{self.chart.version}"

    def fresh(self, run):
        """What a push of a new reference needs first."""

    def forget(self, run):
        """Makes the next pull a cold one."""

    def ask(self, *words):
        return [self.program, *words]

    def contestant(self, command, prepare=lambda run: None):
        return Contestant(self.title, command, prepare, self.environment)

    def push_cold(self):
        return self.contestant(lambda run: self.push(self.reference(run)), self.fresh)

    def push_again(self):
        return self.contestant(lambda run: self.push(self.reference(1)))

    def pull_cold(self):
        return self.contestant(lambda run: self.pull(self.reference(1)), self.forget)

    def pull_again(self):
        return self.contestant(lambda run: self.pull(self.reference(1)))


class Ours(Peer):
    name, title = "ours", "ours"

    def setup(self):
        self.base = f"{self.host}/{self.series}/base:{self.chart.version}"
        self.world.run([self.world.ours("helm-chart-save"), self.chart.directory, self.base], self.environment)

    def fresh(self, run):
        self.world.run([self.world.ours("helm-chart-tag"), self.base, self.reference(run)], self.environment)

    def push(self, reference):
        return [self.world.ours("helm-chart-push"), reference]

    def forget(self, run):
        self.environment["HELM_HOME"] = f"{self.environment['HOME']}/cold-{next(self.world.numbers)}"

    def pull(self, reference):
        return [self.world.ours("helm-chart-pull"), reference]


class Helm(Peer):
    """Helm 3.8 and later: a package goes in and a package comes out. It has no cache."""

    name, title = "helm", TITLES["helm"]

    def setup(self):
        self.package = packaged(self.world, self.chart, self.environment)
        self.program, self.into = self.world.tool(self.name), self.world.directory()

    def push(self, reference):
        return self.ask("push", self.package, "oci://" + reference.rsplit("/", 1)[0])

    def pull(self, reference):
        name, version = reference.rsplit(":", 1)
        return self.ask("pull", "oci://" + name, "--version", version, "-d", self.into)


class Helm36(Peer):
    """The last generation with a cache."""

    name, title = "helm36", TITLES["helm36"]

    def setup(self):
        self.program = self.world.tool(self.name)

    def fresh(self, run):
        self.world.run(self.ask("chart", "save", self.chart.directory, self.reference(run)), self.environment)

    def push(self, reference):
        return self.ask("chart", "push", reference)

    def forget(self, run):
        self.environment["HELM_CACHE_HOME"] = f"{self.environment['HOME']}/cold-{next(self.world.numbers)}"

    def pull(self, reference):
        return self.ask("chart", "pull", reference)


class Layout(Peer):
    """One that copies between registries and directories in the OCI image layout."""

    def setup(self):
        first = Helm(self.world, self.chart, self.host)
        self.world.run(first.push(first.reference("layout")), first.environment)
        self.layout, self.into = self.world.directory() / "layout", self.world.directory()
        source = "docker://" + first.reference("layout")
        copy = [self.world.tool("skopeo"), "copy", "--src-tls-verify=false", source, f"oci:{self.layout}:chart"]
        self.world.run(copy, self.environment)
        self.program = self.world.tool(self.name)


class Skopeo(Layout):
    name, title = "skopeo", TITLES["skopeo"]

    def push(self, reference):
        return self.ask("copy", "--dest-tls-verify=false", f"oci:{self.layout}:chart", "docker://" + reference)

    def pull(self, reference):
        return self.ask("copy", "--src-tls-verify=false", "docker://" + reference, f"oci:{self.into / 'pulled'}:chart")

    def forget(self, run):
        self.into = self.world.directory()


class Oras(Layout):
    """Its own `pull` passes over layers without a title, as a chart's are; `copy` stores the whole artefact."""

    name, title = "oras", TITLES["oras"]

    def push(self, reference):
        return self.ask("copy", "--from-oci-layout", f"{self.layout}:chart", "--to-plain-http", reference)

    def pull(self, reference):
        into = f"{self.into / 'pulled'}:chart"
        return self.ask("copy", "--from-plain-http", reference, "--to-oci-layout", into)

    def forget(self, run):
        self.into = self.world.directory()


class Crane(Layout):
    name, title = "crane", TITLES["crane"]

    def push(self, reference):
        return self.ask("push", "--insecure", self.layout, reference)

    def pull(self, reference):
        return self.ask("pull", "--insecure", "--format=oci", reference, self.into / "pulled")

    def forget(self, run):
        self.into = self.world.directory()


def helms(world, chart, host):
    """Us, and the Helms that are there."""
    return [peer(world, chart, host) for peer in [Ours, Helm, Helm36] if peer is Ours or world.tool(peer.name)]


def everybody(world, chart, host):
    """Us, and all who are there."""
    others = [peer for peer in (Helm, Helm36, Oras, Crane, Skopeo) if world.tool(peer.name)]
    return [peer(world, chart, host) for peer in [Ours, *others] if peer is not Crane or world.tool("skopeo")]
