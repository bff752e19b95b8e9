"""The dashboard of a real server, with requests, crashes and a reload behind it: what dashboard_test.py asks of the page."""
import pathlib
import sys
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "http"))
import server  # noqa: E402
import dashboard_test  # noqa: E402
import reading  # noqa: E402

FAULT = f"""
[[handler]]
name = "fault"
library = "{server.tried.BUILD}/plugins/fault.so"
idempotent = false
"""


class DashboardOfARealServer(dashboard_test.Dashboard):
    @classmethod
    def setUpClass(cls):
        running = server.Server(FAULT + server.listener("127.0.0.1:0"), workers=2, pool=2, admin="127.0.0.1:0")
        cls.addClassCleanup(running.close)
        for path, body in [("/hello", None), ("/h/search?value=ring", None), ("/h/nothing", None),
                           ("/h/fault", b'{"action": "fault", "kind": "segv"}')] * 3:
            try:
                urllib.request.urlopen(urllib.request.Request(running.url(path), data=body), timeout=20).read()
            except urllib.error.HTTPError as error:
                error.read()
        running.reload()
        cls.url = f"http://127.0.0.1:{running.admin_port}"
        super().setUpClass()


if __name__ == "__main__":
    reading.main()
