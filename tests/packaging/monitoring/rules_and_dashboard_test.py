"""tools/monitoring: Prometheus accepts it, every alert has been seen to fire, and every metric that it names exists."""
import json
import pathlib
import re
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import tried  # noqa: E402

MONITORING = tried.SOURCE / "tools/monitoring"
RULE_TESTS = pathlib.Path(__file__).with_name("alerts_test.yml")
METRICS = tried.SOURCE / "worker/admin/metrics_text.cc"


def alerts():
    """Of each alert its part of the file, by name. Read as text: the tests need no YAML parser."""
    parts = re.split(r"^      - alert: (\w+)$", (MONITORING / "alerts.yml").read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def dashboard():
    return json.loads((MONITORING / "grafana-dashboard.json").read_text())


def expressions(part):
    """All that Grafana asks Prometheus for."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key in ("expr", "definition"):
                yield value
            else:
                yield from expressions(value)
    elif isinstance(part, list):
        for value in part:
            yield from expressions(value)


def metrics_named(text):
    """Without what a histogram adds to its name."""
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"\bwindlass_[a-z0-9_]+", text)}


class Prometheus(unittest.TestCase):
    def setUp(self):
        if shutil.which("promtool") is None:
            self.skipTest("not installed: prometheus (promtool)")

    def test_accepts_the_rules(self):
        tried.output_of("promtool", "check", "rules", MONITORING / "alerts.yml")

    def test_accepts_the_example_configuration(self):
        tried.output_of("promtool", "check", "config", MONITORING / "prometheus.yml")

    def test_fires_each_alert_when_it_should(self):
        tried.output_of("promtool", "test", "rules", RULE_TESTS)

    def test_understands_what_the_dashboard_asks(self):
        """As rules, because promtool takes no single expression: variables of Grafana get values first."""
        asked = [re.sub(r"\$__rate_interval", "1m", one) for one in expressions(dashboard())
                 if not one.startswith("label_values")]
        self.assertGreater(len(asked), 30)
        rules = {"groups": [{"name": "dashboard", "rules": [{"record": f"r:{i}", "expr": one} for i, one in enumerate(asked)]}]}
        folder = tried.BUILD / "tests"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "dashboard_expressions.yml"
        path.write_text(json.dumps(rules))  # JSON is YAML, too
        tried.output_of("promtool", "check", "rules", "--lint=none", path)


class Alerts(unittest.TestCase):
    def test_each_says_what_is_so_and_what_to_do(self):
        self.assertGreater(len(alerts()), 10)
        for name, text in alerts().items():
            for needed in ("summary: ", "description: ", "action: ", "severity: "):
                self.assertIn(needed, text, name)

    def test_each_has_a_test_in_which_it_fires(self):
        fired = set(re.findall(r'labels: \'\{alertname="(\w+)"', RULE_TESTS.read_text()))
        self.assertEqual(set(alerts()) - fired, set())

    def test_commands_that_they_advise_exist(self):
        usage = (tried.SOURCE / "tools/ctl/ctl_options.cc").read_text()
        for command in set(re.findall(r"windlassctl ([a-z-]+)", (MONITORING / "alerts.yml").read_text())):
            self.assertIn(f'{{"{command}"', usage, command)


class Dashboard(unittest.TestCase):
    def test_asks_the_data_source_that_is_chosen(self):
        for panel in dashboard()["panels"]:
            if panel["type"] != "row":
                self.assertEqual(panel["datasource"]["uid"], "${datasource}", panel["title"])
                self.assertTrue(panel["targets"], panel["title"])

    def test_panels_have_numbers_of_their_own_and_do_not_overlap(self):
        panels = dashboard()["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        taken = {}
        for panel in panels:
            at = panel["gridPos"]
            self.assertLessEqual(at["x"] + at["w"], 24, panel["title"])
            for x in range(at["x"], at["x"] + at["w"]):
                for y in range(at["y"], at["y"] + at["h"]):
                    self.assertNotIn((x, y), taken, (panel["title"], taken.get((x, y))))
                    taken[x, y] = panel["title"]


class Metrics(unittest.TestCase):
    def setUp(self):
        if not METRICS.exists():
            self.skipTest(f"no {METRICS.relative_to(tried.SOURCE)}")

    def test_that_alerts_name_exist(self):
        named = metrics_named(" ".join(alerts().values()))
        self.assertEqual(named - self.existing(), set())

    def test_that_the_dashboard_names_exist(self):
        named = metrics_named(" ".join(expressions(dashboard())))
        self.assertEqual(named - self.existing(), set())

    @staticmethod
    def existing():
        """Names in the source are written as they are, or without windlass_ and _total, which the code adds."""
        text = "".join(path.read_text() for path in METRICS.parent.glob("metrics*.cc"))
        words = set(re.findall(r'"([a-z][a-z0-9_]+)"', text)) | metrics_named(text)
        bare = {word.removeprefix("windlass_").removesuffix("_total") for word in words}
        return {f"windlass_{word}" for word in bare} | {f"windlass_{word}_total" for word in bare}


if __name__ == "__main__":
    tried.main()
