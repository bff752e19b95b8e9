"""What stands in smuggling_rows.py, against a real server: whole, one byte at a time, and cut in two at every point.
Behind each request comes another one. After an answer that closes, it must not be answered; after others, it must."""
import json
import re
import socket
import unittest

import answers
from server import HELLO, TIMEOUT, Server, listener, tried
from smuggling_rows import MAX_CONTENT, MAX_HEADER, all_rows

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
LONGEST_CUT = 200    # bytes; longer ones are sent whole only
AT_ONCE = 500        # connections
CONFIGURATION = listener("unix:FOLDER/http.sock", max_header=MAX_HEADER, max_content=MAX_CONTENT,
                         frame_timeout="5s").replace(
    '"/hello" = "hello"', '"/hello" = "hello", "/smuggled" = "smuggled"') + """
[[handler]]
name = "smuggled"
builtin = "static"
options = { body = "smuggled" }
"""


class Conversation:
    """Sends the pieces of a request one by one, and keeps all that comes back."""

    def __init__(self, server, row, pieces):
        self.row = row
        self.pieces = pieces
        self.client = server.connect_unix()
        self.client.settimeout(None)  # or MSG_DONTWAIT would wait
        self.said = b""
        self.has_ended = False

    def send(self, number):
        self.receive_what_is_there()
        if self.has_ended or number >= len(self.pieces):
            return
        try:
            self.client.sendall(self.pieces[number])
        except (BrokenPipeError, ConnectionResetError):
            pass  # what it was told before is what counts

    def receive_what_is_there(self):
        while not self.has_ended:
            try:
                piece = self.client.recv(1 << 18, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            self.take(piece)

    def take(self, piece):
        self.said += piece
        self.has_ended = not piece

    def answers(self):
        """All of them, but interim ones."""
        found, rest = [], self.said
        while rest and (cut := answers.cut_answer(rest, not (self.row.is_head and not found))):
            answer, rest = cut
            if answer.status >= 200:
                found.append(answer)
        return found, rest

    def finish(self):
        """Receives to the end, or until the second request has its answer. What is wrong, or nothing."""
        self.client.settimeout(TIMEOUT)
        try:
            while not self.has_ended and len(self.answers()[0]) < 2:
                self.take(self.client.recv(1 << 18))
            return self.wrong(*self.answers())
        except (TimeoutError, ConnectionResetError, answers.NoAnswer, UnicodeDecodeError) as error:
            return f"{type(error).__name__} {error}; {self.said[:300]!r}"
        finally:
            self.client.close()

    def wrong(self, found, rest):
        row = self.row
        said = f"; {self.said[:300]!r}"
        if not found or found[0].status != row.status:
            return f"expected {row.status}, got {[answer.status for answer in found]}{said}"
        goes_on = len(found) > 1
        if goes_on != row.goes_on:
            return f"expected that the connection {'goes on' if row.goes_on else 'closes'}{said}"
        if goes_on and (found[1].status != 200 or found[1].content != b"smuggled"):
            return f"the next request was not answered as it is{said}"
        if rest or len(found) > 2 or self.has_ended == goes_on:
            return f"more answers than requests, or an end where none is{said}"
        first = found[0]
        if row.content is not None and first.content != row.content:
            return f"content {first.content[:50]!r} instead of {row.content[:50]!r}{said}"
        if goes_on == (first.fields.get("connection") == "close"):
            return f"says something else about the connection{said}"
        return self.wrong_problem(first)

    def wrong_problem(self, answer):
        """RFC 9457, and what a status must have with it."""
        if answer.status in (405, 204) and not re.fullmatch(r"[A-Z]+(, [A-Z]+)*", answer.fields.get("allow", "")):
            return f"no Allow: {answer.fields}"
        if answer.status < 400 or self.row.is_head:
            return None
        if answer.fields.get("content-type") != "application/problem+json":
            return f"no problem: {answer.fields}"
        problem = json.loads(answer.content)
        return None if problem["status"] == answer.status and problem["detail"] else f"what problem is {problem}?"


class SmugglingTable(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.server = Server(CONFIGURATION)
        cls.addClassCleanup(cls.server.close)

    def hold(self, plans):
        """Plans are rows with their pieces. All pieces of one number go out before the next ones, and the server has
        received them by then: it answers a client that came, and asks, last."""
        before = self.pids()
        failures = []
        for first in range(0, len(plans), AT_ONCE):
            talks = [Conversation(self.server, *plan) for plan in plans[first:first + AT_ONCE]]
            with self.server.connect_unix() as last:
                for number in range(max(len(talk.pieces) for talk in talks)):
                    for talk in talks:
                        talk.send(number)
                    for _ in range(2):
                        self.assertEqual(answers.ask(last, b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").content, HELLO)
            for talk in talks:
                wrong = talk.finish()
                if wrong:
                    cut = f" (cut after {len(talk.pieces[0])})" if len(talk.pieces) == 2 else ""
                    failures.append(f"{talk.row.name}{cut}: {wrong}")
        self.assertFalse(failures, f"{len(failures)} of {len(plans)}:\n" + "\n".join(failures[:40]))
        self.assertEqual(before, self.pids(), "whatever is sent, no process ends by it")

    def pids(self):
        return sorted(process["pid"] for process in self.server.status()["processes"])

    def test_whole(self):
        self.hold([(row, [row.request + SMUGGLED]) for row in all_rows()])

    def test_one_byte_at_a_time(self):
        rows = [row for row in all_rows() if len(row.request) < LONGEST_CUT]
        self.hold([(row, [b"%c" % byte for byte in row.request + SMUGGLED]) for row in rows])

    def test_cut_at_every_point(self):
        rows = [row for row in all_rows() if len(row.request) < LONGEST_CUT and not row.one_of_many]
        self.hold([(row, [row.request[:at], row.request[at:] + SMUGGLED])
                   for row in rows for at in range(1, len(row.request))])

    def test_long_ones_in_pieces(self):
        rows = [row for row in all_rows() if len(row.request) >= LONGEST_CUT]
        self.hold([(row, [request[at:at + 1000] for at in range(0, len(request), 1000)])
                   for row in rows for request in [row.request + SMUGGLED]])


if __name__ == "__main__":
    tried.main()
