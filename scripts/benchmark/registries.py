"""The registries that are measured against. Each is on a port of the loopback interface and ends with the benchmark."""

import os
import re
import subprocess
import time
from pathlib import Path


class Registry:
    def __init__(self, command, scratch, announcement, environment):
        scratch.mkdir(parents=True)
        self.log = scratch / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
            )
        deadline = time.monotonic() + 20
        while True:
            found = re.search(announcement + r"([0-9.]+:[0-9]+)\D", self.log.read_text())
            if found:
                self.address = found[1]
                return
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} does not serve:\n{self.log.read_text()}")
            time.sleep(0.01)

    def requests(self):
        """The requests so far, from the access log of docker-registry."""
        # Written once a request is answered, perhaps just after whoever asked has ended.
        time.sleep(0.05)
        return len(re.findall(r'^127\.0\.0\.1 - .*\] "[A-Z]+ /', self.log.read_text(), re.MULTILINE))

    def cpu(self):
        """The seconds that it has computed."""
        # The name in the second field may hold anything but a closing parenthesis at its end.
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.terminate()
        self.process.wait()


def docker_registry(program, scratch, environment):
    config = scratch / "docker-registry.yml"
    config.write_text(
        "version: 0.1\nlog:\n  level: info\nhttp:\n  addr: 127.0.0.1:0\nstorage:\n  filesystem:\n"
        f"    rootdirectory: {scratch / 'docker-registry-data'}\n"
    )
    return Registry([program, "serve", config], scratch / "docker-registry", "listening on ", environment)


def embedded(program, scratch, environment):
    command = [program, "--listen", "127.0.0.1:0", "--data", scratch / "embedded-data"]
    return Registry(command, scratch / "embedded", "Serving on http://", environment)
