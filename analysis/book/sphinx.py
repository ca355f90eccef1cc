"""Sphinx extension of the book: banner and data hash on every page, scripts from packages, the answers on page one.

Vega comes from vl-convert and MathJax from sphinx-mathjax-offline, both pinned in the lock file, so that the site needs
no network. They are written below `chapters/assets/vendor` when a build starts.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

import vl_convert

from adapters.contract import SettingsError, load_manifest, require_settings_of_pull
from analysis.book.abbreviations import explain
from analysis.book.chapters import banner, footer
from analysis.settings import load_study

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx
    from sphinx.config import Config
    from sphinx.environment import BuildEnvironment

VENDOR = Path("chapters") / "assets" / "vendor"
MATHJAX = "sphinx-mathjax-offline/static/mathjax/tex-svg.js"
DATA_HASH = "study_data_hash"  # attribute of Sphinx's environment, saved with it
ANSWERS_HERE = "<!-- answers -->"  # invisible where the README is read as a file
ANSWERS = Path("chapters") / "fragments" / "answers.md"


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the extension."""
    app.add_config_value("pages_to_execute", [], "")
    app.connect("config-inited", _prepare)
    app.connect("env-get-outdated", _outdated)
    app.connect("source-read", _insert_answers)
    app.connect("doctree-resolved", _explain_abbreviations)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def write_scripts(root: Path) -> None:
    """Write Vega and MathJax below `root`, once; equal files are left alone."""
    folder = root / VENDOR
    folder.mkdir(parents=True, exist_ok=True)
    # In a function of its own: Vega's top-level names would collide with those of Sphinx's search.
    bundle = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # the stub forgets the default
    _write(folder / "vega.js", f"(function () {{\n{bundle}\n}})();\n")
    mathjax = distribution("sphinx-mathjax-offline").locate_file(MATHJAX)
    _write(folder / "mathjax-tex-svg.js", Path(str(mathjax)).read_text("utf-8"))


def _write(path: Path, text: str) -> None:
    if path.exists() and path.read_text("utf-8") == text:
        return
    fresh = path.with_suffix(".fresh")
    fresh.write_text(text, "utf-8")
    fresh.replace(path)


def _prepare(app: Sphinx, config: Config) -> None:
    manifest = load_manifest()
    _require_settings(manifest)
    write_scripts(Path(app.srcdir))
    options = config.html_theme_options
    options["announcement"] = banner(manifest)
    options["extra_footer"] = footer(manifest)


def _outdated(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], _removed: set[str]
) -> Collection[str]:
    """Pages to execute although their text is as it was: those asked for, and all of them when the data are others."""
    now, before = load_manifest()["hash"], getattr(env, DATA_HASH, None)
    setattr(env, DATA_HASH, now)
    return list(app.config.pages_to_execute) if before == now else env.found_docs - added - changed


def _require_settings(manifest: Mapping[str, Any]) -> None:
    """End the build with one line where the settings are wrong or not those of the tables: no page would be right.

    Any other exception would make Jupyter Book print a page of traceback and exit code 1.
    """
    try:
        load_study()
        require_settings_of_pull(manifest)
    except SettingsError as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(error.exit_code) from None


def _explain_abbreviations(_app: Sphinx, doctree: nodes.document, _docname: str) -> None:
    explain(doctree)


def _insert_answers(app: Sphinx, _docname: str, source: list[str]) -> None:
    if ANSWERS_HERE in source[0]:
        answers = (Path(app.srcdir) / ANSWERS).read_text("utf-8")
        source[0] = source[0].replace(ANSWERS_HERE, answers)
