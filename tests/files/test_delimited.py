"""CSV files as many programs write them."""
from pathlib import Path

import pytest

from app.files.delimited import find_delimiter
from app.files.encodings import find
from app.files.limits import BadFile, Limits, Options
from tests.files.making import everything, text


def rows_of(path: Path, options: Options | None = None) -> list[list[object]]:
    return [list(cells) for _, cells in everything(path, options)[1]]


def test_a_plain_file_gives_its_headings_and_rows_with_the_numbers_a_spreadsheet_shows(tmp_path):
    about, rows = everything(text(tmp_path / "a", "number,name\n1,Ada\n2,Bob\n"))

    assert (about.format, about.headers, about.header_row, about.delimiter, about.encoding) == (
        "csv", ("number", "name"), 1, ",", "utf-8")
    assert rows == [(2, ["1", "Ada"]), (3, ["2", "Bob"])]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_letters_beyond_ascii_arrive_whatever_the_encoding(tmp_path, encoding):
    path = text(tmp_path / "a", "name,city\nJosé Müller,Köln\nZoë,Malmö\n", encoding)

    assert rows_of(path) == [["José Müller", "Köln"], ["Zoë", "Malmö"]]


def test_the_euro_sign_of_windows_is_read(tmp_path):
    assert rows_of(text(tmp_path / "a", "name;total\nMüller;12,50 €\n", "cp1252")) == [["Müller", "12,50 €"]]


def test_a_file_in_cyrillic_windows_letters_is_recognised(tmp_path):
    words = "Наименование;Город;Примечание\n" + "Большой заказ для постоянного клиента;Москва;Позвонить перед доставкой\n" * 40

    assert find(text(tmp_path / "a", words, "cp1251")).encoding == "cp1251"


def test_the_encoding_can_be_chosen(tmp_path):
    path = text(tmp_path / "a", "name,city\nŁódź,Kraków\n", "cp1250")

    assert rows_of(path, Options(encoding="cp1250")) == [["Łódź", "Kraków"]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_beside_decimal_commas_and_quoted_ones(delimiter):
    rows = [["number", "total", "note"], *[[str(n), "1,50", "a; b, c | d"] for n in range(20)]]
    sample = "\n".join(delimiter.join(f'"{cell}"' if delimiter in cell else cell for cell in row) for row in rows)

    assert find_delimiter(sample) == delimiter


def test_decimal_commas_do_not_outvote_the_semicolon():
    assert find_delimiter("name;price\n" + "\n".join(f"thing {n};{n},50" for n in range(400))) == ";"


def test_lines_above_the_table_do_not_matter(tmp_path):
    about, rows = everything(text(tmp_path / "a", "Report of June\n\nnumber;name;total\n1;Ada;5\n2;Bob;6\n3;Cem;7\n"))

    assert (about.header_row, about.headers) == (3, ("number", "name", "total"))
    assert rows[0] == (4, ["1", "Ada", "5"])


def test_the_heading_row_can_be_chosen(tmp_path):
    about, rows = everything(text(tmp_path / "a", "a,b\nx,y\n1,2\n"), Options(header_row=2))

    assert (about.headers, rows) == (("x", "y"), [(3, ["1", "2"])])


def test_line_breaks_in_quotes_stay_in_their_cell_and_count_as_one_row(tmp_path):
    path = text(tmp_path / "a", 'number,note\r\n1,"two\r\nlines, and ""quotes"""\r\n2,x\r\n')

    assert everything(path)[1] == [(2, ["1", 'two\r\nlines, and "quotes"']), (3, ["2", "x"])]


def test_blank_lines_are_skipped_but_counted(tmp_path):
    assert everything(text(tmp_path / "a", "a,b\n\n1,2\n,\n3,4\n\n\n"))[1] == [(3, ["1", "2"]), (5, ["3", "4"])]


def test_short_and_long_rows_keep_what_they_have(tmp_path):
    assert rows_of(text(tmp_path / "a", "a,b,c\n1\n1,2,3,4\n,,3\n")) == [["1"], ["1", "2", "3", "4"], [None, None, "3"]]


def test_a_nul_in_a_cell_is_dropped(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"a,b\n1,x\x00y\n" + b"2,plain text that goes on for a while\n" * 20)

    assert rows_of(path)[0] == ["1", "xy"]


def test_leading_zeros_and_long_numbers_are_text_and_stay_whole(tmp_path):
    assert rows_of(text(tmp_path / "a", "id,zip\n12345678901234567890,01067\n")) == [["12345678901234567890", "01067"]]


def test_an_error_of_a_spreadsheet_is_an_error_in_a_csv_too(tmp_path):
    assert rows_of(text(tmp_path / "a", "id,total\n1,#REF!\n")) == [["1", {"e": "#REF!"}]]


def test_headings_that_repeat_or_are_blank_get_names_of_their_own(tmp_path):
    about, _ = everything(text(tmp_path / "a", "name,,name,Name\nx,1,y,z\n"))

    assert about.headers == ("name", "Column B", "name (2)", "Name")


def test_a_quote_that_never_ends_is_named_with_its_row(tmp_path):
    path = text(tmp_path / "a", 'a,b\n1,"open\n' + "2,x\n" * 60_000)

    with pytest.raises(BadFile, match="Row 2 has a cell without end"):
        everything(path)


def test_an_empty_file_says_so(tmp_path):
    with pytest.raises(BadFile, match="It is empty"):
        everything(text(tmp_path / "a", ""))


@pytest.mark.parametrize(("head", "sentence"), [
    (b"\x89PNG\r\n\x1a\n", "It is a picture"), (b"%PDF-1.7", "It is a PDF"), (b"\x1f\x8b\x08", "It is packed"), (b"\x7fELF", "no text")])
def test_what_is_no_table_is_named_for_what_it_is(tmp_path, head, sentence):
    path = tmp_path / "a"
    path.write_bytes(head + bytes(5000))

    with pytest.raises(BadFile, match=sentence):
        everything(path)


def test_an_encoding_nobody_knows_is_a_sentence(tmp_path):
    with pytest.raises(BadFile, match="klingon is no encoding"):
        everything(text(tmp_path / "a", "a\n1\n"), Options(encoding="klingon"))


@pytest.mark.parametrize(("limits", "sentence"), [
    (Limits(rows=3), "more than 3 rows"), (Limits(columns=2), "more than 2 columns"), (Limits(cells=8), "more than 8 cells"),
    (Limits(text=4), "more than 4 characters|cell without end"), (Limits(size=20), "larger than")])
def test_each_bound_is_told_in_its_own_sentence(tmp_path, limits, sentence):
    path = text(tmp_path / "a", "a,b,c\n" + "1,2,three\n" * 6)

    with pytest.raises(BadFile, match=sentence):
        everything(path, limits=limits)
