"""Fetching from a local server that supports ranges, cuts off, gives wrong bytes, refuses, or is slow."""

import contextlib
import hashlib
import http.server
import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rnastudy.datasets import fetching as fetch_module
from rnastudy.datasets.cards import DataCard, DataFile
from rnastudy.datasets.fetching import fetch_file, missing_files
from rnastudy.errors import StudyError

BODY = bytes(range(256)) * 400
SHA, SIZE = hashlib.sha256(BODY).hexdigest(), len(BODY)


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves BODY at any path; the path's first part says how it misbehaves."""

    def log_message(self, *args):
        pass

    def do_GET(self):
        how = self.path.split("/")[1]
        self.server.asked.append((how, self.headers.get("Range"), self.headers.get("If-Range")))
        if how == "missing" or (how == "busy" and len(self.server.asked) < 3):
            self.send_error(404 if how == "missing" else 503)
            return
        body = BODY[::-1] if how == "wrong" else BODY
        wanted = self.headers.get("Range")
        stale = self.headers.get("If-Range") not in (None, '"now"')
        start = int(wanted[6:-1]) if wanted and how != "norange" and not stale else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.send_header("ETag", '"now"')
        self.end_headers()
        self.give(how, body[start:])

    def give(self, how, rest):
        if how == "cut":
            rest = rest[: len(BODY) // 2]
        if how != "slow":
            self.wfile.write(rest)
            return
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for begin in range(0, len(rest), 4096):
                self.wfile.write(rest[begin : begin + 4096])
                time.sleep(0.05)


@pytest.fixture
def server():
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.asked = []
    threading.Thread(target=served.serve_forever, args=(0.01,), daemon=True).start()
    yield served
    served.shutdown()
    served.server_close()


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    monkeypatch.setenv("RNASTUDY_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("RNASTUDY_DATA", raising=False)
    monkeypatch.setattr(fetch_module, "PAUSE", 0)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def card_for(server, how, sha256=SHA, size=SIZE):
    url = f"http://127.0.0.1:{server.server_address[1]}/{how}/a.bin"
    file = DataFile("a.bin", sha256, size, url, "set/a.bin")
    return DataCard("set", "Set", ("corpus",), "either", "public", "natural", "fasta", (file,), "CC0", "here"), file


def part_of(card, file):
    part = fetch_module._cached(card, file)
    part.parent.mkdir(parents=True, exist_ok=True)
    return part.with_name(part.name + ".part")


def test_a_plain_fetch_is_cached(server):
    card, file = card_for(server, "good")
    assert missing_files(card) == [file]
    path = fetch_file(card, file)
    assert path.read_bytes() == BODY and fetch_file(card, file) == path and missing_files(card) == []
    assert len(server.asked) == 1
    assert sorted(p.name for p in path.parent.iterdir() if p.suffix != ".lock") == ["a.bin"]


def test_the_local_folder_is_first_and_verified(server, tmp_path, monkeypatch):
    card, file = card_for(server, "good")
    (tmp_path / "data" / "set").mkdir(parents=True)
    local = tmp_path / "data" / "set" / "a.bin"
    local.write_bytes(BODY)
    monkeypatch.setenv("RNASTUDY_DATA", str(tmp_path / "data"))
    assert fetch_file(card, file) == local and not server.asked
    local.write_bytes(BODY[:-1])
    with pytest.raises(StudyError, match=r"a\.bin has sha256 \w+, expected"):
        fetch_file(card, file)
    monkeypatch.setenv("RNASTUDY_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(StudyError, match="is no folder"):
        fetch_file(card, file)


def test_a_kept_part_is_taken_up(server):
    card, file = card_for(server, "good")
    part_of(card, file).write_bytes(BODY[:5000])
    assert fetch_file(card, file).read_bytes() == BODY
    assert server.asked == [("good", "bytes=5000-", None)]


def test_a_server_without_ranges_starts_again(server):
    card, file = card_for(server, "norange")
    part_of(card, file).write_bytes(BODY[:5000])
    assert fetch_file(card, file).read_bytes() == BODY


def test_a_kept_part_of_something_else_is_thrown_away_once(server):
    card, file = card_for(server, "good")
    part_of(card, file).write_bytes(b"x" * 5000)
    assert fetch_file(card, file).read_bytes() == BODY
    assert [wanted for _, wanted, _ in server.asked] == ["bytes=5000-", None]


def test_cut_off_transfers_go_on_until_they_are_whole(server):
    card, file = card_for(server, "cut")
    assert fetch_file(card, file).read_bytes() == BODY
    first, *more = [wanted for _, wanted, _ in server.asked]
    assert first is None and more and all(more)


def test_cut_off_for_good_keeps_the_part_and_says_so(server, monkeypatch):
    monkeypatch.setattr(fetch_module, "ATTEMPTS", 1)
    card, file = card_for(server, "cut")
    with pytest.raises(StudyError, match="are kept and the next try goes on from there"):
        fetch_file(card, file)
    assert 0 < part_of(card, file).stat().st_size <= len(BODY) // 2
    assert not fetch_module._cached(card, file).exists()


def test_wrong_bytes_are_never_kept(server):
    card, file = card_for(server, "wrong")
    with pytest.raises(StudyError, match="gave other bytes than expected, thrown away"):
        fetch_file(card, file)
    assert not fetch_module._cached(card, file).exists() and not part_of(card, file).exists()


def test_a_missing_page_says_where_to_put_the_file_by_hand(server):
    card, file = card_for(server, "missing")
    with pytest.raises(StudyError, match=r"'set'.*102,400 bytes.*answered 404.*By hand: put it at \$RNASTUDY_DATA/set/a\.bin or ") as caught:
        fetch_file(card, file)
    assert file.url in str(caught.value) and len(server.asked) == 1


def test_a_busy_server_is_asked_again(server):
    card, file = card_for(server, "busy")
    assert fetch_file(card, file).read_bytes() == BODY and len(server.asked) == 3


def test_offline_says_name_address_size_and_where(server):
    card, file = card_for(server, "good")
    server.shutdown()
    server.server_close()
    with pytest.raises(StudyError, match=r"'set': a\.bin \(102,400 bytes\) cannot be fetched from http.*By hand"):
        fetch_file(card, file)


def test_no_address_at_all():
    file = DataFile("a.bin", SHA, 3, None, "set/a.bin")
    card = DataCard("set", "Set", ("corpus",), "either", "public", "natural", "fasta", (file,), "CC0", "here")
    with pytest.raises(StudyError, match="it has no public address"):
        fetch_file(card, file)


def test_an_unknown_checksum_is_recorded_and_said(server, caplog):
    card, file = card_for(server, "good", sha256=None, size=None)
    with caplog.at_level(logging.WARNING):
        path = fetch_file(card, file)
    assert SHA in caplog.text and "no checksum was published" in caplog.text
    path.write_bytes(b"changed")
    with pytest.raises(StudyError, match="recorded at the first fetch"):
        fetch_file(card, file)


def test_an_unknown_file_is_taken_up_only_if_the_server_says_it_is_the_same(server):
    card, file = card_for(server, "good", sha256=None, size=None)
    part = part_of(card, file)
    part.write_bytes(b"x" * 5000)
    tag = part.with_name("a.bin.part.etag")
    tag.write_text('"before"')
    assert fetch_file(card, file).read_bytes() == BODY
    assert server.asked == [("good", "bytes=5000-", '"before"')]
    fetch_module._cached(card, file).unlink()
    part.write_bytes(BODY[:5000])
    assert fetch_file(card, file).read_bytes() == BODY
    assert server.asked[-1] == ("good", None, None)


def test_killed_midway_and_taken_up(server, tmp_path):
    card, file = card_for(server, "slow")
    program = (
        "from rnastudy.datasets.cards import DataCard, DataFile\nfrom rnastudy.datasets.fetching import fetch_file\n"
        f"file = DataFile('a.bin', {SHA!r}, {len(BODY)}, {file.url!r})\n"
        "fetch_file(DataCard('set', 'Set', (), '', 'public', '', '', (file,), '', ''), file)\n"
    )
    root = Path(fetch_module.__file__).parents[2]
    running = subprocess.Popen([sys.executable, "-c", program], cwd=root, env=os.environ.copy(), stderr=subprocess.DEVNULL)
    part = part_of(card, file)
    for _ in range(200):
        if part.is_file() and part.stat().st_size:
            break
        time.sleep(0.05)
    running.kill()
    running.wait()
    kept = part.stat().st_size
    assert 0 < kept < len(BODY) and not fetch_module._cached(card, file).exists()
    good, _ = card_for(server, "good")
    assert fetch_file(good, good.files[0]).read_bytes() == BODY
    assert server.asked[-1][:2] == ("good", f"bytes={kept}-")
