"""What tests ask of the dashboard in a browser: scripts that run in the page, and what a test makes of their answers."""
import sys

import browser

sys.path.insert(0, str(browser.pathlib.Path(__file__).resolve().parents[1] / "packaging"))
import tried  # noqa: E402  (skipping, as the tests of the packaging do it)

# Before the page's own script: what comes by the stream is kept for comparison.
LISTEN = """
window.heard = {};
const add = EventSource.prototype.addEventListener;
EventSource.prototype.addEventListener = function (name, handler) {
  return add.call(this, name, (event) => {
    window.heard[name] = JSON.parse(event.data);
    window.heard.events = (window.heard.events || 0) + 1;
    handler(event);
  });
};
"""
# All numbers of the page with the status they are of, once it shows the latest.
NUMBERS = """(() => {
  const status = window.heard?.status;
  if (!status || document.documentElement.dataset.shown !== String(status.uptime_s)) return null;
  const all = (query, key) => Object.fromEntries([...document.querySelectorAll(query)].map(
    (element) => [element.dataset[key], element.dataset.value]));
  const counts = Object.fromEntries([...document.querySelectorAll('[data-format="count"]')].map(
    (element) => [element.dataset.metric, element.textContent]));
  return { status, counts, metrics: all('[data-metric]', 'metric'), errors: all('[data-error]', 'error'),
           causes: all('[data-cause]', 'cause'), workers: all('[data-worker]', 'worker'),
           pids: [...document.querySelectorAll('.cell')].map((cell) => Number(cell.dataset.pid)) };
})()"""
# Texts whose contrast with what is behind them is below 4.5, and glyphs whose is below 3.
PALE = """(() => {
  const parse = (text) => [...text.matchAll(/rgba?\\(([^)]+)\\)/g)].map((one) => {
    const [r, g, b, a = 1] = one[1].split(/[ ,/]+/).filter(Boolean).map(Number);
    return { r, g, b, a };
  });
  const over = (top, under) => Object.fromEntries(['r', 'g', 'b'].map(
    (key) => [key, top[key] * top.a + under[key] * (1 - top.a)]));
  const light = ({ r, g, b }) => {
    const [x, y, z] = [r, g, b].map((one) => one / 255).map(
      (one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const contrast = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  function grounds(element) {   // a gradient gives more than one
    const layers = [];
    for (let one = element; one; one = one.parentElement) {
      const style = getComputedStyle(one);
      const colours = [...parse(style.backgroundImage), ...parse(style.backgroundColor)].filter(({ a }) => a > 0);
      if (colours.length) layers.push(colours);
      if (colours.some(({ a }) => a === 1) && colours.length === 1) break;
    }
    layers.push([{ r: 255, g: 255, b: 255, a: 1 }]);
    let under = layers.pop();
    while (layers.length) {
      const tops = layers.pop();
      under = tops.flatMap((top) => (top.a === 1 ? [top] : under.map((one) => over(top, one))));
    }
    return under;
  }
  const pale = [];
  const judge = (element, colour, least, what) => {
    for (const ground of grounds(element)) {
      const found = contrast(over(colour, ground), ground);
      if (found < least) pale.push(`${what}: ${found.toFixed(2)}`);
    }
  };
  const visible = (element) => element.checkVisibility({ visibilityProperty: true }) && !element.closest('.unseen, .skip');
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let texts = 0;
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || ['SCRIPT', 'NOSCRIPT'].includes(element.tagName) || !visible(element)) continue;
    const style = getComputedStyle(element);
    const [colour] = parse(element instanceof SVGElement ? style.fill : style.color);
    judge(element, colour, 4.5, walker.currentNode.data.trim().slice(0, 40));
    texts += 1;
  }
  for (const glyph of document.querySelectorAll('.glyph')) {
    if (visible(glyph)) judge(glyph, parse(getComputedStyle(glyph, '::before').color)[0], 3, 'glyph');
  }
  return { texts, pale: [...new Set(pale)] };
})()"""
WIDTHS = "({ page: document.documentElement.scrollWidth, window: document.documentElement.clientWidth })"
OPEN_ALL = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
# Everything that can be worked with gets a number; cells of the tree are one stop of Tab, moved in by arrow keys.
NUMBER_STOPS = """(() => {
  const query = 'a[href], button, input, select, textarea, summary, [tabindex]';
  const stops = [...document.querySelectorAll(query)].filter((one) => one.checkVisibility({ visibilityProperty: true })
    && !one.disabled && one.id !== 'main' && !(one.matches('.cell') && one.tabIndex < 0));
  stops.forEach((one, i) => { one.dataset.stop = i; });
  return { stops: stops.map((one) => `${one.tagName} ${one.id || one.textContent.trim().slice(0, 30)}`),
           cells: document.querySelectorAll('.cell').length,
           cell_stops: stops.filter((one) => one.matches('.cell')).length };
})()"""
FOCUSED = """(() => {
  const one = document.activeElement;
  const style = getComputedStyle(one);
  return { stop: one.dataset.stop ?? null, seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1 };
})()"""


def skip_without_browser():
    if not browser.found():
        tried.skip("not installed: chromium")


def main():
    skip_without_browser()
    tried.main()


def numbers(page, seconds=20):
    """What the page shows and the status that it heard."""
    return page.wait_for(NUMBERS, seconds)


def at(status, path):
    """The value that `totals.requests` and the like name; AssertionError when a status has no such thing."""
    value = status
    for key in path.split("."):
        if not isinstance(value, dict) or key not in value:
            raise AssertionError(f"the page shows {path}, which /status has not")
        value = value[key]
    return value


def as_shown(value):
    """A number or text as the page's data-value has it."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return repr(value) if isinstance(value, float) else str(value)


def nameless(page):
    """What a screen reader would have no name for."""
    page.call("Accessibility.enable")
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    wanted = {"button", "link", "checkbox", "DisclosureTriangle", "region", "image", "img", "heading", "group",
              "complementary", "table"} - {"table", "group"}
    found = [(node["role"]["value"], (node.get("name") or {}).get("value", "")) for node in nodes
             if not node.get("ignored") and node.get("role", {}).get("value") in wanted]
    return len(found), [role for role, name in found if not name.strip()]
