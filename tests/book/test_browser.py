"""The site in headless Chromium, from files, with no name resolvable: wide and narrow, light and dark."""

from __future__ import annotations

import pytest

from analysis.dosimetry.calculators import calculators

pytestmark = [pytest.mark.book, pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]

WIDTHS = (1280, 390)
MODES = ("light", "dark")
# The theme asks for its stored choice before there is one; nothing of ours.
KNOWN = ("Got invalid theme mode",)
OUTSIDE = """
  const scrolled = (e) => e && (getComputedStyle(e).overflowX !== "visible" || scrolled(e.parentElement));
  return [...document.querySelectorAll(".bd-article *")].filter((e) => {
    const box = e.getBoundingClientRect();
    return box.width > 0 && (box.right > window.innerWidth + 1 || box.left < -1) && !scrolled(e.parentElement);
  }).map((e) => e.tagName + "." + e.getAttribute("class") + " " + e.textContent.trim().slice(0, 40)).slice(0, 5);
"""
CHARTS = """
  return [...document.querySelectorAll("div.chart")].map((card) => {
    const svg = card.querySelector("svg");
    const box = svg.getBoundingClientRect();
    const drawing = svg.getBBox();
    return { id: card.id, drawn: card.dataset.drawn, svgs: card.querySelectorAll("svg").length,
             width: box.width, height: box.height, inked: drawing.width * drawing.height,
             card: card.getBoundingClientRect().width, label: svg.getAttribute("aria-label"),
             scale: box.width / Number(svg.getAttribute("width")),
             clipped: [...svg.querySelectorAll("text")].filter((t) => {
               const inside = t.getBoundingClientRect();
               return t.textContent.trim() && inside.width > 0 && inside.right > box.right + 12;
             }).map((t) => t.textContent) };
  });
"""
FORMULAS = "return [...document.querySelectorAll('.math')].map((m) => m.querySelectorAll('mjx-container svg').length);"
CONTRAST = """
  const channel = (v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4); };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const numbers = (c) => c.match(/[\\d.]+/g).map(Number);
  const ground = (e) => {
    const c = numbers(getComputedStyle(e).backgroundColor);
    return c.length === 3 || c[3] > 0.5 || !e.parentElement ? c : ground(e.parentElement);
  };
  const poor = [];
  for (const e of document.querySelectorAll(".study-table td, .study-table th, caption, figcaption, .result, p, li")) {
    const [a, b] = [light(numbers(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const text = e.textContent.trim();
    if (ratio < 4.5 && text) poor.push(`${e.tagName} ${ratio.toFixed(1)} ${text.slice(0, 30)}`);
  }
  return poor.slice(0, 5);
"""


@pytest.fixture(scope="module", params=[(width, mode) for width in WIDTHS for mode in MODES], ids=str)
def looks(request, browser, site):
    """Every page opened once at this width and in this mode: what was seen on it."""
    width, mode = request.param
    browser.look_like(width=width, dark=mode == "dark")
    browser.open(site.html / "README.html")  # the theme stores its choice on the first page
    browser.console(), browser.requests()
    seen = {}
    for page in site.pages:
        browser.open(page)
        seen[page.stem] = {
            "width": browser.run("return [document.documentElement.scrollWidth, window.innerWidth]"),
            "outside": browser.run(OUTSIDE),
            "charts": browser.run(CHARTS),
            "formulas": browser.run(FORMULAS),
            "contrast": browser.run(CONTRAST),
            "mode": browser.run("return document.documentElement.dataset.theme"),
            "console": [line for line in browser.console() if not any(known in line for known in KNOWN)],
            "requests": [url for url in browser.requests() if not url.startswith(("file:", "data:", "blob:"))],
        }
    return request.param, seen


def test_pages_take_the_mode_of_the_system(looks):
    (_, mode), seen = looks
    assert {page["mode"] for page in seen.values()} == {mode}


def test_no_page_is_wider_than_the_screen(looks):
    _, seen = looks
    assert [name for name, page in seen.items() if page["width"][0] > page["width"][1]] == []


def test_nothing_hangs_over_the_edge_of_the_screen(looks):
    _, seen = looks
    assert {name: page["outside"] for name, page in seen.items() if page["outside"]} == {}


def test_every_chart_is_drawn_once_with_a_size_and_an_alternative_text(looks):
    _, seen = looks
    charts = [(name, chart) for name, page in seen.items() for chart in page["charts"]]
    assert len(charts) > 20
    for name, chart in charts:
        assert chart["drawn"] == "live", (name, chart)
        assert chart["svgs"] == 1, (name, chart)
        assert chart["width"] > 200, (name, chart)
        assert chart["height"] > 60, (name, chart)
        assert chart["inked"] > 0, (name, chart)
        assert chart["label"], (name, chart)


def test_every_chart_fits_its_card_without_being_scaled_down(looks):
    _, seen = looks
    for name, page in seen.items():
        for chart in page["charts"]:
            assert chart["width"] <= chart["card"], (name, chart)
            assert chart["scale"] > 0.9, (name, chart)


def test_no_text_of_a_chart_is_cut_off(looks):
    _, seen = looks
    cut = {name: chart["clipped"] for name, page in seen.items() for chart in page["charts"] if chart["clipped"]}
    assert cut == {}


def test_every_formula_is_set(looks):
    _, seen = looks
    assert sum(len(page["formulas"]) for page in seen.values()) > 3
    assert all(count > 0 for page in seen.values() for count in page["formulas"])


def test_the_console_stays_clean(looks):
    _, seen = looks
    assert {name: page["console"] for name, page in seen.items() if page["console"]} == {}


def test_nothing_is_asked_of_the_network(looks):
    _, seen = looks
    assert {name: page["requests"] for name, page in seen.items() if page["requests"]} == {}


def test_text_stands_out_from_its_ground(looks):
    _, seen = looks
    assert {name: page["contrast"] for name, page in seen.items() if page["contrast"]} == {}


def test_charts_follow_the_window_from_narrow_to_wide(browser, site):
    browser.look_like(width=390)
    browser.open(site.html / "chapters" / "survival.html")
    narrow = browser.run(CHARTS)[0]["width"]
    browser.look_like(width=1280)
    browser.run_async("setTimeout(arguments[0], 600)")
    wide = browser.run(CHARTS)[0]
    assert wide["width"] > narrow
    assert wide["scale"] > 0.9


def test_without_scripts_the_static_drawings_stand(browser, site):
    browser.cdp("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.command("url", {"url": (site.html / "chapters" / "survival.html").as_uri()})
        sizes = browser.run(
            "return [...document.querySelectorAll('div.chart > svg')].map((s) => s.getBoundingClientRect().height);"
        )
    finally:
        browser.cdp("Emulation.setScriptExecutionDisabled", value=False)
    assert sizes
    assert min(sizes) > 60


def test_choosing_a_patient_fades_the_others(browser, site):
    browser.look_like(width=1280)
    browser.open(site.html / "chapters" / "patients.html")
    faded = "return [...document.querySelectorAll('.mark-rect path')].map((p) => Number(p.getAttribute('opacity')));"
    before = browser.run(faded)
    browser.run(
        """const choice = document.querySelector("select.patient-choice");
        choice.value = choice.options[1].value;
        choice.dispatchEvent(new Event("change"));"""
    )
    browser.run_async("setTimeout(arguments[0], 600)")
    after = browser.run(faded)
    assert len(set(before)) == 1
    assert sorted(set(after)) != sorted(set(before))
    assert after.count(max(after)) == 1


def test_search_finds_a_page_from_files(browser, site):
    browser.look_like(width=1280)
    browser.open(site.html / "search.html", "?q=survival")
    browser.run_async(
        """const done = arguments[0]; const started = Date.now();
        (function wait() {
          if (document.querySelector("#search-results li a") || Date.now() - started > 15000) done(1);
          else setTimeout(wait, 50);
        })();"""
    )
    assert "survival.html" in browser.run("return document.querySelector('#search-results').innerHTML")


@pytest.mark.parametrize("calculator", calculators(), ids=lambda calculator: calculator.id)
def test_calculator_in_the_browser_equals_python_over_a_grid(calculator, browser, site):
    browser.look_like(width=1280)
    page = site.html / "chapters" / "dosimetry.html"
    if browser.run("return location.pathname") != page.as_posix():
        browser.open(page)
    for values in _grid(calculator):
        shown = browser.run(_SET, f"calculator-{calculator.id}", values)
        expected = calculator.python(values)
        for name, value in expected.items():
            assert float(shown[name]) == pytest.approx(value, rel=1e-3, abs=1e-9), (values, name)


def test_calculator_reset_brings_the_defaults_back(browser, site):
    browser.open(site.html / "chapters" / "dosimetry.html")
    for calculator in calculators():
        browser.run(_SET, f"calculator-{calculator.id}", {item.name: item.max for item in calculator.inputs})
        browser.run(
            "document.getElementById(arguments[0]).querySelector('button').click()", f"calculator-{calculator.id}"
        )
        browser.run_async("setTimeout(arguments[0], 50)")
        shown = browser.run(_READ, f"calculator-{calculator.id}")
        for name, value in calculator.python(calculator.defaults()).items():
            assert float(shown[name]) == pytest.approx(value, rel=1e-3)


def test_calculators_carry_their_warning_and_formula(browser, site):
    browser.open(site.html / "chapters" / "dosimetry.html")
    forms = browser.run("return [...document.querySelectorAll('form.calculator')].map((f) => f.textContent)")
    assert len(forms) == len(calculators())
    for form, calculator in zip(forms, calculators(), strict=True):
        assert "Illustration, not for treatment planning." in form
        assert all(output.formula.replace("^", "") in form for output in calculator.outputs)
        assert "Math." not in form


_READ = """
  const form = document.getElementById(arguments[0]);
  return Object.fromEntries([...form.querySelectorAll("output[data-formula]")].map((o) => [o.dataset.name, o.dataset.value]));
"""
_SET = """
  const form = document.getElementById(arguments[0]);
  for (const [name, value] of Object.entries(arguments[1])) form.elements[name].value = String(value);
  form.dispatchEvent(new Event("input"));
""" + _READ.replace("const form = document.getElementById(arguments[0]);", "")


def _grid(calculator):
    """Lower end, default and upper end of each input with the others at default, and both ends of all together."""
    defaults = calculator.defaults()
    yield defaults
    for item in calculator.inputs:
        for value in (item.min, item.max):
            yield defaults | {item.name: value}
    yield {item.name: item.min for item in calculator.inputs}
    yield {item.name: item.max for item in calculator.inputs}
