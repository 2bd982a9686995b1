"""Rows about classic repositories: a whole one into a registry, beside a loop of helm pull and helm push, and indexes of their own."""

import functools
import hashlib
import http.server
import io
import tarfile
import threading

from report import Figure
from stopwatch import Contestant

MIB = 1 << 20
# What the loop is measured with, and how many versions a large repository has.
CHARTS, VERSIONS = 100, 3000


class Repository:
    """A directory that is served as a classic repository."""

    def __init__(self, directory):
        # Head and body in one piece: in two, each answer on a kept connection waits for an acknowledgement.
        manner = {"log_message": lambda *_: None, "protocol_version": "HTTP/1.1", "wbufsize": 1 << 16}
        quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), manner)
        handler = functools.partial(quiet, directory=str(directory))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def entry(name, version, digest, url):
    lines = (
        "apiVersion: v2", f'appVersion: "{version}"', 'created: "2024-03-01T10:00:00.123456789Z"', f"description: A chart called {name}",
        f"digest: {digest}", "home: https://charts.example.com", "keywords:", "- bench", "- web", "maintainers:", "- email: me@example.com",
        "  name: me", f"name: {name}", "sources:", "- https://git.example.com/charts", "type: application", "urls:", f"- {url}", f"version: {version}",
    )
    return "  - " + "\n    ".join(lines) + "\n"


def package(directory, name, version, at):
    """A package of a chart's files under another name and version; its digest."""
    with tarfile.open(at, "w:gz", compresslevel=6) as out:
        for path in sorted(directory.rglob("*")):
            if not path.is_file():
                continue
            content = path.read_bytes()
            if path == directory / "Chart.yaml":
                content = f"apiVersion: v2\nname: {name}\nversion: {version}\ndescription: A chart called {name}\n".encode()
            member = tarfile.TarInfo(f"{name}/{path.relative_to(directory)}")
            member.size = len(content)
            out.addfile(member, io.BytesIO(content))
    return hashlib.sha256(at.read_bytes()).hexdigest()


def repository(world, count):
    """`count` versions, a hundred of each chart, with an index as helm repo index writes it."""
    at, entries = world.directory("repository"), {}
    for number in range(count):
        name, version = f"web{number // 100}", f"1.{number % 100}.0"
        file = f"{name}-{version}.tgz"
        entries.setdefault(name, []).append(entry(name, version, package(world.small.directory, name, version, at / file), file))
    text = "".join(f"  {name}:\n{''.join(versions)}" for name, versions in entries.items())
    (at / "index.yaml").write_text(f'apiVersion: v1\nentries:\n{text}generated: "2024-03-01T10:00:00.123456789Z"\n')
    return at


def migrate(world):
    """A hundred charts beside Helm's loop, and thousands alone: cold, and again when nothing is new."""
    if world.registry is None:
        return []
    figures = []
    for count in (CHARTS, 300 if world.quick else VERSIONS):
        served = Repository(repository(world, count))
        series = next(world.numbers)
        to = f"oci://{world.registry.address}/migrate-{series}"
        environment = world.home("migrate")
        command = [world.ours("helm-chart-migrate"), "-q", served.url, to]
        before = world.registry.requests()
        first = world.run(command, environment)
        asked = world.registry.requests() - before
        before = world.registry.requests()
        again = world.contest([Contestant("again", lambda run: command, environment=environment)], 5)["again"]
        asked_again = world.registry.requests() - before
        what = f"migrate {count} versions"
        helm = world.tool("helm")
        if count == CHARTS and helm:
            script = (
                'cd "$1" && "$0" repo add bench "$2" && "$0" search repo -l bench/ | awk \'NR > 1 {print $1, $2}\' | '
                'while read -r name version; do "$0" pull "$name" --version "$version" && '
                '"$0" push "${name#bench/}-$version.tgz" "$3"; done'
            )
            loop = ["sh", "-c", script, helm, world.directory("loop"), served.url, f"oci://{world.registry.address}/loop-{series}"]
            theirs = world.run(loop, world.home("loop"))
            figures.append(Figure.timed("migrate", what, first, "helm pull, helm push", theirs, 10))
            figures.append(Figure.timed("migrate", f"{what}, nothing new", again, "helm pull, helm push", theirs, 50))
        else:
            figures.append(Figure.timed("migrate", what, first))
            figures.append(Figure.timed("migrate", f"{what}, nothing new", again, limit=0.1))
        figures.append(Figure("migrate", f"{what}, memory", "B", first.memory, limit=32 * MIB))
        # POST and PUT of two blobs and PUT of a manifest; and each chart's tags.
        figures.append(Figure("migrate", f"{what}, requests to the registry", "", asked, limit=5 * count + count // 100))
        figures.append(Figure("migrate", f"{what}, nothing new, requests to the registry", "", asked_again, limit=0))
        served.close()
    return figures


def index(world):
    """Indexes of 16 and 52 MB, of which one chart is meant, beside Helm that adds such a repository."""
    figures = []
    digest = "a" * 64
    for megabytes, limit in ((16, 0.5), (52, 1.5)):
        at = world.directory("index")
        written = 0
        with open(at / "index.yaml", "w", encoding="utf-8") as out:
            out.write("apiVersion: v1\nentries:\n")
            number = 0
            while written < megabytes * 1_000_000:
                written += out.write(f"  web{number}:\n")
                for version in range(100):
                    name = f"web{number}"
                    written += out.write(entry(name, f"1.{version}.0", digest, f"{name}-1.{version}.0.tgz"))
                number += 1
            out.write('generated: "2024-03-01T10:00:00.123456789Z"\n')
        address = (world.registry or world.embedded).address
        command = [
            world.ours("helm-chart-migrate"), "--dry-run", "-q", "--chart", "web0", "--latest", "1", at / "index.yaml", f"oci://{address}/none",
        ]
        reading = world.contest([Contestant("ours", lambda run: command, environment=world.home("index"))], 3)["ours"]
        what, helm, theirs = f"an index of {megabytes} MB", world.tool("helm"), None
        if helm:
            served = Repository(at)
            theirs = world.run([helm, "repo", "add", "large", served.url], world.home("large"))
            served.close()
        figures.append(Figure.timed("index", what, reading, "helm repo add" if theirs else "", theirs, limit=limit))
        peer = {"peer": "helm repo add", "theirs": theirs.memory} if theirs else {}
        figures.append(Figure("index", f"{what}, memory", "B", reading.memory, limit=8 * MIB, **peer))
    return figures
