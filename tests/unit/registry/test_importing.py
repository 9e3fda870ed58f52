"""A list from outside: whatever its encoding, delimiters and quotes, no row is lost and nothing is invented."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from kernel.settings import PROJECT
from services.registry.domain import names
from services.registry.domain.examination import COLUMNS, Cell, Examination, examine, personal_name
from services.registry.domain.imports import Other, alike
from services.registry.importing import Sheet, Unreadable, read_sheet

SAMPLE = PROJECT / "region" / "demo" / "raw_register.csv"
TERRITORIES = {"кемь": "kem", "онега": "onega"}


def examined(**cells: str) -> Examination:
    return examine([Cell(column=column, text=text) for column, text in cells.items()], TERRITORIES)


def table(text: str, encoding: str = "utf-8") -> Sheet:
    return read_sheet(text.encode(encoding))


def texts(sheet: Sheet) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in sheet.rows]


# -- the sample: twenty real organisations, unclean as lists are ----------------------------------------------------


@pytest.fixture(scope="module")
def sample() -> list[Examination]:
    return [examine(row.cells, TERRITORIES) for row in read_sheet(SAMPLE.read_bytes()).rows]


def test_every_cell_of_the_sample_is_kept_as_it_came() -> None:
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    sheet = read_sheet(SAMPLE.read_bytes())
    assert sheet.columns == tuple(header) and texts(sheet) == rows and len(rows) == 20


def test_what_the_sample_says_is_taken(sample: list[Examination]) -> None:
    by_name = {one.taken.full_name: one for one in sample}
    assert by_name["МБУ «Молодежный центр»"].taken.kind == "budget_institution"
    assert by_name["БФ «Планета кошек»"].taken.legal_form == "благотворительный фонд"
    assert by_name["АНО Ресурсный центр"].taken.legal_form == "автономная некоммерческая организация"
    assert by_name["СГОО БУМЕРАНГ ДОБРА"].taken.legal_form == "общественная организация"
    women = by_name["Снежинская городская общественная организация «Союз женщин Снежинска»"]
    assert (women.taken.short_name, women.taken.kind) == ("«Союз женщин Снежинска»", "npo")
    assert sum(one.taken.kind == "budget_institution" for one in sample) == 2


def test_what_the_sample_does_not_say_is_left_to_a_person(sample: list[Examination]) -> None:
    for one in sample:
        assert {"inn", "ogrn", "address", "forms", "service_kinds", "head"} <= set(one.missing)
        assert (one.taken.inn, one.taken.address, one.taken.territory, one.taken.forms) == ("", "", "", ())
        assert {"coordinates_of_city", "city_outside_region"} <= set(one.problems)
    [federation] = [one for one in sample if one.taken.full_name == "Федерация картинга"]
    assert {"legal_form", "kind"} <= set(federation.missing) and federation.taken.kind == ""


def test_what_a_person_should_look_at_in_the_sample(sample: list[Examination]) -> None:
    def named(problem: str) -> list[int]:
        return [number for number, one in enumerate(sample, 1) if problem in one.problems]

    assert named("quotes_unbalanced") == [8, 16]
    assert named("all_capitals") == [9, 15, 16, 17]
    assert named("part_of_another") == [4, 18]


def test_the_two_entries_that_may_be_one_and_no_others(sample: list[Examination]) -> None:
    found = set()
    for number, one in enumerate(sample, 1):
        before = [
            Other("row", str(other), sample[other - 1].taken.full_name, sample[other - 1].taken.city, "")
            for other in range(1, number)
        ]
        found |= {(number, int(same.id)) for same in alike(one, before)}
    assert found == {(18, 17)}


# -- files as people have them ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "windows-1251"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_delimiters_and_line_ends(encoding: str, delimiter: str, newline: str) -> None:
    lines = [("Наименование", "ИНН"), ("АНО «Ёлка»", "0000028510"), ("", ""), ("Фонд", "")]
    sheet = table(newline.join(delimiter.join(line) for line in lines), encoding)
    assert (sheet.encoding, sheet.delimiter) == (encoding, delimiter)
    assert texts(sheet) == [["АНО «Ёлка»", "0000028510"], ["Фонд", ""]]
    assert [row.line for row in sheet.rows] == [2, 4]


@pytest.mark.parametrize(
    ("line", "cells", "problems"),
    [
        ('"АНО ""Клуб"" и ""Кибер""",Кемь', ['АНО "Клуб" и "Кибер"', "Кемь"], ()),
        ('АНО "Клуб "Кибер",Кемь', ['АНО "Клуб "Кибер"', "Кемь"], ()),
        ('"АНО "Клуб "Кибер",Кемь', ['АНО "Клуб "Кибер', "Кемь"], ("broken_line",)),
        ('"АНО "Клуб"",Кемь', ['АНО "Клуб"', "Кемь"], ("broken_line",)),
        ('"не закрыта,Кемь', ['"не закрыта', "Кемь"], ("broken_line",)),
        ("АНО «А, Б и В»,Кемь", ["АНО «А, Б и В»", "Кемь"], ("columns_guessed",)),
        ("АНО,Кемь,,,", ["АНО", "Кемь"], ()),
        ("АНО", ["АНО"], ("short_row",)),
        ('"две\nстроки",Кемь', ["две\nстроки", "Кемь"], ()),
    ],
)
def test_quotes_in_disorder_spoil_no_other_line(line: str, cells: list[str], problems: tuple[str, ...]) -> None:
    sheet = table(f"name,city\n{line}\nФонд «После»,Онега\n")
    first, after = sheet.rows
    assert [cell.text for cell in first.cells] == cells and first.problems == problems
    assert [cell.text for cell in after.cells] == ["Фонд «После»", "Онега"] and after.problems == ()


@pytest.mark.parametrize(
    "content",
    [b"", b"\n\n", b"\x00\x01", "город;ИНН\nКемь;1".encode(), b"name,name\n1,2", "name\nА".encode("utf-16")],
)
def test_a_file_that_is_no_register_is_refused_as_a_whole(content: bytes) -> None:
    with pytest.raises(Unreadable):
        read_sheet(content)


@examples(st.lists(st.tuples(*[st.text(st.characters(exclude_characters="\0\r", codec="utf-8"), max_size=30)] * 2)))
def test_a_well_formed_file_comes_back_cell_by_cell(rows: list[tuple[str, str]]) -> None:
    rows = [row for row in rows if all("\n" not in cell for cell in row) and "".join(row).strip(", \ufeff")]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([("name", "city"), *rows])
    sheet = table(out.getvalue())
    assert [tuple(cells) for cells in texts(sheet)] == rows


@examples(st.text(max_size=300))
def test_no_letter_or_digit_of_any_file_is_lost(body: str) -> None:
    body = body.replace("\0", "")
    sheet = read_sheet(("name,city\n" + body).encode("utf-8", "ignore"))
    kept = "".join(cell.text for row in sheet.rows for cell in row.cells)
    wanted = [sign for sign in body.encode("utf-8", "ignore").decode() if sign.isalnum()]
    assert [sign for sign in kept if sign.isalnum()] == wanted


# -- rows -------------------------------------------------------------------------------------------------------------


def test_a_full_row_needs_only_its_head() -> None:
    row = {
        "Наименование": 'АНО "Берег"',
        "ИНН": "0000028510",
        "ОГРН": "1260000029431",
        "Город": "г. Кемь",
        "Адрес": "ул. Новая, 3",
        "Широта": "64,9533",
        "Долгота": "34.5950",
        "Формы обслуживания": "На дому; полустационарная",
        "Виды услуг": "бытовые, срочные",
    }
    one = examined(**row)
    assert one.missing == ("head",) and one.problems == ()
    taken = one.taken
    assert (taken.territory, taken.latitude, taken.longitude) == ("kem", "64.9533", "34.5950")
    assert taken.forms == ("home", "semi_residential") and taken.service_kinds == ("domestic", "urgent")


@pytest.mark.parametrize(
    ("cells", "problem", "field"),
    [
        ({"inn": "0000028511"}, "inn_wrong", "inn"),
        ({"inn": "12"}, "inn_wrong", "inn"),
        ({"ogrn": "326000000525379"}, "ogrn_wrong", "ogrn"),
        ({"latitude": "91", "longitude": "1"}, "coordinates_wrong", "latitude"),
        ({"latitude": "64.9"}, "coordinates_wrong", "latitude"),
        ({"email": "нет"}, "email_wrong", "email"),
        ({"forms": "по почте"}, "forms_unknown", "forms"),
    ],
)
def test_what_can_not_be_right_is_not_taken_and_is_told(cells: dict[str, str], problem: str, field: str) -> None:
    one = examined(full_name="АНО «А»", **cells)
    assert problem in one.problems and not getattr(one.taken, field)


def test_a_persons_name_is_withheld() -> None:
    cells = [Cell(column="Наименование", text="ИП Примерова Анна"), Cell(column="ФИО", text="Примерова Анна Ивановна")]
    one = examine(cells, TERRITORIES)
    assert personal_name(cells) == ("Примерова Анна Ивановна", ("Наименование", "ФИО"))
    assert one.withheld == ("Наименование", "ФИО") and "name_is_personal" in one.problems
    assert one.taken.kind == "individual" and "Примеров" not in one.taken.model_dump_json()
    assert personal_name(cells[:1])[0] == "Примерова Анна"
    assert "head" not in examine(cells, TERRITORIES, "a-reference").missing


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ООО «Шаг»", ""),  # a social enterprise by a status that the name doesn't say
        ("Общество с ограниченной ответственностью «Шаг»", ""),
        ("ГБУСОН «КЦСОН»", "budget_institution"),
        ("Государственное казённое учреждение «Дом»", "budget_institution"),
        ("Муниципальное автономное учреждение культуры «Дом»", "budget_institution"),
        ("Частное учреждение «Дом»", "npo"),
        ("Ассоциация «Союз»", "npo"),
        ("Клуб «АНО»", "npo"),
        ("Кружок", ""),
    ],
)
def test_legal_forms(name: str, kind: str) -> None:
    assert examined(full_name=name).taken.kind == kind


QUOTABLE = st.text('аб "«»„“() ', max_size=40)


@examples(QUOTABLE)
def test_setting_quotes_in_order_changes_nothing_but_quotes_and_is_done_once(name: str) -> None:
    once = names.with_quotes_in_order(name)
    assert letters(once.text) == letters(name)
    assert once.text.count("«") == once.text.count("»") and once.text.count("„") == once.text.count("“")
    assert names.with_quotes_in_order(once.text).text == once.text


@examples(st.text("абё-« ", max_size=30), st.data())
def test_every_part_of_a_name_is_found_by_its_pieces(name: str, data: st.DataObject) -> None:
    plain = names.normalised(name)
    words = plain.split()
    if words:
        word = data.draw(st.sampled_from(words))
        end = data.draw(st.integers(1, len(word)))
        start = 0 if end < 3 else data.draw(st.integers(0, end - 3))
        assert set(names.grams_wanted(word[start:end])) <= set(names.grams(name))


def test_the_columns_that_are_known_are_written_as_they_are_compared() -> None:
    assert all(names.normalised(column) == column for column in COLUMNS)


def letters(text: str) -> str:
    return "".join(sign for sign in text if sign not in names.QUOTES and not sign.isspace())
