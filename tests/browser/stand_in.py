"""A stand-in for the admin process: serves the dashboard page with its security headers, and a made-up server's /status,
/deaths and /events, which a test can bring into every situation.

    stand_in.py --port 9470 --scene storm      # to look at the page in a browser
"""
import argparse
import base64
import hashlib
import http.server
import json
import pathlib
import re
import threading
import time

import made_up_server

PAGE = pathlib.Path(__file__).resolve().parents[2] / "worker/admin/dashboard/index.html"


def content_security_policy(page):
    """What the admin process sends: nothing runs but the page's own script and style."""
    def hashes(element):
        return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
                        for text in re.findall(f"<{element}>(.*?)</{element}>", page, re.DOTALL))
    return (f"default-src 'none'; style-src {hashes('style')}; script-src {hashes('script')}; connect-src 'self'; "
            "img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'")


class StandIn:
    """Listens on 127.0.0.1 (url); `server` is what it tells of. Ended by close()."""

    def __init__(self, server, port=0, period=1.0):
        self.server = server
        self.period = period
        self.refuse_streams = False   # /events answers 503
        self.silent = False           # streams stay open and say nothing
        self.unreachable = False      # every connection is closed without an answer
        self._epoch = 0               # streams of an earlier epoch end
        self._lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer._answer(self)

            def log_message(self, *_):
                pass

        class Threads(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_):  # the browser went away in the middle of an answer
                pass

        self._http = Threads(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def break_streams(self):
        self._epoch += 1

    def close(self):
        self.unreachable = True
        self.break_streams()
        self._http.shutdown()
        self._http.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _answer(self, request):
        if self.unreachable:
            request.close_connection = True
            return
        if request.path == "/":
            page = PAGE.read_text(encoding="utf-8")
            self._send(request, 200, "text/html; charset=utf-8", page,
                       {"Content-Security-Policy": content_security_policy(page)})
        elif request.path == "/status":
            self._send(request, 200, "application/json", self._text("status"))
        elif request.path == "/deaths":
            self._send(request, 200, "application/json", self._text("deaths"))
        elif request.path == "/events" and not self.refuse_streams:
            self._stream(request)
        else:
            self._send(request, 503 if request.path == "/events" else 404, "text/plain", "not now")

    def _text(self, what):
        with self._lock:
            self.server.catch_up(time.monotonic())
            return json.dumps(getattr(self.server, what)())

    @staticmethod
    def _send(request, status, content_type, text, headers=None):
        content = text.encode()
        request.send_response(status)
        for key, value in {"Content-Type": content_type, "Content-Length": str(len(content)),
                           "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
                           "Cache-Control": "no-store", **(headers or {})}.items():
            request.send_header(key, value)
        request.end_headers()
        request.wfile.write(content)

    def _stream(self, request):
        request.close_connection = True
        request.send_response(200)
        request.send_header("Content-Type", "text/event-stream")
        request.send_header("Cache-Control", "no-store")
        request.end_headers()
        epoch, told = self._epoch, None
        while epoch == self._epoch:
            if not self.silent:
                deaths = self._text("deaths")
                if deaths != told:
                    request.wfile.write(f"event: deaths\ndata: {deaths}\n\n".encode())
                    told = deaths
                request.wfile.write(f"event: status\ndata: {self._text('status')}\n\n".encode())
                request.wfile.flush()
            time.sleep(self.period)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=9470)
    parser.add_argument("--scene", choices=sorted(made_up_server.SCENES), default="load")
    options = parser.parse_args()
    with StandIn(made_up_server.SCENES[options.scene](), options.port) as stand_in:
        print(f"{stand_in.url} shows {options.scene}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
