"""windlass.toml(5) and the shipped windlass.toml have every key that --print-config has, with its range and default."""
import pathlib
import re
import tempfile
import tomllib
import unittest

import manual

# Lines that a block needs when it is no comment any more, and keys that need another one beside them.
REQUIRED = {"listener": ["address"], "handler": ["name", "builtin", "library"]}
COMPANIONS = {"pool.min": "max", "master.group": "user", "listener.routes": "protocol"}


class Checked:
    """What windlassd makes of a configuration."""

    def __init__(self, text):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "windlass.toml"
            file.write_text(text)
            # Not --check, which looks for libraries, and those of examples are nowhere.
            checked = manual.run(manual.BUILD / "windlassd", "--print-config", f"--config={file}")
            self.complaints = checked.stderr
            self.config = tomllib.loads(checked.stdout) if checked.returncode == 0 else {}

    def values_of(self, full_name):
        """What the key is set to; a list, because listeners and handlers are several."""
        table, _, name = full_name.partition(".")
        entries = self.config[table]
        return [entry[name] for entry in (entries if isinstance(entries, list) else [entries]) if name in entry]


def lines_for(line, lines):
    """The numbers of the lines that must be no comments for this one to count."""
    block = [other for other in lines if other.header == line.header]
    wanted = [line.name, COMPANIONS.get(line.full_name), *REQUIRED.get(line.table, [])]
    return {line.header} | {other.number for other in block if other.name in wanted}


class WindlassToml5(unittest.TestCase):
    def test_each_key_has_an_item_and_no_other_has(self):
        self.assertEqual(sorted(manual.documented_keys()), sorted(manual.key_names()))

    def test_ranges_names_and_defaults_are_those_printed(self):
        items = manual.documented_keys()
        for key in manual.keys():
            said = items[key.full_name].partition("\n")[0]
            with self.subTest(key.full_name):
                for fact in key.facts():
                    self.assertIn(fact, said)
                if not key.default:
                    self.assertRegex(said, "; (not set by default|required)[.]$")

    def test_what_a_reload_cannot_change_is_what_the_server_refuses(self):
        source = (manual.SOURCE / "common" / "config_diff.cc").read_text()
        text = manual.section(manual.page("windlass.toml.5"), "Reload", "Ss")
        self.assertEqual(sorted(re.findall(r"^\.Ql (master\.\w+)", text, re.MULTILINE)),
                         sorted(re.findall(r'"(\w+\.\w+)"', source)))

    def test_options_of_built_ins_are_named(self):
        source = (manual.SOURCE / "common" / "builtin_handlers.cc").read_text()
        options = re.findall(r'\{"(\w+)", (?:true|false), "[^"]*"(?:,[\s/*=\w]*)?\}', source)
        text = manual.page("windlass.toml.5")
        self.assertEqual(sorted(re.findall(r"^Option\n\.Ql (\w+)", text, re.MULTILINE)), sorted(options))

    def test_examples_are_valid(self):
        examples = manual.literals(manual.section(manual.page("windlass.toml.5"), "EXAMPLES"))
        self.assertGreater(len(examples), 2)
        for text in examples:
            with self.subTest(text):
                self.assertEqual(Checked(text).complaints, "")

    def test_keys_that_other_pages_name_exist(self):
        for path in sorted(manual.PAGES.glob("*.[0-9]")):
            named = re.findall(r"^\.Ql ((?:master|workers|pool|log|admin|listener|handler)\.\w+)", path.read_text(),
                               re.MULTILINE)
            with self.subTest(path.name):
                self.assertLessEqual(set(named), manual.key_names())


class ShippedConfiguration(unittest.TestCase):
    def test_is_valid_and_has_one_listener(self):
        checked = Checked(manual.SHIPPED.read_text())
        self.assertEqual(checked.complaints, "")
        listeners = checked.config["listener"]
        self.assertEqual([(one["protocol"], one["address"]) for one in listeners], [("message", "127.0.0.1:65432")])

    def test_is_the_same_as_no_configuration(self):
        builtin = tomllib.loads(manual.printed_config())
        self.assertEqual(Checked(manual.SHIPPED.read_text()).config, builtin)

    def test_has_every_key_and_no_other(self):
        self.assertEqual({line.full_name for line in manual.shipped_lines()}, manual.key_names())

    def test_defaults_are_those_printed(self):
        # The first of those that stand there more than once: what comes later is an example.
        shown = {line.full_name: line.value for line in reversed(manual.shipped_lines())}
        for key in manual.keys():
            with self.subTest(key.full_name):
                if key.default:
                    self.assertEqual(shown[key.full_name], key.default)

    def test_each_line_counts_when_it_is_no_comment_any_more(self):
        lines = manual.shipped_lines()
        for line in lines:
            with self.subTest(line.text):
                checked = Checked(manual.shipped_with(lines_for(line, lines)))
                self.assertEqual(checked.complaints, "")
                self.assertIn(line.parsed(), checked.values_of(line.full_name))

    def test_all_lines_together_are_valid(self):
        lines = manual.shipped_lines()
        numbers = {line.number for line in lines} | {line.header for line in lines}
        self.assertEqual(Checked(manual.shipped_with(numbers)).complaints, "")

    def test_each_key_is_below_a_comment(self):
        """Of its own, or of the keys that it stands with."""
        lines = manual.SHIPPED.read_text().splitlines()
        for line in manual.shipped_lines():
            above = next(text for text in reversed(lines[:line.number]) if not re.match(r"#?(\w+ = |\[)", text))
            with self.subTest(line.text):
                self.assertTrue(above.startswith("# "))


if __name__ == "__main__":
    manual.main()
