"""Rows of the commands that look: versions beside crane and helm search repo, show, images and diff beside Helm."""

import shutil
import subprocess

from peers import TITLES
from proxy import Proxy
from report import Figure
from stopwatch import Contestant

VERSIONS = 200
ROUND_TRIP = 0.05


def versions(world):
    """A chart of 200 versions: cold, again, and beside who tells as much."""
    host = (world.registry or world.embedded).address
    environment = world.home("versions")
    chart = world.directory("chart") / "web"
    (chart / "templates").mkdir(parents=True)
    references = [f"{host}/versions/web:1.{number}.0" for number in range(VERSIONS)]
    classic = world.directory("classic")
    helm, crane = world.tool("helm"), world.tool("crane")
    for number, reference in enumerate(references):
        text = f"apiVersion: v2\nname: web\nversion: 1.{number}.0\nappVersion: a{number}\ndescription: A web server\n"
        (chart / "Chart.yaml").write_text(text)
        world.run([world.ours("helm-chart-save"), "-q", chart, reference], environment)
        world.run([world.ours("helm-chart-export"), "-q", "--package", "-d", classic, reference], environment)
    world.run([world.ours("helm-chart-push"), "-q", *references], environment)
    figures = []
    for delay in (0, ROUND_TRIP):
        proxy = Proxy(host, delay) if delay else None
        address = proxy.address if proxy else host
        repository = f"{address}/versions/web"
        cold, again = world.home("cold"), world.home("again")
        command = [world.ours("helm-chart-versions"), "--all", repository]
        world.run(command, again)

        def forget(run, environment=cold):
            shutil.rmtree(environment["HELM_CACHE_HOME"], ignore_errors=True)

        contestants = [
            Contestant("cold", lambda run, command=command: command, forget, cold),
            Contestant("again", lambda run, command=command: command, environment=again),
        ]
        if crane and not (delay and world.quick):
            script = f"for tag in $({crane} ls --insecure {repository}); do {crane} config --insecure {repository}:$tag; done"
            contestants.append(Contestant("crane", lambda run, script=script: ["sh", "-c", script], environment=world.home("crane")))
        found = world.contest(contestants, 3)
        where = ", 50 ms away" if delay else ""
        for name, what in (("cold", "cold"), ("again", "again")):
            title, theirs = ("crane ls, crane config", found["crane"]) if "crane" in found else ("", None)
            goal = 3 if theirs else None
            figures.append(Figure.timed("versions", f"versions of {VERSIONS} tags, {what}{where}", found[name], title, theirs, goal))
        if proxy:
            proxy.close()
    if helm:
        figures.append(searched(world, helm, classic, host))
    for name, count in requests(world, f"{host}/versions/web").items():
        limit = {"cold": 2 * VERSIONS + 1, "again": VERSIONS + 1, "names": 1}[name]
        figures.append(Figure("versions", f"versions of {VERSIONS} tags, requests, {name}", "", count, limit=limit))
    return figures


def searched(world, helm, classic, host):
    """helm search repo, with the index of the same charts at hand."""
    theirs, ours = world.home("search"), world.home("names")
    world.run([helm, "repo", "index", classic], theirs)
    server = subprocess.Popen(
        ["python3", "-m", "http.server", "--bind", "127.0.0.1", "0", "--directory", classic],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={"PYTHONUNBUFFERED": "1", "PATH": "/usr/bin:/bin"},
    )
    try:
        port = server.stdout.readline().decode().split("port ")[1].split()[0]
        world.run([helm, "repo", "add", "classic", f"http://127.0.0.1:{port}"], theirs)
        command = [world.ours("helm-chart-versions"), "--all", f"{host}/versions/web"]
        world.run(command, ours)
        found = world.contest(
            [
                Contestant("again", lambda run: command, environment=ours),
                Contestant("helm", lambda run: ["sh", "-c", f"{helm} repo update >/dev/null && {helm} search repo classic/web -l"], environment=theirs),
            ],
            5,
        )
    finally:
        server.kill()
        server.wait()
    title = f"{TITLES['helm']} repo update, search repo -l"
    return Figure.timed("versions", f"versions of {VERSIONS} tags, again", found["again"], title, found["helm"], None)


def requests(world, repository):
    """How many requests go out, as --debug tells."""
    environment = world.home("requests")
    counts = {}
    for name, words in (("cold", ["--all"]), ("again", ["--all"]), ("names", ["-q"])):
        done = subprocess.run(
            [world.ours("helm-chart-versions"), *words, repository, "--debug"], env=environment, capture_output=True, text=True, check=True
        )
        counts[name] = sum(line.startswith(("debug: GET ", "debug: HEAD ")) for line in done.stderr.splitlines())
    return counts


def looks(world):
    """The largest chart of the corpus: what is in it, which images it names, how it differs from another."""
    helm = world.tool("helm")
    rendered = [chart for chart in sorted(world.corpus, key=lambda chart: -chart.size) if helm and renders(world, helm, chart)]
    if not rendered:
        return []
    chart = rendered[0]
    other = world.directory("other") / chart.name
    shutil.copytree(chart.directory, other)
    text = (other / "values.yaml").read_text()
    (other / "values.yaml").write_text(text + "\nbenchmarked: true\n")
    environment = world.home("looks")
    render = [helm, "template", "release", chart.directory]
    rows = {
        "show all": ([world.ours("helm-chart-show"), "all", chart.directory], [helm, "show", "all", chart.directory], "show all", 3),
        "images": ([world.ours("helm-chart-images"), "-q", chart.directory], render, "template", 3),
        # It ends with 5.
        "diff": (
            ["sh", "-c", f"{world.ours('helm-chart-diff')} {chart.directory} {other}; test $? = 5"],
            ["sh", "-c", f"{helm} template release {chart.directory} >{world.scratch}/a; {helm} template release {other} | diff {world.scratch}/a -; true"],
            "template twice, diff",
            3,
        ),
    }
    figures = []
    for name, (ours, theirs, title, goal) in rows.items():
        found = world.contest(
            [
                Contestant("ours", lambda run, command=ours: command, environment=environment),
                Contestant("helm", lambda run, command=theirs: command, environment=environment),
            ],
            15,
        )
        what = f"{name} of {chart.name} ({chart.size >> 10} KiB)"
        figures.append(Figure.timed("looks", what, found["ours"], f"{TITLES['helm']} {title}", found["helm"], goal))
        figures.append(Figure("looks", f"{name}, memory", "B", found["ours"].memory, TITLES["helm"], found["helm"].memory, limit=32 << 20))
    return figures


def renders(world, helm, chart):
    try:
        world.run([helm, "template", "release", chart.directory], world.home("renders"))
    except RuntimeError:
        return False
    return True
