"""What stands in smuggling_rows.py, against a real server: whole, one byte at a time, and cut in two at every point.
Behind each request comes another one. After an answer that closes, it must not be answered; after others, it must."""
import json
import re
import unittest

import answers
from conversation import Conversation, hold
from server import TIMEOUT, Server, listener, tried
from smuggling_rows import MAX_CONTENT, MAX_HEADER, all_rows

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
LONGEST_CUT = 200  # bytes; longer ones are sent whole, and in pieces of a thousand
CONFIGURATION = listener("unix:FOLDER/http.sock", max_header=MAX_HEADER, max_content=MAX_CONTENT,
                         frame_timeout="100s").replace(
    '"/hello" = "hello"', '"/hello" = "hello", "/smuggled" = "smuggled"') + """
[[handler]]
name = "smuggled"
builtin = "static"
options = { body = "smuggled" }
"""


class RowConversation(Conversation):
    """Knows what is wrong with what came back."""

    def __init__(self, client, row, pieces):
        super().__init__(client, pieces)
        self.row = row

    def answers(self):
        """All of them, but interim ones; and what is behind them."""
        found, rest = [], self.said
        while rest and (cut := answers.cut_answer(rest, not (self.row.is_head and not found))):
            answer, rest = cut
            if answer.status >= 200:
                found.append(answer)
        return found, rest

    def finish(self, seconds):
        """Receives to the end, or until the second request has its answer. What is wrong, or nothing."""
        try:
            self.receive_until(lambda: len(self.answers()[0]) == 2, seconds)
            wrong = self.wrong(*self.answers())
        except (TimeoutError, ConnectionResetError, answers.NoAnswer, UnicodeDecodeError) as error:
            wrong = f"{type(error).__name__} {error}"
        finally:
            self.client.close()
        if not wrong:
            return None
        cut = f" (cut after {len(self.pieces[0])})" if len(self.pieces) == 2 else ""
        return f"{self.row.name}{cut}: {wrong}; {self.said[:300]!r}"

    def wrong(self, found, rest):
        row = self.row
        if not found or found[0].status != row.status:
            return f"expected {row.status}, got {[answer.status for answer in found]}"
        goes_on = len(found) > 1
        if goes_on != row.goes_on:
            return f"expected that the connection {'goes on' if row.goes_on else 'closes'}"
        if goes_on and (found[1].status != 200 or found[1].content != b"smuggled"):
            return "the next request was not answered as it is"
        if rest or len(found) > 2 or self.has_ended == goes_on:
            return "more answers than requests, or an end where none is"
        first = found[0]
        if row.content is not None and first.content != row.content:
            return f"content {first.content[:50]!r} instead of {row.content[:50]!r}"
        if goes_on == (first.fields.get("connection") == "close"):
            return "says something else about the connection"
        return self.wrong_problem(first)

    def wrong_problem(self, answer):
        """RFC 9457, and what a status must have with it."""
        if answer.status in (405, 204) and not re.fullmatch(r"[A-Z]+(, [A-Z]+)*", answer.fields.get("allow", "")):
            return "no Allow"
        if answer.status < 400 or self.row.is_head:
            return None
        if answer.fields.get("content-type") != "application/problem+json":
            return "no problem"
        problem = json.loads(answer.content)
        return None if problem["status"] == answer.status and problem["detail"] else "a problem that says too little"


class SmugglingTable(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(CONFIGURATION)
        cls.addClassCleanup(cls.server.close)

    def try_all(self, plans):
        """Plans are rows with their pieces."""
        before = self.pids()
        talks = (RowConversation(self.server.connect_unix(), row, pieces) for row, pieces in plans)
        failures = []
        for talk in hold(self.server.connect_unix, talks):
            # Who has waited once for what does not come knows that something is wrong.
            if wrong := talk.finish(0.1 if failures else TIMEOUT):
                failures.append(wrong)
        self.assertFalse(failures, f"{len(failures)} of {len(plans)}:\n" + "\n".join(failures[:40]))
        self.assertEqual(before, self.pids(), "whatever is sent, no process ends by it")

    def pids(self):
        return sorted(process["pid"] for process in self.server.status()["processes"])

    def test_whole(self):
        self.try_all([(row, [row.request + SMUGGLED]) for row in all_rows()])

    def test_one_byte_at_a_time(self):
        rows = [row for row in all_rows() if len(row.request) < LONGEST_CUT]
        self.try_all([(row, [b"%c" % byte for byte in row.request] + [SMUGGLED]) for row in rows])

    def test_cut_at_every_point(self):
        rows = [row for row in all_rows() if len(row.request) < LONGEST_CUT and not row.one_of_many]
        self.try_all([(row, [row.request[:at], row.request[at:] + SMUGGLED])
                      for row in rows for at in range(1, len(row.request))])

    def test_long_ones_in_pieces(self):
        rows = [row for row in all_rows() if len(row.request) >= LONGEST_CUT]
        self.try_all([(row, [request[at:at + 1000] for at in range(0, len(request), 1000)])
                      for row in rows for request in [row.request + SMUGGLED]])


if __name__ == "__main__":
    tried.main()
