"""Connections that move to new workers by a reload in the middle of requests: the answers are right, the connection
stays, and nothing is cut at another place than before."""
import os
import socket
import unittest

import answers
from server import HELLO, Server, listener, served, tried

GET = b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"
LARGE = 5 << 20


def whole(content, path=b"/h/echo"):
    return b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s" % (path, len(content), content)


def chunks_of(content, size, extension=b"", trailers=b""):
    """A request with the content in chunks of that size."""
    pieces = [b"%x%s\r\n%s\r\n" % (len(piece), extension, piece)
              for at in range(0, len(content), size) for piece in [content[at:at + size]]]
    return (b"POST /h/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(pieces)
            + b"0\r\n" + trailers + b"\r\n")


class Moving(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(listener("127.0.0.1:0"), pool=2)
        cls.addClassCleanup(cls.server.close)

    def clients(self, count):
        clients = [self.server.connect() for _ in range(count)]
        for client in clients:
            self.addCleanup(client.close)
        return clients

    def until_received(self, clients):
        """The worker has taken what these have sent: nothing of it is in the kernel any more."""
        ports = {client.getsockname()[1] for client in clients}

        def is_received():
            return not ports & {port for port, unread in unread_by_port(self.server.ports[0]) if unread}
        served.wait_until(is_received, 20)

    def reload_and_move(self, clients):
        """The workers before are gone after it."""
        self.until_received(clients)
        before = self.worker_pids()
        self.assertTrue(before)
        self.server.reload()
        served.wait_until(lambda: not before & self.worker_pids(), 20)

    def worker_pids(self):
        return {process["pid"] for process in self.server.status()["processes"] if process["role"] == "worker"}

    def reload_at(self, request, cuts, expected, moves=1):
        """As many connections as cuts, each with the request up to there when the server reloads. Behind the request
        comes another one; both are answered as if nothing had been."""
        clients = self.clients(len(cuts))
        for client, cut in zip(clients, cuts):
            client.sendall(request[:cut])
        for _ in range(moves):
            self.reload_and_move(clients)
        for client, cut in zip(clients, cuts):
            with self.subTest(cut=cut):
                client.sendall(request[cut:] + GET)
                reader = answers.Reader(client)
                for content in [*expected, HELLO]:
                    answer = reader.next()
                    self.assertEqual(answer.status, 200, answer)
                    self.assertTrue(answer.content == content, f"{len(answer.content)} other bytes")
                    self.assertNotIn("connection", answer.fields)
            client.close()

    def test_small_content_with_length_at_every_point(self):
        request = whole(b"hello, world")
        self.reload_at(request, range(len(request) + 1), [b"hello, world"])

    def test_small_chunks_at_every_point(self):
        request = chunks_of(b"hello, world", 5)
        self.reload_at(request, range(len(request) + 1), [b"hello, world"])

    def test_small_chunks_at_every_point_and_two_moves(self):
        request = chunks_of(b"hello, world", 3, b';a="b"', b"X: y\r\n")
        self.reload_at(request, range(len(request) + 1), [b"hello, world"], moves=2)

    def test_between_pipelined_requests_at_every_point(self):
        request = whole(b"a") + chunks_of(b"bb", 1) + GET + whole(b"binary 123", b"/h/binary")
        self.reload_at(request, range(len(request) + 1),
                       [b"a", b"bb", HELLO, b"First 10 bytes of request: binary 123"])

    def test_large_content_with_length_at_many_points(self):
        content = os.urandom(LARGE)
        request = whole(content)
        self.reload_at(request, many_points(request), [content])

    def test_large_chunks_at_many_points(self):
        content = os.urandom(LARGE)
        request = chunks_of(content, 100_000)
        self.reload_at(request, many_points(request), [content])

    def test_many_chunks_at_many_points(self):
        content = os.urandom(100_000)
        request = chunks_of(content, 7)
        self.reload_at(request, many_points(request), [content])

    def test_one_large_chunk_at_many_points(self):
        content = os.urandom(LARGE)
        request = chunks_of(content, LARGE)
        self.reload_at(request, many_points(request), [content])

    def test_the_connection_moves_many_times_while_one_content_arrives(self):
        content = os.urandom(300_000)
        for request in (whole(content), chunks_of(content, 1000)):
            client, = self.clients(1)
            step = len(request) // 5 + 1
            for at in range(0, len(request), step):
                client.sendall(request[at:at + step])
                self.reload_and_move([client])
            self.assertTrue(answers.Reader(client).next().content == content)

    def test_a_client_that_waits_for_continue_is_told_once_in_all(self):
        """It may be told again, but must not be left waiting (RFC 9110 section 10.1.1)."""
        client, = self.clients(1)
        client.sendall(b"POST /h/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        self.assertIn(b" 100 Continue\r\n", client.recv(100))
        self.reload_and_move([client])
        client.sendall(b"hello" + GET)
        reader = answers.Reader(client)
        self.assertEqual(reader.next().content, b"hello")
        self.assertEqual(reader.next().content, HELLO)

    def test_an_answer_that_is_not_taken_moves_with_its_connection(self):
        content = os.urandom(LARGE)
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)  # so that most of it waits in the worker
            client.settimeout(20)
            client.connect(("127.0.0.1", self.server.ports[0]))
            client.sendall(whole(content))
            self.assertTrue(client.recv(1, socket.MSG_PEEK))
            self.reload_and_move([client])
            client.sendall(GET)
            reader = answers.Reader(client)
            self.assertTrue(reader.next().content == content)
            self.assertEqual(reader.next().content, HELLO)

    def test_refused_content_that_is_still_coming_is_dropped_after_the_move(self):
        """Of a request whose end is known: the next one is found behind it."""
        client, = self.clients(1)
        client.sendall(whole(b"x" * 50_000, b"/nothing")[:20_000])
        self.reload_and_move([client])
        client.sendall(whole(b"x" * 50_000, b"/nothing")[20_000:] + GET)
        reader = answers.Reader(client)
        self.assertEqual(reader.next().status, 404)
        self.assertEqual(reader.next().content, HELLO)

    def test_a_chunk_of_64_bits_is_not_cut_anew_when_its_connection_moves(self):
        """What arrived is described to the next worker as one chunk: its size must be no other than the client's."""
        client, = self.clients(1)
        client.sendall(b"POST /h/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello\r\r\n"
                       b"ffffffffffffffff\r\n\n0\r\n\r\n" + GET)
        self.until_received([client])
        self.server.reload()
        reader = answers.Reader(client)
        self.assertIn(reader.next().status, (400, 413))
        reader.expect_end()


def many_points(request):
    """In the head, at its end, some hundred bytes around there, all over, and at the end."""
    head = request.index(b"\r\n\r\n") + 4
    return [head // 2, *range(head - 2, head + 12), *range(head + 100, len(request), len(request) // 9),
            *range(len(request) - 8, len(request))]


def unread_by_port(port):
    """(client's port, bytes that the server has not read) of each connection to the port of 127.0.0.1."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in table.readlines()[1:]:
            _, local, remote, _, queues = line.split()[:5]
            if local == f"0100007F:{port:04X}":
                yield int(remote.split(":")[1], 16), int(queues.split(":")[1], 16)


if __name__ == "__main__":
    tried.main()
