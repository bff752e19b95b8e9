"""Requests that do not arrive in time, or not at all."""
import select
import time
import unittest

import answers
from server import HELLO, TIMEOUT, Server, listener, tried

FRAME_TIMEOUT = 0.3
GET = b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /h/echo HTTP/1.1\r\nHost: a\r\n"
HALVES = {
    "a_request_line": b"GET /hel",
    "a_head": b"GET /hello HTTP/1.1\r\nHost: a\r\nX: y",
    "a_head_but_for_its_end": GET[:-1],
    "a_content": POST + b"Content-Length: 10\r\n\r\nhello",
    "a_large_content": POST + b"Content-Length: 1000000\r\n\r\n" + b"x" * 100_000,
    "no_content": POST + b"Content-Length: 10\r\n\r\n",
    "a_chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
    "a_large_chunk": POST + b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n" + b"x" * 100_000,
    "a_chunk_size": POST + b"Transfer-Encoding: chunked\r\n\r\n5",
    "no_last_chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "a_trailer": POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n",
    "a_content_that_was_asked_for": POST + b"Expect: 100-continue\r\nContent-Length: 10\r\n\r\n",
}


class LateRequests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(listener("127.0.0.1:0", frame_timeout="300ms", idle_timeout="700ms"))
        cls.addClassCleanup(cls.server.close)

    def test_half_of_one_is_answered_408_and_the_connection_closes(self):
        clients = {name: self.server.connect() for name in HALVES}
        for name, client in clients.items():
            self.addCleanup(client.close)
            client.sendall(GET + HALVES[name])
        for name, client in clients.items():
            with self.subTest(half=name):
                reader = answers.Reader(client)
                self.assertEqual(reader.next().content, HELLO)
                late = reader.next()
                self.assertEqual((late.status, late.fields["connection"]), (408, "close"))
                reader.expect_end()

    def test_one_that_comes_byte_by_byte_has_no_more_time(self):
        for request in (b"GET /" + b"a" * 1000, POST + b"Content-Length: 1000\r\n\r\n" + b"a" * 1000,
                        POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 1000):
            with self.subTest(request=request[:10]), self.server.connect() as client:
                begun = time.monotonic()
                head = request.find(b"\r\n\r\n") + 4  # 3, where there is none
                client.sendall(request[:head])
                for byte in request[head:]:
                    client.sendall(b"%c" % byte)
                    if select.select([client], [], [], 0.02)[0]:
                        break
                self.assertLess(time.monotonic() - begun, TIMEOUT / 2)
                self.assertGreaterEqual(time.monotonic() - begun, FRAME_TIMEOUT * 0.9)
                reader = answers.Reader(client)
                self.assertEqual(reader.next().status, 408)
                reader.expect_end()

    def test_what_comes_after_the_answer_is_not_read_as_a_request(self):
        with self.server.connect() as client:
            client.sendall(POST + b"Content-Length: 5\r\n\r\n")
            reader = answers.Reader(client)
            self.assertEqual(reader.next().status, 408)
            client.sendall(b"hello" + GET)
            reader.expect_end()

    def test_a_connection_without_a_request_closes_without_an_answer(self):
        with self.server.connect() as client:
            answers.Reader(client).expect_end()
        with self.server.connect() as client:
            self.assertEqual(answers.ask(client, GET).content, HELLO)
            answers.Reader(client).expect_end()


if __name__ == "__main__":
    tried.main()
