"""A way to the registry that takes its time: what leaves one side arrives at the other half a round trip later, however
much it is. A connection costs a round trip before its first byte, as the handshake of TCP does."""

import socket
import threading
import time
from queue import SimpleQueue


class Proxy:
    def __init__(self, to, round_trip):
        host, port = to.rsplit(":", 1)
        self.to, self.round_trip = (host, int(port)), round_trip
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            server = socket.create_connection(self.to)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.pipe(client, server, time.monotonic() + self.round_trip)
            self.pipe(server, client, 0)

    def pipe(self, source, sink, open_at):
        """Carries bytes one way. Reading and writing are two threads, so that a delay holds nothing else up."""
        line = SimpleQueue()

        def read():
            while True:
                try:
                    data = source.recv(1 << 18)
                except OSError:
                    data = b""
                line.put((max(time.monotonic(), open_at) + self.round_trip / 2, data))
                if not data:
                    return

        def write():
            while True:
                due, data = line.get()
                time.sleep(max(0, due - time.monotonic()))
                try:
                    if not data:
                        sink.shutdown(socket.SHUT_WR)
                        return
                    sink.sendall(data)
                except OSError:
                    # The other end has gone, and whoever sends will notice.
                    source.close()
                    return

        threading.Thread(target=read, daemon=True).start()
        threading.Thread(target=write, daemon=True).start()

    def close(self):
        self.listener.close()
