"""How answers travel: compressed where everybody may read them, kept by browsers where they don't change."""

from __future__ import annotations

import re

import pytest

from tests.component.gateway.conftest import KEEPER, Site

GZIP = {"Accept-Encoding": "gzip"}
HTML = {"Accept": "text/html"}


@pytest.mark.parametrize("path", ["/log", "/openapi.json", "/metrics", "/docs/assets/swagger-ui.css"])
def test_what_everybody_may_read_is_compressed(site: Site, path: str) -> None:
    plain, packed = site.requests(
        [
            ("GET", path, {"headers": HTML | {"Accept-Encoding": "identity"}}),
            ("GET", path, {"headers": HTML | GZIP}),
        ]
    )
    assert "content-encoding" not in plain.headers and packed.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["vary"]
    if path != "/metrics":  # which counts these very requests
        assert len(packed.text) == pytest.approx(len(plain.text), rel=0.02)
    assert int(packed.headers.get("content-length", 0)) < len(plain.content) / 2


def test_an_answer_to_somebody_or_to_a_command_is_never_compressed(site: Site) -> None:
    box = site.box()
    token = {"Authorization": f"Bearer {site.market.token(KEEPER)}"}
    answers = site.requests(
        [
            ("GET", "/log", {"headers": HTML | GZIP | token}),
            ("GET", "/api/v1/log?limit=50", {"headers": GZIP | token}),
            (
                "POST",
                f"/api/v1/boxes/{box}/things",
                {"headers": site.headers() | GZIP, "json": {"amount": 1, "x" * 2000: 1}},
            ),
        ]
    )
    assert all("content-encoding" not in answer.headers for answer in answers)
    assert max(len(answer.content) for answer in answers) > 1024


def test_static_files_are_kept_for_a_year_by_their_content(site: Site) -> None:
    page = site.request("GET", "/log", headers=HTML).text
    links = re.findall(r"/static/[\w.]+\?v=[0-9a-f]+", page)
    assert any("market.css" in link for link in links) and any("market.js" in link for link in links)
    asked = [*links, "/static/market.css", "/static/market.css?v=000000000000", "/docs/assets/swagger-ui.css"]
    answers = site.requests([("GET", link, {}) for link in asked])
    assert [answer.status_code for answer in answers] == [200] * len(asked)
    kept = [answer.headers["cache-control"] for answer in answers]
    assert all("immutable" in each and "max-age=31536000" in each for each in kept[: len(links)])
    assert kept[-3:] == ["public, max-age=300", "public, max-age=300", "public, max-age=3600"]


def test_every_refusal_has_a_page_in_both_languages(site: Site) -> None:
    refused = site.post("/api/v1/boxes", {"colour": 5})
    address = refused.json()["type"]
    assert address == "/problems/invalid_input"
    for lang, words in (("ru", "Данные не приняты: …"), ("en", "The input was not accepted: …")):
        page = site.request("GET", address, headers=HTML | {"Accept-Language": lang})
        assert page.status_code == 200 and words in page.text and "422" in page.text
    four_eyes = site.request("GET", "/problems/four_eyes", headers=HTML).text
    assert "Утверждает не тот, кто готовил" in four_eyes and "предоставляет её другой администратор" in four_eyes
    for unknown in ("/problems/nothing", "/problems/<script>"):
        assert site.request("GET", unknown, headers=HTML).status_code == 404


def test_an_entry_that_may_not_be_read_is_told_from_one_that_is_not_there(site: Site) -> None:
    put = site.post(f"/api/v1/boxes/{site.box()}/things", {"amount": 3})
    assert put.status_code == 200, put.text
    site.market.work()
    [box] = [each for each in site.request("GET", "/api/v1/log/tree").json()["sources"] if each["source"] == "box"]
    closed, none, listed = site.requests(
        [
            ("GET", f"/log/box/{box['entries']}", {"headers": HTML}),
            ("GET", f"/log/box/{box['entries'] + 1}", {"headers": HTML}),
            ("GET", "/log", {"headers": HTML}),
        ]
    )
    assert closed.status_code == 200 and "открыта не всем" in closed.text and "ThingPut" not in closed.text
    assert f"/log/box/{box['entries'] - 1}" in closed.text
    assert none.status_code == 404
    assert "1 запись пока открыта не всем" in listed.text.replace("\xa0", " ")
