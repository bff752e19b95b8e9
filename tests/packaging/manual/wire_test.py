"""windlass-wire(7) shows what a server says, byte for byte."""
import re
import socket
import subprocess
import tempfile
import unittest

import manual


def frames():
    """The displays of whole frames. A line that is broken for the page goes on with the blank of the next one."""
    shown = manual.literals(manual.section(manual.page("windlass-wire.7"), "MESSAGE"))
    return [bytes_of("".join(text.splitlines())) for text in shown if text.startswith("\\x00")]


def bytes_of(text):
    return re.sub(rb"\\x([0-9a-f]{2})", lambda hexadecimal: bytes.fromhex(hexadecimal[1].decode()), text.encode())


def ask(address, request):
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := client.recv(65536):
            answer += piece
    return answer


class WindlassWire7(unittest.TestCase):
    def listen(self, protocol):
        """Starts a server, and returns where it listens."""
        folder = self.enterContext(tempfile.TemporaryDirectory())
        server = self.enterContext(subprocess.Popen(
            [manual.BUILD / "windlassd", f"--listen={protocol}://127.0.0.1:0", "--workers=1", "--pool=1",
             f"--set=master.control={folder}/control.sock"], stderr=subprocess.PIPE, text=True))
        self.addCleanup(server.terminate)
        for line in server.stderr:
            if listening := re.search(r"listening protocol=\w+ address=(\S+)", line):
                return listening.group(1)
        raise AssertionError("it does not listen")

    def test_message_frames_are_what_a_server_says(self):
        shown = frames()
        self.assertGreaterEqual(len(shown), 6)
        address = self.listen("message")
        for request, answer in zip(shown[0::2], shown[1::2], strict=True):
            with self.subTest(request):
                self.assertEqual(ask(address, request), answer)

    def test_line_and_length_answer_as_shown(self):
        for protocol in ["line", "length"]:
            text = manual.section(manual.page("windlass-wire.7"), protocol.upper())
            request, answer = [block.strip().replace("\\n", "\n").encode() for block in manual.literals(text)]
            with self.subTest(protocol):
                self.assertEqual(ask(self.listen(protocol), request), answer)

    def test_error_codes_are_those_of_the_readme(self):
        said = re.search(r"^Errors: (.*?)\. `line`", (manual.SOURCE / "README.md").read_text(), re.M | re.S).group(1)
        text = manual.section(manual.page("windlass-wire.7"), "ERROR ANSWERS")
        self.assertEqual(sorted(re.findall(r"^\.It Li (\w+)", text, re.MULTILINE)),
                         sorted(re.findall(r"`(\w+)`", said)))

    def test_header_keys_are_those_of_the_framing(self):
        source = (manual.SOURCE / "worker" / "framing" / "message_header.cc").read_text()
        names = re.search(r"kKeyNames = \{(.*?)\};", source, re.DOTALL).group(1)
        text = manual.section(manual.page("windlass-wire.7"), "MESSAGE")
        self.assertEqual(set(re.findall(r"^\.It Li ([a-z-]+)", text, re.MULTILINE)),
                         set(re.findall(r'"([a-z-]+)"', names)))


if __name__ == "__main__":
    manual.main()
