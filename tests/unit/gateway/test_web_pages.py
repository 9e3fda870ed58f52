"""Every page, in both languages, with empty, usual and large contexts: whole, escaped, ordered, free of inline code."""

import re
from copy import deepcopy
from html.parser import HTMLParser
from typing import Any

import jinja2
import pytest

from services.gateway.web import CONTENT_SECURITY_POLICY, PAGES, render
from services.gateway.web.samples import SAMPLES, page, site
from services.gateway.web.text import LANGS, Lang

VOID = {"meta", "link", "img", "input", "br", "hr"}
CASES = [(name, size, lang) for name, sizes in SAMPLES.items() for size in sizes for lang in LANGS]
HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"


class Outline(HTMLParser):
    """Reads a page strictly: every element closed in its place; keeps tags, headings, ids, links."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[int] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        self.elements.append((tag, dict(attrs)))
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> inside {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def html(name: str, lang: Lang, value: Any, **changes: Any) -> str:
    return render(name, lang, **{"site": site(), "page": page(f"/{name}"), PAGES[name]: value, **changes})


def read(markup: str) -> Outline:
    outline = Outline()
    outline.feed(markup)
    outline.close()
    assert outline.open == [], f"never closed: {outline.open}"
    return outline


@pytest.mark.parametrize(("name", "size", "lang"), CASES)
def test_a_page_is_whole_and_ordered(name: str, size: str, lang: Lang) -> None:
    outline = read(html(name, lang, SAMPLES[name][size]))
    assert outline.all("html")[0]["lang"] == lang
    assert outline.headings.count(1) == 1
    assert outline.headings[0] == 1
    assert all(after - before <= 1 for before, after in zip(outline.headings, outline.headings[1:], strict=False))
    for landmark in ("header", "main", "footer"):
        assert len(outline.all(landmark)) == 1
    ids = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert next(a["href"] for a in outline.all("a")) == "#main-content", "the skip link is the first stop"
    targets = {a["href"] for a in outline.all("a") if (a["href"] or "").startswith("#")}
    assert targets <= {f"#{name}" for name in ids}
    labels = {label["for"] for label in outline.all("label")}
    assert all(field.get("id") in labels for tag in ("input", "select") for field in outline.all(tag))


@pytest.mark.parametrize(("name", "size", "lang"), CASES)
def test_a_page_needs_no_inline_code_and_nothing_from_elsewhere(name: str, size: str, lang: Lang) -> None:
    outline = read(html(name, lang, SAMPLES[name][size]))
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert not outline.all("style")
    for script in outline.all("script"):
        assert (script["src"] or "").startswith("/static/")
    for tag, attributes in outline.elements:
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag
        if tag in ("link", "img", "form"):
            address = attributes.get("href") or attributes.get("src") or attributes.get("action") or ""
            assert address.startswith("/"), (tag, address)
        assert not (attributes.get("href") or "").lower().startswith(("javascript:", "data:"))


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("name", PAGES)
def test_hostile_names_stay_words(name: str, lang: Lang) -> None:
    """Every text of a context replaced by markup: none of it becomes an element, all of it is readable."""
    for sample in SAMPLES[name].values():
        markup = html(name, lang, _poison(deepcopy(sample)), site=site(name=HOSTILE, region=HOSTILE, log_key=HOSTILE))
        outline = read(markup)
        assert "<script>" not in markup
        assert all("src" in script for script in outline.all("script"))
        assert all((image["src"] or "").startswith("/static/") for image in outline.all("img"))
        assert "alert('x')" in "".join(outline.text)


def test_a_website_that_is_code_is_not_a_link() -> None:
    provider = {**SAMPLES["provider"]["usual"], "website": "javascript:alert(1)"}
    outline = read(html("provider", "ru", provider))
    assert "javascript:alert(1)" in "".join(outline.text)
    assert not [a for a in outline.all("a") if "javascript" in (a["href"] or "")]


@pytest.mark.parametrize("name", PAGES)
def test_the_same_context_gives_the_same_page(name: str) -> None:
    assert html(name, "ru", SAMPLES[name]["usual"]) == html(name, "ru", deepcopy(SAMPLES[name]["usual"]))


@pytest.mark.parametrize("name", PAGES)
def test_no_page_mixes_its_own_words_of_two_languages(name: str) -> None:
    """Our samples have both languages everywhere, so an English page has no Cyrillic but numbers of documents."""
    if name == "error":  # says the same in the other language on purpose
        return
    visible = "".join(read(html(name, "en", SAMPLES[name]["usual"])).text)
    allowed = re.sub(r"(СЗ|Ж|С)-\d{4}-\d{6}|Л041\S+|Русский", "", visible)
    assert not re.findall("[А-Яа-яЁё]+", allowed)


def test_the_sandbox_is_named_on_every_page_and_only_there() -> None:
    for name in PAGES:
        sample = SAMPLES[name]["usual"]
        assert "Учебный регион: Беломорский край" in html(name, "ru", sample)
        assert "Учебный регион" not in html(name, "ru", sample, site=site(sandbox=False))


def test_switching_language_or_view_keeps_the_rest_of_the_address() -> None:
    here = page("/orders", query={"status": "open", "lang": "ru"})
    links = [a["href"] for a in read(html("orders", "ru", SAMPLES["orders"]["usual"], page=here)).all("a")]
    assert "/orders?status=open&lang=en" in links
    assert "/orders?status=open&lang=ru&view=black-on-white" in links
    large = page("/orders", query={"status": "open"}, view="white-on-black")
    outline = read(html("orders", "ru", SAMPLES["orders"]["usual"], page=large))
    assert "view-large view-white-on-black" in (outline.all("html")[0]["class"] or "")
    assert "/orders?status=open&view=normal" in [a["href"] for a in outline.all("a")]


def test_the_next_page_keeps_the_filters() -> None:
    orders = {**SAMPLES["orders"]["usual"], "filters": {"status": "open", "territory": "", "service": ""}}
    following = [a["href"] for a in read(html("orders", "ru", orders)).all("a") if a.get("rel") == "next"]
    assert following == ["/orders?status=open&cursor=b3JkZXItMjI"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 418, 422, 429, 500, 502, 503])
@pytest.mark.parametrize("lang", LANGS)
def test_an_error_says_its_request_in_both_languages(status: int, lang: Lang) -> None:
    markup = html("error", lang, {"status": status, "refusal": None, "retry_after_s": None})
    assert markup.count(page("/")["request_id"]) == 2
    assert "Номер запроса" in markup
    assert "Request number" in markup


def test_a_hole_in_a_context_is_an_error_and_not_a_blank() -> None:
    order = deepcopy(SAMPLES["order"]["usual"])
    del order["number"]
    with pytest.raises(jinja2.UndefinedError, match="number"):
        html("order", "ru", order)
    with pytest.raises(TypeError, match="order"):
        render("order", "ru", site=site(), page=page("/"))
    with pytest.raises(KeyError):
        render("nothing", "ru")
    with pytest.raises(ValueError, match="de"):
        render("order", "de", site=site(), page=page("/"), order=order)  # type: ignore[arg-type]


_CODES = {
    *("id", "status", "kind", "form", "forms", "flags", "key", "criterion", "formula", "way", "step", "source", "type"),
    *("statuses", "kinds", "sources", "types", "total", "score", "volume", "number", "area", "weight", "best_total"),
    *("bound", "coefficient", "share", "territory_coefficient", "category_coefficient"),
}


def _poison(value: Any, key: str = "") -> Any:
    """Return the context with every free text replaced; codes, moments and numbers keep their form."""
    if isinstance(value, dict):
        return {name: _poison(child, name) for name, child in value.items()}
    if isinstance(value, list):
        return [_poison(child, key) for child in value]
    is_moment = isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d", value)
    return HOSTILE if isinstance(value, str) and key not in _CODES and not is_moment else value
