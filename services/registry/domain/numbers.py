"""INN and OGRN: right length for the kind of provider, right check digits.

Sources: INN, order of the Federal Tax Service ЕД-7-14/559@ of 26.06.2023; OGRN and OGRNIP, order of the Ministry of
Finance 165n of 30.10.2017. Check digits tell a slip of the pen from a number; whether the number belongs to the
organisation is what the registrar's formal check looks at.
"""

from __future__ import annotations

from stdnum.ru import inn as stdnum_inn
from stdnum.ru import ogrn as stdnum_ogrn

from kernel.refusal import Refusal, require

INN_LENGTH = Refusal(
    "inn_length",
    "ИНН для этого вида поставщика состоит из {expected} цифр, дано «{given}».",
    "The INN of this kind of provider has {expected} digits; given “{given}”.",
    "Tax Code of Russia art. 84 p. 7",
    kind="invalid",
)
INN_DIGITS = Refusal(
    "inn_check_digits",
    "Контрольные цифры ИНН «{given}» не сходятся: проверьте, нет ли опечатки.",
    "The check digits of the INN “{given}” are wrong: look for a slip.",
    "Tax Code of Russia art. 84 p. 7",
    kind="invalid",
)
OGRN_LENGTH = Refusal(
    "ogrn_length",
    "{name} состоит из {expected} цифр, дано «{given}».",
    "The {name} has {expected} digits; given “{given}”.",
    "Order of the Ministry of Finance 165n",
    kind="invalid",
)
OGRN_DIGITS = Refusal(
    "ogrn_check_digits",
    "Контрольная цифра {name} «{given}» не сходится: проверьте, нет ли опечатки.",
    "The check digit of the {name} “{given}” is wrong: look for a slip.",
    "Order of the Ministry of Finance 165n",
    kind="invalid",
)


def check_numbers(inn: str, ogrn: str, is_person: bool) -> None:
    """Refuse wrong numbers: 10 and 13 digits of an organisation, 12 and 15 of an individual entrepreneur."""
    check_inn(inn, is_person)
    check_ogrn(ogrn, is_person)


def check_inn(inn: str, is_person: bool) -> None:
    expected = 12 if is_person else 10
    require(_digits(inn, expected), INN_LENGTH, expected=expected, given=inn)
    require(bool(stdnum_inn.is_valid(inn)), INN_DIGITS, given=inn)


def check_ogrn(ogrn: str, is_person: bool) -> None:
    name, expected = ("ОГРНИП", 15) if is_person else ("ОГРН", 13)
    require(_digits(ogrn, expected), OGRN_LENGTH, name=name, expected=expected, given=ogrn)
    is_valid = ogrnip_is_valid(ogrn) if is_person else bool(stdnum_ogrn.is_valid(ogrn))
    require(is_valid, OGRN_DIGITS, name=name, given=ogrn)


def ogrnip_is_valid(ogrnip: str) -> bool:
    """Whether 15 digits are an OGRNIP: the last is the lowest digit of the remainder by 13.

    python-stdnum takes the whole remainder, and so refuses the numbers whose remainder is 10, 11 or 12.
    """
    return ogrnip[0] in "34" and int(ogrnip[:14]) % 13 % 10 == int(ogrnip[14])


def _digits(text: str, length: int) -> bool:
    return len(text) == length and text.isascii() and text.isdigit()
