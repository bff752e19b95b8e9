"""A windlassd of the build that a test starts, and what a client says to it in the protocol `message`."""
import json
import os
import pathlib
import re
import signal
import struct
import subprocess
import tempfile
import time

import tried


class Server:
    """Listens on a free port of 127.0.0.1 (address) with a control socket of its own. Ended by close()."""

    def __init__(self, *arguments, before=()):
        self.folder = tempfile.TemporaryDirectory(prefix="windlass-")
        os.chmod(self.folder.name, 0o755)
        self.environment = {**os.environ, "RUNTIME_DIRECTORY": self.folder.name}
        self.log = pathlib.Path(self.folder.name, "log")
        # Many servers run at a time, and the default of the admin pages is one address.
        command = [*before, str(tried.BUILD / "windlassd"), "--listen=message://127.0.0.1:0",
                   '--set=admin.address=""', *arguments]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self.environment)
        try:
            self.address = ("127.0.0.1", int(self.wait_for_line(r"listening protocol=message address=\S+:(\d+)")))
            self.wait_for_line("(serving):")
        except BaseException:
            self.close()
            raise

    def wait_for_line(self, pattern, seconds=20):
        """The first group of the pattern, once the log has it."""
        found = wait_until(lambda: re.search(pattern, self.log.read_text()) or self.process.poll() is not None, seconds)
        if not isinstance(found, re.Match):
            raise AssertionError(f"no {pattern!r} in the log:\n{self.log.read_text()}")
        return found.group(1)

    def control(self, *arguments):
        return tried.run(tried.BUILD / "windlassctl", *arguments, env=self.environment)

    def close(self):
        tried.end(self.process, signal.SIGQUIT)
        self.folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def wait_until(condition, seconds):
    """What the condition gives, once it is true; AssertionError when time is up."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s")
        time.sleep(0.02)


def request(content, content_type="text/json", **more):
    header = {"byteorder": "little", "content-type": content_type, "content-encoding": "utf-8",
              "content-length": len(content), **more}
    text = json.dumps(header).encode()
    return struct.pack(">H", len(text)) + text + content


def search(value):
    return request(json.dumps({"action": "search", "value": value}).encode())


def burn(milliseconds):
    return request(json.dumps({"action": "burn", "ms": milliseconds}).encode())


def receive_some(socket, most=1 << 16):
    piece = socket.recv(most)
    if not piece:
        raise EOFError("closed")
    return piece


def receive_exactly(socket, size):
    data = bytearray()
    while len(data) < size:
        data += receive_some(socket, min(size - len(data), 1 << 16))
    return bytes(data)


def receive_answer(socket):
    """(header, content)"""
    (size,) = struct.unpack(">H", receive_exactly(socket, 2))
    header = json.loads(receive_exactly(socket, size))
    return header, receive_exactly(socket, header["content-length"])


def ask(socket, message):
    socket.sendall(message)
    return receive_answer(socket)
