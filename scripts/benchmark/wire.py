"""The requests of a push or a pull, and nothing else: no process to start, no disk to wait for, nothing to check. Whoever
asks the registry for the same is not faster. They take their turn among the others: a registry that has been idle since
the last one needs longer for the first request than one that is asked all the time."""

import json
import socket
import threading
from urllib.parse import urlsplit

from stopwatch import InProcess

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Connection:
    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.host, self.socket = address, socket.create_connection((host, int(port)), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, expected, method, path, body=b"", **headers):
        """The headers and the body of a response that has to have one of these statuses."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        received = bytearray()
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self.more()
        status, *fields = received[:end].decode().split("\r\n")
        fields = {name.lower(): value.strip() for name, value in (field.split(":", 1) for field in fields)}
        if status.split()[1] not in expected.split():
            raise RuntimeError(f"{method} {path}: {status}")
        rest = received[end + 4 :]
        length = 0 if method == "HEAD" else int(field(fields, "content-length"))
        while len(rest) < length:
            rest += self.more()
        return fields, bytes(rest)

    def more(self):
        received = self.socket.recv(1 << 18)
        if not received:
            raise RuntimeError("the registry has closed the connection")
        return received


def field(fields, name):
    if name not in fields:
        raise RuntimeError(f"the registry answers without {name}")
    return fields[name]


class Wire:
    """A chart that the registry has as `reference`, or will have when its turn comes first."""

    name = "the requests alone"

    def __init__(self, world, reference):
        self.world = world
        self.address, name = reference.split("/", 1)
        self.repository, self.tag = name.rsplit(":", 1)
        self.manifest = self.config = self.layer = None

    def contestant(self, step):
        work = {"push cold": self.push, "push again": self.head, "pull cold": self.pull, "pull again": self.head}[step]

        def turn():
            # In the warm-up: what there is to be pushed.
            if self.layer is None:
                self.manifest, self.config, self.layer = self.pull()
            work()

        return InProcess(self.name, turn)

    def connections(self):
        return Connection(self.address), Connection(self.address)

    def head(self):
        one = Connection(self.address)
        one.ask("200", "HEAD", f"/v2/{self.repository}/manifests/{self.tag}", Accept=MANIFEST)

    def pull(self):
        one, other = self.connections()
        base = f"/v2/{self.repository}"
        _, manifest = one.ask("200", "GET", f"{base}/manifests/{self.tag}", Accept=MANIFEST)
        document = json.loads(manifest)
        found = {}

        def blob(connection, name, descriptor):
            _, content = connection.ask("200", "GET", f"{base}/blobs/{descriptor['digest']}")
            found[name] = content, descriptor["digest"]

        both(
            lambda: blob(one, "layer", document["layers"][0]),
            lambda: blob(other, "config", document["config"]),
        )
        return manifest, found["config"], found["layer"]

    def push(self):
        one, other = self.connections()
        base = f"/v2/wire-{next(self.world.numbers)}/{self.repository}"
        manifest = f"{base}/manifests/{self.tag}"
        one.ask("404", "HEAD", manifest, Accept=MANIFEST)

        def blob(connection, content, digest):
            fields, _ = connection.ask("202", "POST", f"{base}/blobs/uploads/")
            location = urlsplit(field(fields, "location"))
            query = "&".join(filter(None, [location.query, f"digest={digest}"]))
            connection.ask("201", "PUT", f"{location.path}?{query}", content, Content_Type="application/octet-stream")

        both(lambda: blob(one, *self.layer), lambda: blob(other, *self.config))
        one.ask("201", "PUT", manifest, self.manifest, Content_Type=MANIFEST)


def both(here, there):
    """Two things at the same time; what goes wrong in either is raised."""
    failed = []

    def work():
        try:
            there()
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        here()
    finally:
        thread.join()
    if failed:
        raise failed[0]
