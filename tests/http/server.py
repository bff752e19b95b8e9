"""A windlassd of the build that speaks http to a test, and what tests ask about it."""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "packaging"))
import served  # noqa: E402
import tried  # noqa: E402

HELLO = b"hello\n"
TIMEOUT = 20  # seconds: that long a test waits for anything

COMMON = """
[[handler]]
name = "hello"
builtin = "static"
options = { body = "hello\\n" }
"""


def listener(address, **more):
    """One table of a configuration. /hello is a fixed answer."""
    lines = ["[[listener]]", 'protocol = "http"', f'address = "{address}"', 'routes = { "/hello" = "hello" }']
    lines += [f"{key} = {json.dumps(value)}" for key, value in more.items()]
    return "\n".join(lines) + "\n"


class Server:
    """Runs with a configuration of these lines and COMMON, in a folder of its own. Ended by close()."""

    def __init__(self, configuration, workers=1, pool=1, admin=""):
        self.folder = tempfile.TemporaryDirectory(prefix="windlass-")
        self.path = pathlib.Path(self.folder.name)
        self.path.chmod(0o755)  # handlers read files there as somebody else
        self.configuration = self.path / "windlass.toml"
        self.configuration.write_text(
            f"[workers]\ncount = {workers}\n[pool]\nprocesses = {pool}\n"
            f'[master]\ncontrol = "{self.path}/control.sock"\n[admin]\naddress = "{admin}"\n'
            + configuration.replace("FOLDER", str(self.path)) + COMMON)
        self.log = self.path / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([tried.BUILD / "windlassd", f"--config={self.configuration}"],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, "RUNTIME_DIRECTORY": str(self.path)})
        try:
            served.wait_until(self.is_serving, TIMEOUT)
        except BaseException:
            self.close()
            raise
        self.ports = [int(port) for port in re.findall(r"listening protocol=http address=127\.0\.0\.1:(\d+)",
                                                       self.log.read_text())]
        found = re.search(r"admin address=127\.0\.0\.1:(\d+)", self.log.read_text())
        self.admin_port = int(found.group(1)) if found else None

    def is_serving(self):
        if self.process.poll() is not None:
            raise AssertionError(f"windlassd ended:\n{self.log.read_text()}")
        return " serving: " in self.log.read_text()

    def control(self, *arguments):
        """What windlassctl prints; AssertionError when it fails."""
        return tried.output_of(tried.BUILD / "windlassctl", f"--control={self.path}/control.sock", *arguments)

    def status(self):
        return json.loads(self.control("status", "--json"))

    def reload(self):
        self.control("reload")

    def connect(self, number=0):
        """To the listener of that number, among those on TCP."""
        client = socket.create_connection(("127.0.0.1", self.ports[number]), timeout=TIMEOUT)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client

    def connect_unix(self, name="http.sock"):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(TIMEOUT)
        client.connect(str(self.path / name))
        return client

    def url(self, path, number=0):
        return f"http://127.0.0.1:{self.ports[number]}{path}"

    def close(self):
        tried.end(self.process, signal.SIGQUIT)
        self.folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
