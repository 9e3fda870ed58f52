"""The theme: where templates, stylesheet and macros come from, and the security policy that the pages keep.

Guarantees: every value is escaped unless a template marks its own markup safe; a page needs no inline script or style,
nothing from another host; the address of a static file changes with its content, so it may be cached for a year.
"""

import hashlib
from functools import cache
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, PrefixLoader, Undefined

from services.gateway.web.links import link

_HERE = Path(__file__).parent
STATIC_DIR = _HERE / "static"
TEMPLATES_DIR = _HERE / "templates"

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "font-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""For the header Content-Security-Policy of every HTML answer."""


class LoudUndefined(Undefined):
    """A value the context lacks: may be asked for ("is it there?"), but not printed, so that a hole is not silent."""

    def __str__(self) -> str:
        raise self._undefined_exception(self._undefined_message)

    __html__ = __str__


@cache
def static_link(name: str) -> str:
    """Return the address of a static file with a part of its SHA-256. FileNotFoundError when it was not built."""
    digest = hashlib.sha256((STATIC_DIR / name).read_bytes()).hexdigest()
    return link("static", {"v": digest[:12]}, name=name)


@cache
def bare_environment() -> Environment:
    """Return the Jinja environment without the words and filters that `views` adds."""
    loader = ChoiceLoader(
        [
            FileSystemLoader(TEMPLATES_DIR),
            PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}),
        ]
    )
    return Environment(
        loader=loader, autoescape=True, undefined=LoudUndefined, trim_blocks=True, lstrip_blocks=True, auto_reload=False
    )
