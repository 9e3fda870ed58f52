"""The pages' routes: a page asks services, pure functions make a context of the replies, `render` does the rest."""

from services.gateway.web.pages.routes import add_pages, error_page

__all__ = ["add_pages", "error_page"]
