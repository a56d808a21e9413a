"""Where files are kept: whole or not at all, under names of ours."""
import io

import pytest

from app.errors import NotFound, TooLarge
from app.files.storage import Storage, fresh_name


@pytest.fixture(params=["folder", "memory"])
def storage(request, tmp_path):
    return Storage(str(tmp_path / "files") if request.param == "folder" else f"memory://{tmp_path}")


def test_what_is_saved_can_be_opened_measured_and_deleted(storage):
    kept = storage.save(io.BytesIO(b"hello"), "imports/a.csv")

    assert (kept.name, kept.size) == ("imports/a.csv", 5)
    assert kept.sha256 == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    with storage.open("imports/a.csv") as file:
        assert file.read() == b"hello"
    assert storage.size("imports/a.csv") == 5
    with storage.local("imports/a.csv") as path:
        assert path.read_bytes() == b"hello"
    storage.delete("imports/a.csv")
    storage.delete("imports/a.csv")
    assert not storage.exists("imports/a.csv")


def test_a_file_appears_only_when_it_is_whole(storage):
    with pytest.raises(RuntimeError), storage.writing("exports/a.csv") as file:
        file.write(b"half")
        assert not storage.exists("exports/a.csv")
        raise RuntimeError

    assert not storage.exists("exports/a.csv")
    assert [name for name in storage._files.find(storage._root) if "drafts" in name] == []


def test_a_stream_that_does_not_end_is_cut_and_nothing_is_kept(storage):
    with pytest.raises(TooLarge, match="1 MB"):
        storage.save(io.BytesIO(bytes(2**20 + 1)), "imports/a", most=2**20)

    assert not storage.exists("imports/a")


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "."])
def test_a_name_that_leads_elsewhere_is_refused(storage, name):
    with pytest.raises(ValueError, match="no name"):
        storage.open(name)


def test_what_is_not_there_is_not_found(storage):
    for ask in (storage.open, storage.size):
        with pytest.raises(NotFound):
            ask("imports/nothing")
    with pytest.raises(NotFound), storage.local("imports/nothing"):
        pass


def test_names_cannot_be_guessed_and_the_check_leaves_nothing(storage):
    storage.check()

    assert fresh_name("imports", ".csv") != fresh_name("imports", ".csv")
    assert list(storage._files.find(storage._root)) == []
