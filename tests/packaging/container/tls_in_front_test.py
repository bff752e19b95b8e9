"""tools/examples/tls/haproxy.cfg in front of a real server: TLS outside, message inside, nothing lost between."""
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import served  # noqa: E402
import tried  # noqa: E402

EXAMPLE = tried.SOURCE / "tools" / "examples" / "tls" / "haproxy.cfg"
CONNECTIONS = 200


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_certificate(folder):
    """The path of one file with a certificate for localhost and its key."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    tried.output_of("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", key, "-out", certificate)
    both = folder / "windlass.pem"
    both.write_text(certificate.read_text() + key.read_text())
    return both


def adapted(config, replacements):
    for old, new in replacements.items():
        assert old in config, old
        config = config.replace(old, new)
    return config


class Haproxy:
    """The example on a free port, with its paths and ports replaced."""

    def __init__(self, server_port):
        self.folder = tempfile.TemporaryDirectory(prefix="windlass-tls-")
        folder = pathlib.Path(self.folder.name)
        self.certificate = make_certificate(folder)
        self.port = free_port()
        self.config = folder / "haproxy.cfg"
        self.config.write_text(adapted(EXAMPLE.read_text(), {
            "bind :65433": f"bind 127.0.0.1:{self.port}",
            "/etc/haproxy/windlass.pem": str(self.certificate),
            "server local 127.0.0.1:65432": f"server local 127.0.0.1:{server_port}"}))
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(["haproxy", "-db", "-f", self.config], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        try:
            served.wait_until(self.answers, 20)
        except BaseException:
            self.close()
            raise

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"haproxy ended:\n{self.log.read_text()}")
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
            return True
        except ConnectionRefusedError:
            return False

    def connect(self):
        context = ssl.create_default_context(cafile=self.certificate)
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        return context.wrap_socket(plain, server_hostname="localhost")

    def close(self):
        tried.end(self.process, signal.SIGTERM)
        self.folder.cleanup()


class HalfClosing:
    """A TLS client that can say "no more from me" and read on, which ssl.SSLSocket cannot."""

    def __init__(self, proxy):
        context = ssl.create_default_context(cafile=proxy.certificate)
        self.socket = socket.create_connection(("127.0.0.1", proxy.port), timeout=30)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.until_done(self.tls.do_handshake)

    def flush(self):
        if self.outgoing.pending:
            self.socket.sendall(self.outgoing.read())

    def until_done(self, step):
        while True:
            try:
                value = step()
                self.flush()
                return value
            except ssl.SSLWantReadError:
                self.flush()
                self.incoming.write(served.receive_some(self.socket))

    def sendall(self, data):
        self.until_done(lambda: self.tls.write(data))

    def end_sending(self):
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:  # for the other side's end, which comes later
            pass
        self.flush()
        self.socket.shutdown(socket.SHUT_WR)

    def recv(self, size):
        return self.until_done(lambda: self.tls.read(size))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


class TlsInFront(unittest.TestCase):
    def setUp(self):
        self.server = served.Server()
        self.addCleanup(self.server.close)
        self.proxy = Haproxy(self.server.address[1])
        self.addCleanup(self.proxy.close)

    def test_haproxy_has_no_complaint_about_the_example(self):
        said = tried.run("haproxy", "-c", "-f", self.proxy.config)
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertNotRegex(said.stdout + said.stderr, "(?i)warning|alert")

    def test_an_answer_comes_through(self):
        with self.proxy.connect() as client:
            self.assertIn(client.version(), ("TLSv1.2", "TLSv1.3"))
            header, content = served.ask(client, served.search("morpheus"))
        self.assertNotIn("status", header)
        self.assertEqual(content.decode(), '{"result": "Follow the white rabbit. 🐰"}')

    def test_without_tls_nobody_gets_through(self):
        with socket.create_connection(("127.0.0.1", self.proxy.port), timeout=30) as client:
            client.sendall(served.search("morpheus"))
            try:
                self.assertEqual(client.recv(1), b"")
            except ConnectionResetError:
                pass

    def test_a_mebibyte_comes_back_as_it_went(self):
        content = os.urandom(1 << 20)
        with self.proxy.connect() as client:
            header, back = served.ask(client, served.request(content, "application/octet-stream", handler="echo"))
        self.assertNotIn("status", header)
        self.assertEqual(back, content)

    def test_many_connections_get_their_own_answers(self):
        clients = [self.proxy.connect() for _ in range(CONNECTIONS)]
        for client in clients:
            self.addCleanup(client.close)
        for number, client in enumerate(clients):
            client.sendall(served.search(f"client {number}"))
        for number, client in enumerate(clients):
            _, content = served.receive_answer(client)
            self.assertEqual(content.decode(), f'{{"result": "No match for \'client {number}\'."}}')

    def test_a_client_that_has_sent_all_still_gets_its_answer(self):
        with HalfClosing(self.proxy) as client:
            client.sendall(served.burn(300))
            client.end_sending()
            _, content = served.receive_answer(client)
        self.assertEqual(content, b'{"result": "Burned 300 ms."}')

    def test_a_server_that_stops_closes_the_connection(self):
        with self.proxy.connect() as client:
            served.ask(client, served.search("ring"))
            self.server.process.send_signal(signal.SIGTERM)
            self.assertEqual(client.recv(1), b"")
        self.assertEqual(self.server.process.wait(20), 0)


if __name__ == "__main__":
    tried.skip_unless_found("haproxy", "openssl")
    tried.main()
