"""The dashboard in a real browser: with a server (--url http://127.0.0.1:9465), else with a stand-in for one."""
import json
import sys
import unittest
import urllib.request

import browser
import made_up_server
import reading
import stand_in

GAUGES = {"totals.connections", "totals.queue_depth"}  # may fall


def fetched(url, path):
    with urllib.request.urlopen(url + path, timeout=10) as answer:
        return json.load(answer)


class Dashboard(unittest.TestCase):
    url = None

    @classmethod
    def setUpClass(cls):
        cls.stand_in = None
        if cls.url is None:
            cls.stand_in = stand_in.StandIn(made_up_server.SCENES["storm"](), period=0.3)
            cls.url = cls.stand_in.url
            cls.addClassCleanup(cls.stand_in.close)
        cls.browser = browser.Browser()
        cls.addClassCleanup(cls.browser.close)

    def open(self, **how):
        page = self.browser.open(self.url, before=reading.LISTEN, **how)
        self.addCleanup(page.close)
        reading.numbers(page)
        return page

    def test_numbers_on_the_page_are_those_of_the_status_that_it_heard(self):
        page = self.open()
        seen = reading.numbers(page)
        status = seen["status"]
        wrong = {path: (value, reading.at(status, path)) for path, value in seen["metrics"].items()
                 if value != reading.as_shown(reading.at(status, path))}
        self.assertEqual(wrong, {})
        self.assertGreater(len(seen["metrics"]), 15)
        self.assertEqual(seen["counts"], {path: f"{reading.at(status, path):,}" for path in seen["counts"]})
        self.assertEqual(seen["errors"], {code: str(n) for code, n in status["totals"]["errors_by_code"].items()})
        self.assertEqual(seen["causes"], {kind: str(n) for kind, n in status.get("deaths_by_cause", {}).items()})
        self.assertEqual(sorted(seen["pids"]), sorted(one["pid"] for one in status["processes"]))
        workers = [one for one in status["processes"] if one["role"] == "worker"]
        self.assertEqual(seen["workers"], {str(one["slot"]): str(one["connections"]) for one in workers})

    def test_totals_on_the_page_keep_up_with_those_at_status(self):
        page = self.open()
        before = reading.numbers(page)
        between = fetched(self.url, "/status")
        page.wait_for(f"window.heard.status.uptime_s > {between['uptime_s']}")
        after = reading.numbers(page)
        totals = {path for path in before["metrics"] if path.startswith("totals.") and path not in GAUGES}
        self.assertGreater(len(totals), 4)
        for path in totals:
            low, high = float(before["metrics"][path]), float(after["metrics"][path])
            self.assertLessEqual(low, reading.at(between, path), path)
            self.assertGreaterEqual(high, reading.at(between, path), path)

    def test_updates_arrive_by_themselves(self):
        page = self.open()
        shown = float(page.evaluate("document.documentElement.dataset.shown"))
        page.wait_for(f"Number(document.documentElement.dataset.shown) > {shown}")
        page.wait_for("document.getElementById('link').textContent === 'live'")

    def test_nothing_is_complained_of_and_nothing_comes_from_elsewhere(self):
        page = self.open()
        page.evaluate(reading.OPEN_ALL)
        page.evaluate("document.querySelector('.cell').click()")
        events = page.evaluate("window.heard.events")
        page.wait_for(f"window.heard.events > {events} + 2")
        self.assertEqual(page.complaints, [])
        strangers = [url for url in page.requests if not url.startswith((self.url, "data:"))]
        self.assertEqual(strangers, [])

    def test_nothing_is_wider_than_a_phone_or_any_other_screen(self):
        page = self.open(touch=True, width=360, height=800)
        for width in (320, 360, 800, 1280, 1920):
            page.show_as(width, touch=width < 500)
            reading.numbers(page)
            for script in ("", reading.OPEN_ALL):
                page.evaluate(script or "1")
                widths = page.evaluate(reading.WIDTHS)
                self.assertLessEqual(widths["page"], widths["window"], (width, script))

    def test_text_stands_out_in_both_themes(self):
        for dark in (False, True):
            page = self.open(dark=dark)
            page.evaluate(reading.OPEN_ALL)
            reading.numbers(page)
            found = page.evaluate(reading.PALE)
            self.assertGreater(found["texts"], 80)
            self.assertEqual(found["pale"], [], "dark" if dark else "light")

    def test_everything_is_reached_by_tab_and_seen_to_be(self):
        page = self.open()
        page.evaluate("document.getElementById('pause').click()")  # else what there is may change meanwhile
        there = page.evaluate(reading.NUMBER_STOPS)
        self.assertEqual(there["cell_stops"], 1)
        self.assertGreater(there["cells"], 2)
        reached = set()
        for _ in range(len(there["stops"]) + 2):
            page.press("Tab", number=9)
            focused = page.evaluate(reading.FOCUSED)
            if focused["stop"] is not None:
                reached.add(int(focused["stop"]))
                self.assertTrue(focused["seen"], there["stops"][int(focused["stop"])])
        missed = [name for i, name in enumerate(there["stops"]) if i not in reached]
        self.assertEqual(missed, [])

    def test_arrow_keys_move_among_the_processes_and_enter_keeps_one(self):
        page = self.open()
        page.evaluate("document.querySelector('.cell[tabindex=\"0\"]').focus()")
        keys = []
        for key in ("ArrowRight", "ArrowDown", "End"):
            page.press(key, number={"ArrowRight": 39, "ArrowDown": 40, "End": 35}[key])
            keys.append(page.evaluate("document.activeElement.dataset.key"))
            self.assertEqual(page.evaluate("document.querySelectorAll('.cell[tabindex=\"0\"]').length"), 1)
        self.assertEqual(len(set(keys)), 3)
        self.assertEqual(keys[-1], page.evaluate("[...document.querySelectorAll('.cell')].at(-1).dataset.key"))
        page.evaluate("document.activeElement.click()")
        page.evaluate("document.activeElement.blur()")
        self.assertFalse(page.evaluate("document.getElementById('details').hidden"))
        self.assertIn("pid", page.evaluate("document.getElementById('details-pairs').textContent"))

    def test_everything_has_a_name_for_a_screen_reader(self):
        count, without = reading.nameless(self.open())
        self.assertGreater(count, 20)
        self.assertEqual(without, [])


def main():
    if "--url" in sys.argv:
        at = sys.argv.index("--url")
        Dashboard.url = sys.argv[at + 1].rstrip("/")
        del sys.argv[at:at + 2]
    reading.main()


if __name__ == "__main__":
    main()
