"""Many clients at once that send what they have to say in pieces, and keep all that comes back."""
import socket

import answers
from server import HELLO, TIMEOUT

AT_ONCE = 500  # connections


class Conversation:
    """One of them, on a connection of its own."""

    def __init__(self, client, pieces):
        self.client = client
        self.client.settimeout(None)  # or MSG_DONTWAIT would wait
        self.pieces = pieces
        self.said = b""  # by the server
        self.has_ended = False

    def send(self, number):
        """Its piece of that number, if it has one, and if it is still listened to."""
        while not self.has_ended:
            try:
                self.take(self.client.recv(1 << 18, socket.MSG_DONTWAIT))
            except BlockingIOError:
                break
        if self.has_ended or number >= len(self.pieces):
            return
        try:
            self.client.sendall(self.pieces[number])
        except (BrokenPipeError, ConnectionResetError):
            pass  # what it was told before is what counts

    def take(self, piece):
        self.said += piece
        self.has_ended = not piece

    def receive_until(self, is_enough, seconds=TIMEOUT):
        """Or to the end."""
        self.client.settimeout(seconds)
        while not self.has_ended and not is_enough():
            self.take(self.client.recv(1 << 18))


def hold(connect, talks):
    """Makes and holds each of the conversations, some hundred at a time; gives them when all is sent. All pieces of one
    number go out before the next ones, and the server has received them by then: it answers a client that came, and
    asks, last. (With one worker. It is no promise of the kernel's, but nearly always so.)"""
    talks = iter(talks)
    while batch := [talk for _, talk in zip(range(AT_ONCE), talks)]:
        with connect() as last:
            for number in range(max(len(talk.pieces) for talk in batch)):
                for talk in batch:
                    talk.send(number)
                if answers.ask(last, b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").content != HELLO:
                    raise AssertionError("an answer that was not asked for")
        yield from batch
