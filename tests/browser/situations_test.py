"""What the dashboard shows when things go wrong with the server or the way to it, which a stand-in brings about."""
import re
import unittest

import browser
import made_up_server
import reading
import stand_in

LOST = "!document.getElementById('lost').hidden && document.getElementById('lost-text').textContent"
LINK = "document.getElementById('link').textContent"
ANNOUNCED = "document.getElementById('announce').textContent"


class Situation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = browser.Browser()
        cls.addClassCleanup(cls.browser.close)

    def show(self, scene, **how):
        """The page beside a stand-in for a server in that scene, which tells its news five times a second."""
        self.server = made_up_server.SCENES[scene]()
        self.stand_in = stand_in.StandIn(self.server, period=0.2)
        self.addCleanup(self.stand_in.close)
        page = self.browser.open(self.stand_in.url, before=reading.LISTEN, **how)
        self.addCleanup(page.close)
        reading.numbers(page)  # deaths come before them
        return page

    @staticmethod
    def after_updates(page, count=2):
        events = page.evaluate("window.heard.events || 0")
        page.wait_for(f"window.heard.events >= {events + 2 * count}")
        reading.numbers(page)


class Link(Situation):
    def test_a_broken_stream_is_made_again(self):
        page = self.show("load")
        page.wait_for(f"{LINK} === 'live'")
        self.stand_in.break_streams()
        page.wait_for(f"{LINK} !== 'live'")
        page.wait_for(f"{LINK} === 'live'")

    def test_a_server_that_is_gone_is_said_to_be_and_found_again(self):
        page = self.show("load")
        page.wait_for(f"{LINK} === 'live'")
        self.stand_in.unreachable = True
        self.stand_in.break_streams()
        # First that the stream broke, and soon that there is nobody to ask.
        said = page.wait_for(f"{LOST}.includes('cannot be reached') && {LOST}")
        self.assertRegex(said, "These numbers are .* old: the server cannot be reached; .*try")
        self.assertTrue(page.evaluate("document.documentElement.classList.contains('stale')"))
        self.assertIn("no news", page.evaluate("document.title"))
        page.wait_for(f"{ANNOUNCED}.includes('No connection to the server')")
        self.stand_in.unreachable = False
        page.wait_for(f"{LINK} === 'live' && document.getElementById('lost').hidden")
        self.assertFalse(page.evaluate("document.documentElement.classList.contains('stale')"))
        page.wait_for(f"{ANNOUNCED}.includes('live again')")

    def test_where_streams_are_refused_the_numbers_are_asked_for(self):
        page = self.show("load")
        self.stand_in.refuse_streams = True
        self.stand_in.break_streams()
        page.wait_for(f"{LINK} === 'polling'")
        shown = page.evaluate("document.documentElement.dataset.shown")
        page.wait_for(f"Number(document.documentElement.dataset.shown) > {shown}")
        self.assertTrue(page.evaluate("document.getElementById('lost').hidden"))

    def test_a_stream_that_says_nothing_is_not_waited_for(self):
        page = self.show("load")
        page.wait_for(f"{LINK} === 'live'")
        self.stand_in.silent = True
        page.wait_for(f"{LINK} === 'polling'")
        self.stand_in.silent = False
        page.wait_for(f"{LINK} === 'live'")

    def test_another_server_at_the_same_place_begins_anew(self):
        page = self.show("load")
        self.after_updates(page)
        self.stand_in.server = self.server = made_up_server.MadeUpServer(workers=1, pool=1)
        self.server.pid = 99
        page.wait_for("document.getElementById('pid').dataset.value === '99'")
        self.after_updates(page)
        self.assertEqual(page.evaluate("document.querySelector('[data-now=\"requests\"]').textContent"), "0")
        self.assertEqual(page.evaluate("document.querySelectorAll('.column').length"), 1)


class Trouble(Situation):
    def test_whatever_a_name_or_a_stack_holds_is_text(self):
        page = self.show("hostile")
        page.evaluate(reading.OPEN_ALL)
        self.after_updates(page)
        for query in ("#deaths .what", "#deaths .stack", "#slow .what", "#reloads", "#errors", "#causes",
                      ".generation h3", "#trouble", "[data-role=helpers]"):
            text = page.evaluate(f"document.querySelector('{query}').textContent")
            self.assertIn("<img src=x onerror=", text, query)
            self.assertIn("\u2039U+202E\u203a", text, query)
            self.assertNotIn("\u202e", text, query)
        self.assertEqual(page.evaluate("document.querySelectorAll('img, main script, [onerror], [style*=url]').length"), 0)
        self.assertIn("Windlass", page.evaluate("document.title"))
        self.assertEqual(page.complaints, [])
        for width in (360, 1280):
            page.show_as(width, touch=width < 500)
            widths = page.evaluate(reading.WIDTHS)
            self.assertLessEqual(widths["page"], widths["window"], width)

    def test_no_pool_process_is_said_at_the_top(self):
        page = self.show("degraded")
        self.assertEqual(page.evaluate("document.getElementById('state').dataset.tone"), "bad")
        self.assertIn("No pool process", page.wait_for("document.getElementById('trouble').textContent"))
        self.assertEqual(page.evaluate("document.querySelectorAll('.cell[data-kind=\"missing\"]').length"), 8)
        found = page.evaluate(reading.PALE)
        self.assertEqual(found["pale"], [])

    def test_the_same_crash_again_and_again_is_one_entry_that_counts(self):
        page = self.show("storm")
        page.evaluate("document.querySelector('#deaths details').open = true")
        before = int(page.wait_for("document.querySelector('#deaths .times').dataset.times"))
        for _ in range(3):
            self.server.crash(self.server.of_role("pool")[0])
        page.wait_for(f"Number(document.querySelector('#deaths .times').dataset.times) >= {before + 3}")
        self.assertTrue(page.evaluate("document.querySelector('#deaths details').open"))
        rows = page.evaluate("document.querySelectorAll('#deaths details[open] tbody tr').length")
        self.assertGreaterEqual(rows, before + 3)
        self.assertIn("jpeg::HuffmanTable", page.evaluate("document.querySelector('#deaths .stack').textContent"))

    def test_deaths_that_differ_only_in_numbers_are_the_same(self):
        page = self.show("idle")
        for late in (507, 561):
            self.server.crash(self.server.of_role("pool")[0], f"was killed by SIGKILL (Killed): job 180{late} is {late}ms late",
                              [f"hang() (fault.so+0x10f{late})"], "fault", kind="deadline")
        page.wait_for("document.querySelector('#deaths .times')?.textContent === '\u00d7 2'")
        self.assertEqual(page.evaluate("document.querySelectorAll('#deaths details').length"), 1)
        page.evaluate(reading.OPEN_ALL)
        page.wait_for("document.querySelector('#deaths .stack').textContent.includes('0x10f561')")  # of the latest

    def test_a_storm_is_announced_once_not_each_crash(self):
        page = self.show("idle")
        self.after_updates(page)
        for _ in range(5):
            self.server.crash(self.server.of_role("pool")[0])
            self.after_updates(page, 1)
        page.wait_for(f"{ANNOUNCED}.includes('more deaths')")
        self.assertEqual(len(re.findall("more deaths", page.evaluate(ANNOUNCED))), 1)


class Reload(Situation):
    def test_both_generations_are_seen_and_each_step_is_announced(self):
        page = self.show("load")
        self.after_updates(page)
        self.server.begin_reload()
        page.wait_for("document.querySelectorAll('.generation').length === 2")
        self.assertEqual(page.evaluate("document.getElementById('state').textContent"), "reloading")
        page.wait_for(f"{ANNOUNCED}.includes('Windlass is reloading')")
        self.server.hand_over()
        page.wait_for(f"{ANNOUNCED}.includes('Generation 2 serves')")
        page.wait_for("document.querySelector('#reloads .verdict')?.textContent.includes('done')")
        old = page.evaluate("document.querySelectorAll('.generation:last-child .cell[data-kind=\"draining\"]').length")
        self.assertGreater(old, 8)

    def test_one_that_fails_is_said_at_the_top_with_its_reason(self):
        page = self.show("load")
        self.after_updates(page)
        self.server.fail_reload("windlass.toml:2:1: unknown key 'workers.cuont'")
        page.wait_for("document.getElementById('trouble').textContent.includes('workers.cuont')")
        page.wait_for(f"{ANNOUNCED}.includes('Reload failed')")
        page.wait_for("document.querySelector('#reloads .verdict').textContent.includes('failed')")


class Reader(Situation):
    def test_a_page_that_is_paused_stays_as_it_is(self):
        page = self.show("load")
        self.after_updates(page)
        page.evaluate("document.getElementById('pause').click()")
        before = page.evaluate("document.getElementById('main').textContent")
        events = page.evaluate("window.heard.events")
        page.wait_for(f"window.heard.events > {events + 4}")
        self.assertEqual(page.evaluate("document.getElementById('main').textContent"), before)
        page.evaluate("document.getElementById('pause').click()")
        page.wait_for(f"document.getElementById('main').textContent !== {before!r}")

    def test_focus_stays_where_it_was_while_numbers_change(self):
        page = self.show("storm")
        page.evaluate("document.querySelector('[data-role=\"pool\"] .cell').focus()")
        key = page.evaluate("document.activeElement.dataset.key")
        self.after_updates(page, 4)
        self.assertEqual(page.evaluate("document.activeElement.dataset.key"), key)

    def test_a_thousand_processes_cost_only_what_has_changed(self):
        page = self.show("crowd")
        self.server.rate = self.server.crashes = 0
        self.after_updates(page, 8)  # CPU shares have come to rest
        page.evaluate("""new Promise((resolve) => {
          window.changes = 0;
          new MutationObserver((all) => { window.changes += all.length; }).observe(
            document.getElementById('generations'), { subtree: true, childList: true, attributes: true, characterData: true });
          resolve();
        })""")
        events = page.evaluate("window.heard.events")
        self.server.processes[500]["state"] = "draining"
        self.after_updates(page, 5)
        updates = page.evaluate("window.heard.events") - events
        changes = page.evaluate("window.changes")
        self.assertEqual(page.evaluate("document.querySelectorAll('.cell').length"), 1002)
        self.assertGreater(changes, 2)  # of the one that drains: the observer works
        self.assertLess(changes, 10 * updates)


if __name__ == "__main__":
    reading.main()
