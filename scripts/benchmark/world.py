"""Everything that the rows have in common: programs, registries, charts, homes, and what this machine can do."""

import hashlib
import os
import shutil
import statistics
import tempfile
import time
import zlib
from pathlib import Path

import charts
import registries
from stopwatch import Contestant, Stopwatch


class World:
    def __init__(self, root, executables, scratch, quick):
        self.root, self.executables, self.scratch, self.quick = root, executables, scratch, quick
        self.stopwatch = Stopwatch(scratch)
        self.tools = Path(os.environ.get("CARGO_TARGET_DIR", root / "target")) / "tools" / "bin"
        archive = os.environ.get("HELM_OCI_CORPUS") or root.parent / "shared/corpus/stable-charts.tar.gz"
        self.corpus = charts.corpus(Path(archive), scratch)
        self.small = charts.small(root / "tests/charts/mychart", scratch)
        self.large = charts.large(self.corpus, scratch)
        self.servers, self.numbers = [], iter(range(1_000_000))
        # Registries wait for their disk, for everybody alike. In memory they are out of the way of what is measured.
        memory = Path("/dev/shm")
        self.served = tempfile.TemporaryDirectory(prefix="bench-", dir=memory if os.access(memory, os.W_OK) else scratch)
        environment = self.home("registries")
        self.registry = self.serve(registries.docker_registry, self.tool("docker-registry"), environment)
        self.embedded = self.serve(registries.embedded, self.ours("helm-registry-serve"), environment)

    def serve(self, start, program, environment):
        if program is None:
            return None
        self.servers.append(start(program, Path(self.served.name), environment))
        return self.servers[-1]

    def close(self):
        for server in self.servers:
            server.stop()
        self.served.cleanup()

    def runs(self, runs):
        return max(3, runs // 3) if self.quick else runs

    def ours(self, name):
        return self.executables / name

    def tool(self, name):
        """A program of scripts/tools or of the PATH, where there is one."""
        fetched = self.tools / name
        return fetched if fetched.is_file() else shutil.which(name)

    def directory(self, name="directory"):
        path = self.scratch / f"{name}-{next(self.numbers)}"
        path.mkdir()
        return path

    def home(self, name, at=None):
        """The environment of a user who has nothing yet."""
        at = at or self.directory(f"home-{name}")
        return {
            "HOME": str(at),
            "PATH": os.environ["PATH"],
            "HELM_HOME": f"{at}/.helm",
            "HELM_CACHE_HOME": f"{at}/cache",
            "HELM_CONFIG_HOME": f"{at}/config",
            "HELM_DATA_HOME": f"{at}/data",
            "HELM_EXPERIMENTAL_OCI": "1",
            "DOCKER_CONFIG": f"{at}/docker",
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={at}/no-bus",
        }

    def run(self, command, environment, directory=None):
        """Runs what is not measured."""
        return self.stopwatch.run(command, environment, directory)

    def contest(self, contestants, runs):
        there = [contestant for contestant in contestants if contestant is not None]
        return self.stopwatch.contest(there, self.runs(runs))

    def contestant(self, name, program, command, **others):
        """One whose program is there, or nothing. The command is told the number of the run."""
        return program and Contestant(name, lambda run: [program, *command(run)], **others)

    def calls(self, command, environment, which="all"):
        """How often a command asks the system for something; nothing where there is no strace."""
        if shutil.which("strace") is None:
            return None
        log = self.scratch / "strace"
        self.run(["strace", "-f", "-qq", "-e", f"trace={which}", "-o", log, *command], environment)
        # A call that another thread came into the middle of has two lines.
        return sum("resumed>" not in line for line in log.read_text(errors="replace").splitlines())

    def syncs(self, command, environment):
        """How often it makes something last."""
        return self.calls(command, environment, "fsync,fdatasync,syncfs,sync_file_range")


class Machine:
    """What the disk and the processor can do at most: the physical limits are made of these."""

    def __init__(self, stopwatch, scratch, sample):
        self.cores = os.cpu_count()
        data = b"".join(path.read_bytes() for path in sorted(sample.rglob("*")) if path.is_file())
        self.sha256 = len(data) / self.fastest(lambda: hashlib.sha256(data).digest())
        self.inflate = len(data) / self.fastest(lambda packed=zlib.compress(data, 6): zlib.decompress(packed))
        self.fsync = statistics.median(self.synced(scratch) for _ in range(25))
        self.process = statistics.median(stopwatch.run(["/bin/true"], {}).wall for _ in range(25))

    @staticmethod
    def fastest(work, times=7):
        def once():
            start = time.perf_counter()
            work()
            return time.perf_counter() - start

        return min(once() for _ in range(times))

    @staticmethod
    def synced(scratch):
        with (scratch / "synced").open("wb") as file:
            file.write(bytes(4096))
            file.flush()
            start = time.perf_counter()
            os.fsync(file.fileno())
            return time.perf_counter() - start

    def facts(self):
        return {
            "cores": self.cores,
            "sha256_bytes_per_second": round(self.sha256),
            "inflate_bytes_per_second": round(self.inflate),
            "fsync_seconds": round(self.fsync, 6),
            "process_seconds": round(self.process, 6),
        }
