"""The look of the market: server-rendered pages in Russian and English.

The gateway's routes fill the contexts of `contexts` and call `render`. Nothing here asks a service, reads a clock or
decides a rule of the domain: a page is a pure function of its name, language and context.
"""

from services.gateway.web.preferences import Preferences, read_preferences
from services.gateway.web.theme import CONTENT_SECURITY_POLICY, STATIC_DIR
from services.gateway.web.views import PAGES, render

__all__ = ["CONTENT_SECURITY_POLICY", "PAGES", "STATIC_DIR", "Preferences", "read_preferences", "render"]
