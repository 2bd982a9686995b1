"""The charts that are measured. The same bytes on every machine: nothing in them depends on time, place or chance."""

import random
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path

MIB = 1 << 20
# Helm's MaxDecompressedFileSize is 5 MiB.
FILE = 9 * MIB // 2


@dataclass(frozen=True)
class Chart:
    directory: Path
    name: str
    version: str

    @property
    def size(self):
        return sum(path.stat().st_size for path in self.directory.rglob("*") if path.is_file())

    @property
    def files(self):
        return sum(path.is_file() for path in self.directory.rglob("*"))


def corpus(archive, scratch):
    """The charts of an archive of chart directories, sorted by name; none where there is no archive."""
    if not archive.is_file():
        return []
    into = scratch / "corpus"
    with tarfile.open(archive) as tar:
        tar.extractall(into, filter="data")
    directories = sorted(path.parent for path in into.glob("*/*/Chart.yaml"))
    return [Chart(directory, directory.name, version(directory)) for directory in directories]


def version(directory):
    lines = (directory / "Chart.yaml").read_text(errors="replace").splitlines()
    versions = [line.split(":", 1)[1] for line in lines if line.startswith("version:")]
    return versions[0].split("#")[0].strip(" \"'") if versions else ""


def small(source, scratch):
    shutil.copytree(source, scratch / "small")
    return Chart(scratch / "small", "mychart", "2.7.0")


def large(charts, scratch):
    """About 7 MB of what real charts consist of, as large as the largest real ones."""
    directory = start(scratch / "large", "large")
    left = 7_000_000
    for chart in charts:
        for path in sorted(path for path in chart.directory.rglob("*") if path.is_file()):
            content = path.read_bytes()
            if left >= len(content) and len(content) < FILE:
                to = directory / "files" / chart.name / path.relative_to(chart.directory)
                to.parent.mkdir(parents=True, exist_ok=True)
                to.write_bytes(content)
                left -= len(content)
    if not charts:
        fill(directory, left)
    return Chart(directory, "large", "1.0.0")


def sized(mebibytes, scratch):
    """A chart of that many MiB, in files as large as Helm allows."""
    name = f"sized-{mebibytes}"
    directory = start(scratch / name, name)
    fill(directory, mebibytes * MIB)
    return Chart(directory, name, "1.0.0")


def demanding(scratch):
    """A chart whose documents are as large, and of as many values, as they may be."""
    directory = start(scratch / "demanding", "demanding")
    with (directory / "Chart.yaml").open("a") as chart_yaml:
        chart_yaml.write("keywords:\n" + "".join(f"- {number:0>200}k\n" for number in range(4900)))
    (directory / "values.yaml").write_text("".join(f"k{number}: v{number:0>132}\n" for number in range(14_500)))
    return Chart(directory, "demanding", "1.0.0")


def start(directory, name):
    (directory / "templates").mkdir(parents=True)
    (directory / "Chart.yaml").write_text(f"apiVersion: v2\nname: {name}\nversion: 1.0.0\ndescription: made for measuring\n")
    (directory / "values.yaml").write_text("replicas: 1\n")
    (directory / "templates" / "configmap.yaml").write_text("kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: a\n")
    return directory


def fill(directory, size):
    """Lines that look like YAML, and compress about as well."""
    chance = random.Random(2700)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(3, 11))) for _ in range(2000)]
    lines = [
        f"{'  ' * chance.randint(0, 5)}{chance.choice(words)}: {chance.choice(words)}-{chance.getrandbits(48):012x}\n"
        for _ in range(8000)
    ]
    number = 0
    while size > 0:
        parts = []
        while sum(map(len, parts)) < min(size, FILE):
            chance.shuffle(lines)
            parts.append("".join(lines))
        content = "".join(parts)[: min(size, FILE)]
        to = directory / "files" / f"{number:03}.yaml"
        to.parent.mkdir(exist_ok=True)
        to.write_text(content)
        size, number = size - len(content), number + 1
