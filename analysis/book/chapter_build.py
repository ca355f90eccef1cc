"""Build one chapter anew, into the site that is there: seconds instead of minutes while a chapter is written.

Sphinx reads and executes that chapter only, since what it knows of the others was saved beside the site by `make site`.
The work is done on a copy; the site is touched when the page is complete. All other pages stay as they are, so the data
must be those that the site was built from.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from difflib import get_close_matches
from pathlib import Path

from adapters.contract import load_manifest
from analysis.errors import BookError
from analysis.settings import REPOSITORY

SITE = Path("html")  # below the build folder
# What Sphinx and MyST-NB know of all pages: their trees, and the numbers that one page shows of another.
STATE = (Path("doctrees"), Path("jupyter_execute"))
DATA_HASH = re.compile(r'class="data-hash">([0-9a-f]+)<')


def rebuild(name: str, root: Path = REPOSITORY) -> Path:
    """Execute `chapters/NAME.md` and put its page into `_build/html`; returns the page.

    Raises BookError without such a chapter, without a site, for a site of other data, and where the chapter fails.
    """
    chapter, build = _chapter(name, root), root / "_build"
    page = build / SITE / "chapters" / f"{name}.html"
    _require_same_data(page)
    with tempfile.TemporaryDirectory(prefix="chapter-", dir=build) as folder:
        work = Path(folder)
        for part in (SITE, *STATE):
            shutil.copytree(build / part, work / part)
        _run_sphinx(root, chapter, work)
        _publish(name, work, build)
    return page


def _chapter(name: str, root: Path) -> Path:
    chapter = root / "chapters" / f"{name}.md"
    if not chapter.is_file():
        known = sorted(file.stem for file in (root / "chapters").glob("*.md"))
        near = get_close_matches(name, known, n=1)
        raise BookError(f"there is no chapter {name!r}; {'did you mean ' + near[0] if near else ', '.join(known)}?")
    return chapter


def _require_same_data(page: Path) -> None:
    build = page.parents[2]
    if not page.is_file() or not all((build / part).is_dir() for part in STATE):
        raise BookError("there is no site that this page belongs to; run `make site` first")
    built_from = DATA_HASH.search(page.read_text("utf-8"))
    if built_from is None or built_from[1] != load_manifest()["hash"]:
        raise BookError("the site was built from other tables than those of the last pull; run `make site`")


def _run_sphinx(root: Path, chapter: Path, work: Path) -> None:
    from jupyter_book.sphinx import build_sphinx  # takes seconds to import

    overrides = {
        "external_toc_path": (root / "_toc.yml").as_posix(),
        "latex_individualpages": False,
        "nitpicky": True,
        "pages_to_execute": [chapter.relative_to(root).with_suffix("").as_posix()],
    }
    outcome = build_sphinx(
        root,
        work / SITE,
        doctreedir=work / STATE[0],
        noconfig=True,
        path_config=root / "_config.yml",
        confoverrides=overrides,
        filenames=[str(chapter)],
        warningiserror=True,
        keep_going=True,
        quiet=True,
    )
    if outcome:
        raise BookError(f"{chapter.name} could not be built; the messages above say why, and the site is unchanged")


def _publish(name: str, work: Path, build: Path) -> None:
    """Move the page, the files that it shows and the search index into the site."""
    for file in sorted(file for part in ("_images", "_downloads") for file in (work / SITE / part).rglob("*")):
        place = build / SITE / file.relative_to(work / SITE)
        if file.is_file() and not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            file.replace(place)
    for part in (Path("searchindex.js"), Path("chapters") / f"{name}.html"):
        (work / SITE / part).replace(build / SITE / part)
    for part in STATE:
        shutil.rmtree(build / part)
        (work / part).rename(build / part)
