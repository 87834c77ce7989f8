# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate authority that speaks ACME (RFC 8555) as far as clients of the dns-01 challenge need it. It looks for the TXT
record that a client should have made, and signs with a key of its own. Signatures of clients are not verified."""
import base64
import hashlib
import http.server
import json
import socket
import subprocess
import threading
from pathlib import Path

PORT = 14000


def base64url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def from_base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def token(number):
    return base64url(hashlib.sha256(b"%d" % number).digest())


def thumbprint(jwk):
    """RFC 7638: the members that a key of this kind must have, in alphabetical order."""
    members = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n")}[jwk["kty"]]
    text = json.dumps({member: jwk[member] for member in members}, separators=(",", ":"))
    return base64url(hashlib.sha256(text.encode()).digest())


class Authority:
    """`texts(name)` gives the TXT records that the domain's server answers with."""

    def __init__(self, namespace, address, directory, texts):
        self.directory = Path(directory)
        self.base = f"http://{address}:{PORT}"
        self.texts = texts
        self.accounts, self.orders, self.authorizations, self.certificates = [], [], [], []
        self.tried = []  # (name, whether the record was there)
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                      self.directory / "ca.key", "-out", self.directory / "ca.pem", "-days", "30", "-subj", "/CN=authority")
        self.server = http.server.ThreadingHTTPServer((address, PORT), self._handler(), bind_and_activate=False)
        self.server.socket = namespace.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.server.allow_reuse_address = True
        self.server.server_bind()
        self.server.server_activate()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    @staticmethod
    def _openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)

    def _handler(self):
        authority = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def reply(self, status, body, location=None, kind="application/json"):
                octets = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Replay-Nonce", base64url(hashlib.sha256(repr(self).encode()).digest()))
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(octets)))
                if location:
                    self.send_header("Location", authority.base + location)
                if "/challenge/" in self.path:
                    self.send_header("Link", f'<{authority.base}{self.path.replace("challenge", "authorization")}>;rel="up"')
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(octets)

            def do_HEAD(self):
                self.reply(200, "")

            def do_GET(self):
                names = {"newNonce": "/nonce", "newAccount": "/account", "newOrder": "/order", "revokeCert": "/revoke",
                         "keyChange": "/key"}
                self.reply(200, {key: authority.base + path for key, path in names.items()})

            def do_POST(self):
                envelope = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                protected = json.loads(from_base64url(envelope["protected"]))
                payload = json.loads(from_base64url(envelope["payload"]) or "null")
                self.reply(*authority.post(self.path, protected, payload))

        return Handler

    def post(self, path, protected, payload):
        what, _, number = path.strip("/").partition("/")
        return getattr(self, "post_" + what)(int(number or 0), protected, payload)

    def post_account(self, number, protected, payload):
        if "jwk" in protected:
            self.accounts.append(protected["jwk"])
            return 201, {"status": "valid", "contact": []}, f"/account/{len(self.accounts) - 1}"
        return 200, {"status": "valid", "contact": []}

    def post_order(self, number, protected, payload):
        if payload:
            account = int(protected["kid"].rsplit("/", 1)[1])
            names = [identifier["value"] for identifier in payload["identifiers"]]
            first = len(self.authorizations)
            self.authorizations += [{"account": account, "name": name, "status": "pending"} for name in names]
            number = len(self.orders)
            self.orders.append({"names": names, "of": range(first, first + len(names)), "certificate": None})
            return 201, self.order(number), f"/order/{number}"
        return 200, self.order(number)

    def order(self, number):
        order = self.orders[number]
        ready = all(self.authorizations[of]["status"] == "valid" for of in order["of"])
        shown = {"status": "valid" if order["certificate"] is not None else "ready" if ready else "pending",
                 "expires": "2100-01-01T00:00:00Z",
                 "identifiers": [{"type": "dns", "value": name} for name in order["names"]],
                 "authorizations": [f"{self.base}/authorization/{of}" for of in order["of"]],
                 "finalize": f"{self.base}/finalize/{number}"}
        if order["certificate"] is not None:
            shown["certificate"] = f"{self.base}/certificate/{order['certificate']}"
        return shown

    def post_authorization(self, number, protected, payload):
        authorization = self.authorizations[number]
        return 200, {"status": authorization["status"], "expires": "2100-01-01T00:00:00Z",
                     "wildcard": authorization["name"].startswith("*."),
                     "identifier": {"type": "dns", "value": authorization["name"].removeprefix("*.")},
                     "challenges": [self.challenge(number)]}

    def challenge(self, number):
        return {"type": "dns-01", "status": self.authorizations[number]["status"], "token": token(number),
                "url": f"{self.base}/challenge/{number}"}

    def post_challenge(self, number, protected, payload):
        authorization = self.authorizations[number]
        account = self.accounts[authorization["account"]]
        wanted = base64url(hashlib.sha256(f"{token(number)}.{thumbprint(account)}".encode()).digest())
        name = "_acme-challenge." + authorization["name"].removeprefix("*.")
        found = wanted in self.texts(name)
        self.tried.append((name, found))
        authorization["status"] = "valid" if found else "invalid"
        return 200, self.challenge(number)

    def post_finalize(self, number, protected, payload):
        order = self.orders[number]
        path = self.directory / f"request{number}"
        path.write_bytes(from_base64url(payload["csr"]))
        self._openssl("x509", "-req", "-inform", "DER", "-in", path, "-CA", self.directory / "ca.pem", "-CAkey",
                      self.directory / "ca.key", "-CAcreateserial", "-days", "7", "-copy_extensions", "copy", "-out",
                      f"{path}.pem")
        order["certificate"] = len(self.certificates)
        self.certificates.append(Path(f"{path}.pem").read_text() + (self.directory / "ca.pem").read_text())
        return 200, self.order(number), f"/order/{number}"

    def post_certificate(self, number, protected, payload):
        return 200, self.certificates[number], None, "application/pem-certificate-chain"
