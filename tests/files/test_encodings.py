"""Which encoding a file is in, told by a handful of names."""
from pathlib import Path

import pytest

from app.files.encodings import find
from app.files.limits import BadFile

WORDS = {
    "German": "Jürgen Groß;Übersee;Straße 5;Käse", "French": "François Lefèvre;Hôtel Crêpe;Noël;à côté;été",
    "Spanish": "José Núñez;Málaga;¿Qué?;Año;Peña", "Swedish": "Åsa Öberg;Malmö;Ängby", "Danish": "Søren Ærø;Ålborg",
    "Portuguese": "João Conceição;São Paulo;Ação", "Italian": "Nicolò;Perché;Città", "Polish": "Wałęsa;Łódź;Gdańsk;Żółć",
    "Czech": "Dvořák;Jiří;Plzeň;Černý;Šťastný", "Russian": "Анна Иванова;Москва;Заказ", "Ukrainian": "Київ;Ольга;Їжак;Львів",
    "Turkish": "Ayşe;İstanbul;Işık;Muğla;Çağlar", "Greek": "Αθήνα;Γιώργος;Θεσσαλονίκη", "Japanese": "東京都;山田太郎;さくら",
    "Chinese": "北京市;王小明;订单", "Korean": "서울시;김철수;주문", "Hungarian": "Győr;Erdős;Szűcs;Kőszeg", "Icelandic": "Þórður;Sigríður"}
WESTERN = ("German", "French", "Spanish", "Swedish", "Danish", "Portuguese", "Italian")
TOLD = [(language, encoding) for language in WESTERN for encoding in ("cp1252", "mac_roman", "cp850")] + [
    ("Polish", "cp1250"), ("Czech", "cp1250"), ("Russian", "cp1251"), ("Russian", "koi8_r"), ("Russian", "cp866"), ("Ukrainian", "cp1251"),
    ("Turkish", "cp1254"), ("Greek", "cp1253"), ("Japanese", "shift_jis"), ("Chinese", "gb18030"), ("Korean", "euc_kr")]
OFFERED = [("Hungarian", "cp1250"), ("Icelandic", "cp1252"), ("Japanese", "euc_jp")]


def written(path: Path, language: str, encoding: str) -> tuple[Path, bytes, str]:
    text = "id;name\n" + "".join(f"{number};{word}\n" for number, word in enumerate(WORDS[language].split(";")))
    path.write_bytes(text.encode(encoding))
    return path, text.encode(encoding), text


@pytest.mark.parametrize(("language", "encoding"), TOLD)
def test_a_few_names_tell_the_encoding(tmp_path, language, encoding):
    path, content, text = written(tmp_path / "a", language, encoding)

    assert content.decode(find(path).encoding) == text


@pytest.mark.parametrize(("language", "encoding"), OFFERED)
def test_where_names_read_well_in_several_ways_the_right_one_is_among_the_first_offered(tmp_path, language, encoding):
    path, content, text = written(tmp_path / "a", language, encoding)

    assert text in [content.decode(candidate.encoding, "replace") for candidate in find(path).candidates[:3]]


def test_cells_are_shown_as_each_candidate_reads_them(tmp_path):
    path, _, _ = written(tmp_path / "a", "Hungarian", "cp1250")

    shown = {candidate.encoding: candidate.samples for candidate in find(path).candidates}

    assert (shown["cp1252"][:2], shown["cp1250"][:2]) == (["Gyõr", "Erdõs"], ["Győr", "Erdős"])
    assert len({tuple(samples) for samples in shown.values()}) == len(shown) <= 6


def test_what_is_proven_offers_nothing_and_what_a_person_says_is_taken(tmp_path):
    path = tmp_path / "a"
    path.write_bytes("name\nZoë\n".encode())

    assert find(path) == ("utf-8", [])
    assert find(path, "cp1252").encoding == "cp1252"
    with pytest.raises(BadFile, match="klingon is no encoding"):
        find(path, "klingon")
    with pytest.raises(BadFile, match="base64 is no encoding"):
        find(path, "base64")
