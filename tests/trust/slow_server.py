"""A server on this machine that gives one file slowly, and goes on from where it is asked to."""

from __future__ import annotations

import contextlib
import http.server
import threading
import time
from collections.abc import Iterator

BODY = bytes(range(256)) * 800
BLOCK, PAUSE = 1 << 12, 0.005


class _Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        """Give BODY, from the byte that is asked for; ``/altered`` gives other bytes, ``/cut`` ends too early."""
        body = BODY[::-1] if self.path == "/altered" else BODY
        wanted = self.headers.get("Range")
        start = int(wanted[6:-1]) if wanted else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.send_header("ETag", '"one"')
        self.end_headers()
        stop = len(body) // 2 if self.path == "/cut" else len(body)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for begin in range(start, stop, BLOCK):
                self.wfile.write(body[begin : min(begin + BLOCK, stop)])
                time.sleep(PAUSE)


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """Serve for as long as a block runs; gives the address."""
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=served.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{served.server_address[1]}"
    finally:
        served.shutdown()
        served.server_close()
