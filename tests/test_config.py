"""Settings from the environment: unset is embedded, wrong is one sentence that says what to set."""
import pytest

from app.config import load
from app.errors import Misconfigured


@pytest.fixture
def env(tmp_path):
    return {"INSTANCE_DIR": str(tmp_path)}


def test_unset_means_embedded_on_this_machine(env, tmp_path):
    found = load(env)
    assert found.embedded
    assert found.database_url == f"sqlite:///{tmp_path}/backroom.db"
    assert found.host == "127.0.0.1"
    assert found.redis.startswith("unix://")
    assert found.limits_storage.startswith("redis+unix://")


def test_the_embedded_key_is_made_once_and_read_again(env):
    assert load(env).secret_keys == load(env).secret_keys
    assert len(load(env).secret_keys[0]) >= 32


def test_a_database_address_needs_a_key_of_its_own(env):
    with pytest.raises(Misconfigured, match="SECRET_KEY is missing"):
        load({**env, "DATABASE_URL": "postgresql://u:p@db/backroom"})


def test_keys_rotate_by_a_comma_list(env):
    found = load({**env, "SECRET_KEY": "n" * 20 + "," + "o" * 20})
    assert found.secret_keys == ("n" * 20, "o" * 20)


def test_a_long_folder_gets_a_short_socket(env, tmp_path):
    found = load({"INSTANCE_DIR": str(tmp_path / ("deep" * 30))})
    assert len(str(found.socket_path).encode()) < 104
    assert found.socket_path == load({"INSTANCE_DIR": str(tmp_path / ("deep" * 30))}).socket_path


@pytest.mark.parametrize(("name", "value", "says"), [
    ("DATABASE_URL", "mysql://u@h/d", "PostgreSQL"),
    ("DATABASE_URL", "not an address", "DATABASE_URL"),
    ("REDIS_URL", "http://localhost", "redis://"),
    ("STORAGE_URL", "ftp://host", "s3://"),
    ("SECRET_KEY", "short", "16 characters"),
    ("PUBLIC_URL", "backroom.example.com", "PUBLIC_URL"),
    ("PUBLIC_URL", "http://backroom.example.com", "https://"),
    ("PORT", "80000", "PORT"),
    ("PORT", "http", "PORT"),
    ("WORKERS", "0", "WORKERS"),
    ("TIME_ZONE", "Mars/Olympus", "Europe/Berlin"),
    ("CURRENCY", "EURO", "CURRENCY"),
    ("DEMO", "perhaps", "DEMO"),
    ("LOG_LEVEL", "LOUD", "LOG_LEVEL"),
    ("LEASE_SECONDS", "soon", "LEASE_SECONDS"),
    ("OUTBOUND_ALLOW", "my network", "10.1.0.0/16"),
])
def test_a_wrong_value_is_one_sentence_that_names_its_variable(env, name, value, says):
    with pytest.raises(Misconfigured, match=says):
        load({**env, "SECRET_KEY": "k" * 20, name: value})


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Misconfigured, match="INSTANCE_DIR"):
        load({"INSTANCE_DIR": str(tmp_path / "file" / "below")})
