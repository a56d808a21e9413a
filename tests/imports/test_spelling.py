"""Numbers and days as people write them, put into the plain way."""
import pytest

from app.imports.spelling import day, number
from app.records.values import truth_of
from tests.imports.test_command import counts, errors


@pytest.mark.parametrize(("written", "plain", "currency"), [
    ("1,234.50", "1,234.50", None), ("(1,234.50)", "-1,234.50", None), ("1.234,50-", "-1.234,50", None), ("− 5", "-5", None),
    ("(1.234,50 €)", "-1.234,50", "EUR"), ("-€5", "-5", "EUR"), ("$(12.50)", "-12.50", None), ("EUR 12.50", "12.50", "EUR"),
    ("12,50 EUR", "12,50", "EUR"), ("12,50-€", "-12,50", "EUR"), ("US$ 5", "5", "USD"), ("CHF 1'234.50", "1'234.50", "CHF"),
    ("1\u202f234,5 kr", "1\u202f234,5", None), ("5 zł", "5", "PLN"), ("12,-", "12", None), ("€ 12,--", "12", "EUR"),
    ("12 %", "12 %", None), ("SKU 5", "SKU 5", None), ("soon", "soon", None), ("€", "€", None), ("-5-", "-5-", None), ("", "", None)])
def test_a_number_is_freed_of_what_stands_around_it(written, plain, currency):
    assert number(written) == (plain, currency)


@pytest.mark.parametrize(("written", "plain"), [
    ("31. Mai 2026", "2026-05-31"), ("31-May-26", "2026-05-31"), ("May 31, 2026", "2026-05-31"), ("31 de mayo de 2026", "2026-05-31"),
    ("31 maja 2026", "2026-05-31"), ("1st June 2026", "2026-06-01"), ("Sun, 31 May 2026 14:30:00 +0000", "2026-05-31 14:30:00+0000"),
    ("2026年5月31日", "2026-05-31"), ("20260531", "2026-05-31"), ("31.05.26", "31.05.2026"), ("31.05.74", "31.05.1974"),
    ("5/31/26 2:30 PM", "05/31/2026 14:30"), ("5/6/2026 0:00", "05/06/2026 00:00"), ("5/6/2026 12:05 am", "05/06/2026 00:05"),
    ("31.05.2026 9:05", "31.05.2026 09:05"), ("2026-05-31T14:30:00Z", "2026-05-31T14:30:00Z"), ("26-05-31", "26-05-31"),
    ("5 bananas 2026", "5 bananas 2026"), ("soon", "soon"), ("", "")])
def test_a_day_is_put_into_numbers_and_what_is_none_stays(written, plain):
    assert day(written) == plain


def test_amounts_and_days_of_all_kinds_become_records(put, kept):
    report = put("orders", "Order number;Total;Placed at;Weight\n"
                           "1;1.234,50 €;31. Mai 2026;1 400\n2;USD 5,00;31.05.26 2:30 PM;\n3;12,-;20260531;\n")

    assert counts(report) == {"created": 3}
    first, second, third = kept("orders")
    assert [(row["total_minor"], row["currency"]) for row in (first, second, third)] == [(123450, "EUR"), (500, "USD"), (1200, "EUR")]
    assert [row["placed_at"].isoformat()[:16] for row in (first, second, third)] == [
        "2026-05-31T00:00", "2026-05-31T14:30", "2026-05-31T00:00"]
    assert first["weight"] == 1400


def test_an_amount_in_another_currency_than_its_row_is_refused(put):
    report = put("orders", "order number,total,currency\n1,USD 5,EUR\n2,€5,eur\n3,10 %,EUR\n")

    assert counts(report) == {"created": 1, "refused": 2}
    assert errors(report) == [(2, "total", "total", "USD 5"), (4, "total", "total", "10 %")]
    assert "in USD, but the row says EUR" in report["errors"][0]["message"]
    assert "a percentage" in report["errors"][1]["message"]


@pytest.mark.parametrize(("word", "value"), [("WAHR", True), ("FALSCH", False), ("vrai", True), ("нет", False), ("はい", True)])
def test_yes_and_no_are_understood_in_several_languages(word, value):
    assert truth_of(word) is value
