"""Writes every sample page into a folder, to look at without any service.

``python -m services.gateway.web.preview FOLDER`` makes it.

Serve the folder (``python -m http.server --directory FOLDER``), because pages name their files from the root.
"""

import shutil
import sys
from pathlib import Path

from services.gateway.web.samples import SAMPLES, page, site
from services.gateway.web.text import LANGS
from services.gateway.web.theme import STATIC_DIR
from services.gateway.web.views import PAGES, render


def write(folder: Path) -> list[Path]:
    """Write ``<page>.<size>.<lang>.html`` and the static files; return the pages' paths."""
    shutil.copytree(STATIC_DIR, folder / "static", dirs_exist_ok=True)
    written = []
    for name, sizes in SAMPLES.items():
        for size, value in sizes.items():
            for lang in LANGS:
                path = folder / f"{name}.{size}.{lang}.html"
                html = render(name, lang, site=site(), page=page(f"/{name}"), **{PAGES[name]: value})
                path.write_text(html, encoding="utf-8")
                written.append(path)
    return written


if __name__ == "__main__":
    print(f"{len(write(Path(sys.argv[1])))} pages in {sys.argv[1]}")
