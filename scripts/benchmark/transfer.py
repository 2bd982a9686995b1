"""Rows between a cache and a registry."""

from peers import Ours, TITLES, everybody, helms
from proxy import Proxy
from report import Figure
from stopwatch import Contestant
from wire import Wire

HELMS = {TITLES["helm"], TITLES["helm36"]}
# The commands of a contestant, with the factor by which a Helm is to be left behind; and everybody else by any.
STEPS = {
    "push cold": ("push_cold", 10, HELMS),
    "push again": ("push_again", 20, {TITLES["helm36"]}),
    "pull cold": ("pull_cold", 6, HELMS),
    "pull again": ("pull_again", 20, {TITLES["helm36"]}),
}
# What the goal is about, and one that is long beside everything that is not waiting.
NEAR, FAR = 0.05, 0.25


def transfer(world, chart, size):
    if world.registry is None:
        return []
    contenders = everybody(world, chart, world.registry.address)
    figures = []
    for step, (_, times, rivals) in STEPS.items():
        ours, others, least, physical = compete(world, contenders, step, 15 if size == "small" else 9)
        for title, reading in others.items():
            cold = step.endswith("cold")
            goal = times if title in rivals else 1 if cold else None
            row, what = f"transfer-{size}", f"{step}, {size}"
            figures.append(Figure.timed(row, what, ours, title, reading, goal, physical=physical, least=least))
    return figures


def embedded(world):
    """The same against our own registry, beside the Helms alone."""
    figures = []
    for chart, size in ((world.small, "small"), (world.large, "large")):
        contenders = helms(world, chart, world.embedded.address)
        for step, (_, times, rivals) in STEPS.items():
            ours, others, least, physical = compete(world, contenders, step, 9)
            for title, reading in others.items():
                goal = times if title in rivals else None
                what = f"{step}, {size}, embedded registry"
                figures.append(Figure.timed("embedded", what, ours, title, reading, goal, physical=physical, least=least))
    return figures


def compete(world, contenders, step, runs):
    """What we take and what the others take, how long it takes at least, and why."""
    ours = contenders[0]
    wire = Wire(world, ours.reference(0))
    method = STEPS[step][0]
    found = world.contest([*(getattr(peer, method)() for peer in contenders), wire.contestant(step)], runs)
    alone = found.pop(wire.name).wall
    syncs = syncs_of(world, ours, step)
    waits = [] if syncs is None else [f"{syncs} syncs x {world.machine.fsync * 1e6:.0f} µs"]
    physical = ", ".join([f"{wire.name} {alone * 1e3:.1f} ms", *waits])
    reading = found.pop("ours")
    # Whoever asks is a process. What we do can be done.
    return reading, found, min(alone + world.machine.process, reading.wall), physical


def syncs_of(world, ours, step):
    """How often the disk has to be waited for, as when it is measured: in a push of a reference that nobody has seen, in
    a pull into an empty cache."""
    number = f"limit-{next(world.numbers)}"
    if not step.startswith("push"):
        if step == "pull cold":
            ours.forget(number)
        return world.syncs(ours.pull(ours.reference(1)), ours.environment)
    ours.fresh(number)
    command = ours.push(ours.reference(number))
    if step == "push again":
        world.run(command, ours.environment)
    return world.syncs(command, ours.environment)


def requests(world):
    """Counted in the registry's access log; connections by a proxy that adds no delay."""
    if world.registry is None:
        return []
    goals = {"push cold": 6, "push again": 1, "pull cold": 3, "pull again": 1}
    proxy = Proxy(world.registry.address, 0)
    found = {}
    contenders = everybody(world, world.small, proxy.address)
    for contender in contenders:
        for step, (method, _, _) in STEPS.items():
            contestant, run = getattr(contender, method)(), 1
            contestant.prepare(run)
            before, connections = world.registry.requests(), proxy.connections
            world.run(contestant.command(run), contestant.environment, contestant.directory)
            found[contender.title, step] = (world.registry.requests() - before, proxy.connections - connections)
    # Without a tag: the list of tags comes first.
    ours = contenders[0]
    reference = ours.reference(1).rsplit(":", 1)[0]
    before = world.registry.requests()
    world.run(ours.pull(reference), ours.environment)
    tags = world.registry.requests() - before - 1
    proxy.close()
    figures = []
    for step, goal in goals.items():
        for contender in contenders[1:]:
            count, connections = found["ours", step]
            theirs, their_connections = found[contender.title, step]
            notes = {"connections": connections, "their_connections": their_connections}
            physical = f"connections: {connections}, theirs {their_connections}"
            figures.append(
                Figure("requests", f"requests, {step}", "", count, contender.title, theirs, None, goal, physical, notes)
            )
    return [*figures, Figure("requests", "requests, tags", "", tags, limit=1)]


def distance(world):
    """Through proxies of different length: what a longer one adds, in round trips, is what had to wait for one another."""
    if world.registry is None:
        return []
    proxies = {delay: Proxy(world.registry.address, delay) for delay in (NEAR, FAR)}
    figures = []
    for step in ("push cold", "pull cold"):
        # One after the other: nobody is to compute while another's bytes are on the way.
        found = {}
        for delay, runs in ((NEAR, 6), (FAR, 3)):
            contenders = everybody(world, world.small, proxies[delay].address)
            if step == "pull cold":
                for contender in contenders:
                    contender.fresh(1)
                    world.run(contender.push(contender.reference(1)), contender.environment)
            found[delay] = world.contest([getattr(contender, STEPS[step][0])() for contender in contenders], runs)
        trips = {name: (found[FAR][name].wall - found[NEAR][name].wall) / (FAR - NEAR) for name in found[NEAR]}
        for title in list(trips)[1:]:
            near = found[NEAR]
            figures.append(Figure("distance", f"{step}, 50 ms away", "s", near["ours"].wall, title, near[title].wall, 1))
            # Fewer, whatever the noise: half a round trip less at least.
            ours, theirs = round(trips["ours"], 1), round(trips[title], 1)
            figures.append(
                Figure("distance", f"{step}, round trips in sequence", "", ours, title, theirs, limit=theirs - 0.5)
            )
    for proxy in proxies.values():
        proxy.close()
    return figures


def many(world):
    """Charts of the corpus in one command, and one after the other with Helm."""
    helm = world.tool("helm")
    if not world.corpus or not helm:
        return []
    environment, theirs = world.home("many"), world.home("many-helm")
    packages, saved = world.directory(), []
    for chart in world.corpus:
        if len(saved) == (50 if world.quick else 200):
            break
        try:
            # Both have to take it.
            world.run([helm, "package", chart.directory, "-d", packages], theirs)
            world.run([world.ours("helm-chart-save"), chart.directory, f"localhost:5000/many/{chart.name}"], environment)
        except RuntimeError:
            for package in packages.glob(f"{chart.name}-[0-9v]*.tgz"):
                package.unlink()
            continue
        saved.append((chart.name, chart.version))
    figures = []
    for registry, title in ((world.registry, ""), (world.embedded, ", embedded registry")):
        if registry:
            figures += many_to(world, registry, title, saved, dict(environment), packages, theirs)
    return figures


def many_to(world, registry, title, saved, environment, packages, theirs):
    helm, host, base = world.tool("helm"), registry.address, environment["HELM_HOME"]
    pulled = world.directory()

    def names(place):
        return [f"{place}/{name}:{version.replace('+', '_')}" for name, version in saved]

    def tag(run):
        environment["HELM_HOME"] = base
        for source, reference in zip(names("localhost:5000/many"), names(f"{host}/many-{run}")):
            world.run([world.ours("helm-chart-tag"), source, reference], environment)

    def forget(run):
        environment["HELM_HOME"] = f"{base}-{next(world.numbers)}"

    def both(name, prepare, command):
        begun = registry.cpu()
        found = world.contest([Contestant(name, command, prepare, environment)], 3)[name]
        return found, (registry.cpu() - begun) / (world.runs(3) + 1)

    ours = {
        "push": both("push", tag, lambda run: [world.ours("helm-chart-push"), *names(f"{host}/many-{run}")]),
        "pull": both("pull", forget, lambda run: [world.ours("helm-chart-pull"), *names(f"{host}/many-1")]),
    }
    script = 'for package in "$0"/*.tgz; do "$1" push "$package" "oci://$2" || exit 1; done'
    push = world.run(["sh", "-c", script, packages, helm, f"{host}/many-helm"], theirs)
    list_of_all = world.scratch / "many"
    list_of_all.write_text("".join(f"{name} {version}\n" for name, version in saved))
    script = 'while read -r name version; do "$1" pull "oci://$2/$name" --version "$version" -d "$3" || exit 1; done <"$0"'
    pull = world.run(["sh", "-c", script, list_of_all, helm, f"{host}/many-helm", pulled], theirs)

    def figure(name, theirs, requests):
        found, work = ours[name]
        count, cores = len(saved), world.machine.cores
        # Nobody can be done before the registry is.
        physical = f"{count * requests} requests, for which the registry computes {work:.2f} s on {cores} cores"
        what, loop, notes = f"{name} {count} charts{title}", "a loop of helm 3.10", {"registry_cpu": work}
        return Figure.timed("many", what, found, loop, theirs, 20, physical=physical, least=work / cores, notes=notes)

    return [figure("push", push, 6), figure("pull", pull, 3)]
