"""Clients of the `message` protocol, and of `line`: one by one, or many one after the other as load."""
import json
import socket
import struct
import threading
import time

ANSWER_SECONDS = 30


class Answer:
    def __init__(self, header, content):
        self.header = header
        self.content = content
        self.status = header.get("status", "ok")


class Connection:
    """Role: one client. Blocking: every call, at most ANSWER_SECONDS. Errors: OSError, among them TimeoutError and
    ConnectionError; an end of the stream before an answer is a ConnectionResetError."""

    def __init__(self, address):
        if address.startswith("unix:"):
            self.socket = socket.socket(socket.AF_UNIX)
            target = address.removeprefix("unix:")
        else:
            self.socket = socket.socket()
            host, _, port = address.rpartition(":")
            target = (host, int(port))
        self.socket.settimeout(ANSWER_SECONDS)
        self.socket.connect(target)

    def send(self, content, handler=None, content_type="x/y"):
        """A request with `content`: bytes, or a dict that becomes text/json."""
        if isinstance(content, dict):
            content, content_type = json.dumps(content).encode(), "text/json"
        encoding = "utf-8" if content_type.startswith("text/") else "binary"
        header = {"byteorder": "little", "content-type": content_type, "content-encoding": encoding}
        if handler is not None:
            header["handler"] = handler
        header["content-length"] = len(content)
        head = json.dumps(header).encode()
        self.socket.sendall(struct.pack("!H", len(head)) + head + content)

    def receive(self):
        (size,) = struct.unpack("!H", self.read(2))
        header = json.loads(self.read(size))
        return Answer(header, self.read(header["content-length"]))

    def ask(self, content, handler=None):
        self.send(content, handler)
        return self.receive()

    def read(self, size):
        data = bytearray()
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise ConnectionResetError("the stream ended before the answer")
            data += part
        return bytes(data)

    def read_line(self):
        line = bytearray()
        while not line.endswith(b"\n"):
            line += self.read(1)
        return bytes(line)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def ask(address, content, handler=None):
    """One request over a connection of its own."""
    with Connection(address) as connection:
        return connection.ask(content, handler)


def echo_message(address, text):
    return ask(address, text, handler="echo").content


def echo_line(address, text):
    with Connection(address) as connection:
        connection.socket.sendall(text + b"\n")
        return connection.read_line().rstrip(b"\n")


class Visitors:
    """Role: load that comes and goes: each of `count` threads connects, asks, compares the answer and closes, all the
    time until `stop`, and writes down whatever else happens.
        with Visitors(address) as visitors:
            ... do something that nobody may notice ...
        visitors.troubles == []
    Blocking: stop waits for the requests that are under way.
    """

    def __init__(self, address, echo=echo_message, count=4):
        self.address = address
        self.echo = echo
        self.answered = 0
        self.refused = 0  # connections
        self.troubles = []  # what went wrong, the first few; refusals are among it
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.visit_on, args=(number,)) for number in range(count)]

    def visit_on(self, number):
        visit = 0
        while not self.stopping.is_set():
            visit += 1
            self.visit(b"visitor %d, %d" % (number, visit))
            time.sleep(0.001)

    def visit(self, text):
        begin = time.monotonic()
        try:
            answer = self.echo(self.address, text)
            trouble = None if answer == text else f"got {answer[:200]!r} for {text!r}"
        except ConnectionRefusedError:
            trouble = "refused"
        except (OSError, ValueError) as error:  # ValueError: an answer that is none
            trouble = f"{type(error).__name__}: {error}"
        with self.lock:
            self.answered += trouble is None
            self.refused += trouble == "refused"
            if trouble is not None and len(self.troubles) < 20:
                self.troubles.append(f"{trouble} (after {time.monotonic() - begin:.3f} s)")

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            if thread.is_alive():
                thread.join()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()
