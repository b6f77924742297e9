"""A stand-in for an API server: TLS and its name. `tls_server.py NAME ADDRESS PORT CERTIFICATE KEY [CLIENT-AUTHORITIES]`."""

import http.server
import json
import ssl
import sys

name, address, port, certificate, key, *authorities = sys.argv[1:]
HEALTH = {"/healthz": b"ok", "/readyz": b"ok", "/livez": b"ok", "/ping": b"pong"}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_GET(self):
        body = HEALTH.get(self.path)
        if body is None:
            shown = self.connection.getpeercert() or {}
            words = [word for part in shown.get("subject", ()) for word in part]
            body = json.dumps({"name": name, "path": self.path, "client": dict(words)}).encode()
        self.send_response(200)
        self.send_header("Served-By", name)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def finish_request(self, request, client_address):
        # The handshake is on the connection's own thread, so that a silent probe does not delay other clients.
        request.settimeout(10)
        try:
            tls = context.wrap_socket(request, server_side=True)
        except (ssl.SSLError, OSError):
            return
        self.RequestHandlerClass(tls, client_address, self)
        tls.close()

    def handle_error(self, *_):
        pass


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.minimum_version = ssl.TLSVersion.TLSv1_2
context.load_cert_chain(certificate, key)
if authorities:
    context.load_verify_locations(authorities[0])
    # As an API server does: a client without a certificate is accepted as anonymous.
    context.verify_mode = ssl.CERT_OPTIONAL
server = Server((address, int(port)), Handler)
print("listens", flush=True)
server.serve_forever()
