# SPDX-License-Identifier: GPL-3.0-or-later
"""volley-health beside a volley-control, and servers that it checks."""
import http.server
import ssl
import threading
import time
from contextlib import contextmanager

from net import CLIENT4, Network
from volley import BUILD, Volley, wait_until

HEALTH = BUILD / "health/volley-health"


class Server(http.server.ThreadingHTTPServer):
    """A web server at the client's address, until close(). It is as slow, and answers with the status, that one sets."""

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, network, port=0, tls=None):
        self.status, self.delay, self.body = 200, 0, b"all is well"
        self.seen, self.open, self.open_max = [], 0, 0
        self.lock = threading.Lock()
        with network.client.entered():
            super().__init__((CLIENT4, port), Handler)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    @property
    def port(self):
        return self.server_address[1]

    def handle_error(self, request, client_address):
        """Clients that go away are what is tested."""

    def close(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        with server.lock:
            server.seen.append((time.monotonic(), self.path, self.headers["Host"]))
            server.open += 1
            server.open_max = max(server.open_max, server.open)
        time.sleep(server.delay)
        with server.lock:
            server.open -= 1
        self.send_response(server.status)
        self.send_header("Content-Length", str(len(server.body)))
        self.end_headers()
        self.wfile.write(server.body)

    def log_message(self, *arguments):
        """Nobody reads it."""


class Checked:
    """Control and health on a network, and nothing else."""

    def __init__(self, directory):
        self.network = Network()
        self.volley = Volley(self.network, directory)
        self.volley.keep_state()
        self.socket = directory / "health.sock"
        self.settings = {"socket": str(self.socket), "checks": []}
        self.volley.other_settings["health"] = self.settings
        self.health = None
        self.servers = []

    def server(self, **options):
        self.servers.append(Server(self.network, **options))
        return self.servers[-1]

    def check(self, name, **settings):
        """Adds a check that is quick; `settings` have _ for -."""
        quick = {"interval": "200ms", "timeout": "150ms", "rise": 2, "fall": 2, "jitter": 0, "hold-down": "0s"}
        given = {key.replace("_", "-"): value for key, value in settings.items()}
        self.settings["checks"].append({"name": name} | quick | given)

    def web(self, name, server, **settings):
        self.check(name, **{"type": "http", "address": CLIENT4, "port": server.port} | settings)

    def start_health(self, *flags, through=()):
        """`through`: a command that starts it."""
        command = self.network.server.command(*through, HEALTH, "--socket", self.socket, *flags)
        self.health = self.volley._spawn("health", command)  # pylint: disable=protected-access
        self.health.wait_for_log("ready: ")
        return self.health

    def start(self, *flags, through=()):
        self.start_health(*flags, through=through)
        self.volley.start_control()
        self.volley.control.wait_for_log("volley-health is connected")

    def checks(self):
        """By name."""
        return {check["name"]: check for check in self.volley.ctl_json("checks")["checks"]}

    def wait_for(self, name, state, reason=""):
        """Waits until the check has this state, and a last result that has these words; returns it."""
        def look():
            check = self.checks()[name]
            return check if check["state"] == state and reason in check["reason"] else None
        return wait_until(look, lambda: f"{name} {state} {reason!r}: {self.checks()[name]}")

    def troubles(self):
        return " ".join(self.volley.request(command="status")["trouble"])

    def stop(self):
        for server in self.servers:
            server.close()
        try:
            self.volley.stop()
        finally:
            self.network.delete()


@contextmanager
def checked(directory):
    made = Checked(directory)
    try:
        yield made
    finally:
        made.stop()


def tls_context(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
