"""A closed loop of `message` requests with content of their own, every answer looked at."""
import json
import selectors
import socket
import sys
import time


def request(content):
    body = content.encode()
    header = json.dumps({"byteorder": sys.byteorder, "content-type": "text/json",
                         "content-encoding": "utf-8", "content-length": len(body)}).encode()
    return len(header).to_bytes(2, "big") + header + body


class Answer:
    def __init__(self, status, content, seconds):
        self.status = status  # "" = ok
        self.content = content
        self.seconds = seconds


class Connection:
    """One request at a time."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.received = b""
        self.sent_at = 0.0
        self.job = None

    def send(self, job, content):
        self.job = job
        self.sent_at = time.monotonic()
        self.socket.sendall(request(content))

    def take(self):
        """The answer, or None while it is not all here."""
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionError("the server closed a connection")
        self.received += piece
        if len(self.received) < 2:
            return None
        start = 2 + int.from_bytes(self.received[:2], "big")
        if len(self.received) < start:
            return None
        header = json.loads(self.received[2:start])
        end = start + header["content-length"]
        if len(self.received) < end:
            return None
        content = self.received[start:end].decode()
        self.received = self.received[end:]
        return Answer(header.get("status", ""), content, time.monotonic() - self.sent_at)


def run_closed_loop(port, connections, jobs, content_of, on_answer):
    """Sends jobs 0 .. jobs - 1, each connection one after the other; returns the seconds it took.

    content_of(job): what is sent; on_answer(job, Answer).
    """
    selector = selectors.DefaultSelector()
    following = iter(range(jobs))
    started = time.monotonic()
    for _, job in zip(range(connections), following):
        connection = Connection(port)
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        connection.send(job, content_of(job))
    while selector.get_map():
        ready = selector.select(timeout=30)
        if not ready:
            raise ConnectionError("no answer for 30 s")
        for key, _ in ready:
            connection = key.data
            answer = connection.take()
            if answer is None:
                continue
            on_answer(connection.job, answer)
            job = next(following, None)
            if job is None:
                selector.unregister(connection.socket)
                connection.socket.close()
            else:
                connection.send(job, content_of(job))
    return time.monotonic() - started
