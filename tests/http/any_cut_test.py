"""Requests that nobody has thought of: those of the table with bytes changed, put in and taken out. Nobody knows what
the answers must be, but they must not depend on how the bytes arrive, must be to what a strict reader finds there, and
no process may end by them."""
import os
import random
import re
import socket
import unittest

import answers
import strict_reader
from conversation import Conversation, hold
from server import Server, listener, tried
from smuggling_rows import all_rows

REQUESTS = int(os.environ.get("WINDLASS_FUZZ_REQUESTS", "5000"))
SEED = int(os.environ.get("WINDLASS_FUZZ_SEED", "9112"))
BEHIND = b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n" * 2
TOKENS = [b"\r", b"\n", b"\r\n", b"\r\n\r\n", b" ", b"\t", b"\0", b":", b";", b",", b'"', b"\\", b"0", b"5", b"f",
          b"%", b"\x0b", b"\x80", b"a" * 50, b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n",
          b"Host: b\r\n", b"HTTP/1.0", b"Connection: close\r\n", b"Expect: 100-continue\r\n",
          b"5\r\nhello\r\n", b"0\r\n\r\n", b';a="b"', b"HEAD ", b"POST "]


def changed(source, request):
    """With one to three changes."""
    for _ in range(source.randint(1, 3)):
        at = source.randrange(len(request) + 1)
        taken = source.choice([0, 0, 1, 1, 2, 10])
        put = source.choice([b"", bytes([source.randrange(256)]), source.choice(TOKENS), request[at:at + 20]])
        request = request[:at] + put + request[at + taken:]
    return request


def changed_requests(source):
    originals = [row.request for row in all_rows() if len(row.request) < 2000 and not row.one_of_many]
    for _ in range(REQUESTS):
        yield changed(source, source.choice(originals)) + BEHIND


def pieces_of(source, request):
    """Cut at one to ten points."""
    cuts = sorted(source.sample(range(1, len(request)), min(source.randint(1, 10), len(request) - 1)))
    return [request[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(request)])]


def without_words(said):
    """Answers without what is different each time, or depends on how the bytes came: who has sent the content already
    is not told to go on with it, and the sentence that explains an error may have a number in it."""
    said = said.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")
    said = re.sub(rb"\r\nDate: [^\r]*", b"", said)
    said = re.sub(rb'"detail": ".*?"\}', b"", said)
    return re.sub(rb"(problem\+json\r\nContent-Length: )\d+", rb"\1", said)


def taken_wrongly(data, said):
    """What is wrong, or nothing. That the server says no, and closes, never is."""
    while True:
        is_head = data.lstrip(b"\r\n").startswith(b"HEAD ")
        try:
            request, data = strict_reader.cut_request(data)
        except (strict_reader.Incomplete, strict_reader.Malformed) as error:
            return wrong_end(error, said)
        cut = answers.cut_answer(said, has_content=not is_head)
        while cut is not None and cut[0].status < 200:
            cut = answers.cut_answer(cut[1], has_content=not is_head)
        if cut is None:
            return "no answer"
        answer, said = cut
        if wrong := wrong_content(request, answer):
            return wrong
        if answer.fields.get("connection") == "close":
            return "more answers after the last" if said else None


def wrong_end(error, said):
    """Of what is said when there is no whole request any more: an error, and the end, or nothing. What needs no content
    (OPTIONS, errors) may be answered before it has come."""
    if isinstance(error, strict_reader.Incomplete) and said in (b"", b"HTTP/1.1 100 Continue\r\n\r\n"):
        return None
    cut = answers.cut_answer(said, has_content=False)  # it may have one, and is the last in any case
    if cut is None or b"HTTP/1.1 " in cut[1] or not (cut[0].status == 204 or cut[0].status >= 400):
        return f"more than an error to {error!r}"
    closes = cut[0].fields.get("connection") == "close"
    return None if closes or isinstance(error, strict_reader.Incomplete) else f"it goes on after {error!r}"


def wrong_content(request, answer):
    if (request.method, request.target, answer.status) != (b"POST", b"/h/echo", 200):
        return None
    return None if answer.content == request.content else f"the content was {request.content!r}"


class AnyCut(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # A client that has sent all, and says so, needs no timeout to see whether anything more comes.
        # No head comes near its limit: which of two faults is found first may depend on how the bytes come.
        cls.server = Server(listener("unix:FOLDER/http.sock", max_content=10_000, half_close="answer"))
        cls.addClassCleanup(cls.server.close)

    def said_to(self, plans):
        """What comes back of each, to the end, when the client has sent its pieces and says that this was all."""
        before = self.server.status()["processes"]
        talks = (Conversation(self.server.connect_unix(), pieces) for pieces in plans)
        said = []
        for talk in hold(self.server.connect_unix, talks):
            try:
                talk.client.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it has ended
            talk.receive_until(lambda: False)
            talk.client.close()
            said.append(talk.said)
        self.assertEqual([process["pid"] for process in before],
                         [process["pid"] for process in self.server.status()["processes"]])
        self.assertEqual(len(said), len(plans))
        return said

    def expect_none(self, wrong):
        self.assertFalse(wrong, f"{len(wrong)} with seed {SEED}:\n" + "\n\n".join(wrong[:10]))

    def test_gives_the_same_answers(self):
        source = random.Random(SEED)
        plans = [pieces for request in changed_requests(source) for pieces in ([request], pieces_of(source, request))]
        said = [without_words(each) for each in self.said_to(plans)]
        self.expect_none([f"{pieces}\nwhole:  {whole!r}\npieces: {cut!r}"
                          for pieces, whole, cut in zip(plans[1::2], said[::2], said[1::2]) if whole != cut])

    def test_nothing_is_taken_that_a_strict_reader_would_not_take(self):
        """And what is taken is the same request: the server goes on only where the next one really begins."""
        requests = list(changed_requests(random.Random(SEED + 1)))
        said = self.said_to([[request] for request in requests])
        self.expect_none([f"{request!r}\n{wrong}: {answer!r}" for request, answer in zip(requests, said)
                          if (wrong := taken_wrongly(request, answer))])


if __name__ == "__main__":
    tried.main()
