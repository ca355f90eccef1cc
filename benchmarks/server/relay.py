"""A relay in front of a server that counts what passes, alike for everybody: requests, and bytes of the answers.

It adds `Cache-Control: no-cache` to each request: the server would else answer a search that it has just answered from
memory, and who comes second would win.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading

PIECE = 65536
END_OF_HEAD = b"\r\n\r\n"


class Relay:
    """Serves on a free loopback port until closed; `reset` gives the counts since the last reset."""

    def __init__(self, host: str, port: int) -> None:
        self.target = host, port
        self.requests = self.received = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self) -> tuple[int, int]:
        """Requests and bytes received since the last reset."""
        with self._lock:
            counts = self.requests, self.received
            self.requests = self.received = 0
        return counts

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(self.target) as server, contextlib.suppress(OSError):
            threading.Thread(target=self._answers, args=(server, client), daemon=True).start()
            self._ask(client, server)

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        """Requests one after the other: the head with one more header, then the body as long as the head says."""
        data = b""
        while True:
            while END_OF_HEAD not in data:
                piece = client.recv(PIECE)
                if not piece:
                    return
                data += piece
            head, _, data = data.partition(END_OF_HEAD)
            with self._lock:
                self.requests += 1
            server.sendall(head + b"\r\nCache-Control: no-cache" + END_OF_HEAD)
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            left = int(length[1]) if length else 0
            while left:
                if not data:
                    data = client.recv(PIECE)
                    if not data:
                        return
                server.sendall(data[:left])
                data, left = data[left:], left - len(data[:left])

    def _answers(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := server.recv(PIECE):
                with self._lock:
                    self.received += len(piece)
                client.sendall(piece)
            client.shutdown(socket.SHUT_RDWR)
