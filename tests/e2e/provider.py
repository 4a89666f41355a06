"""A provider played over TLS: certificates of every kind, and answers that misbehave on demand."""
import datetime
import http.server
import ipaddress
import socket
import ssl
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """A certificate authority in a folder; its own certificate is ca.pem."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        self.key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.utcnow()
        self.certificate = (
            x509.CertificateBuilder().subject_name(name("ringd test CA")).issuer_name(name("ringd test CA"))
            .public_key(self.key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(self.key, hashes.SHA256()))
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, label, host="localhost", days=2):
        """A server's certificate and key in one file."""
        key = ec.generate_private_key(ec.SECP256R1())
        end = datetime.datetime.utcnow() + datetime.timedelta(days=days)
        names = [x509.DNSName(host)] + ([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))] if host == "localhost" else [])
        certificate = (
            x509.CertificateBuilder().subject_name(name(host)).issuer_name(self.certificate.subject).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(end - datetime.timedelta(days=4)).not_valid_after(end)
            .add_extension(x509.SubjectAlternativeName(names), critical=False).sign(self.key, hashes.SHA256()))
        file = self.folder / f"{label}.pem"
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        return file


class Provider:
    """Answers each request by self.answer(handler); counts what came and when. tls: a certificate's file, or None for http."""

    def __init__(self, tls):
        self.connections, self.requests, self.times = 0, [], []
        self.answer = unauthorized
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                outer.connections += 1
                self.request.settimeout(30)
                if tls is not None:
                    self.request.do_handshake()
                super().setup()

            def do_GET(self):
                outer.requests.append((self.command, self.path, dict(self.headers)))
                outer.times.append(time.monotonic())
                outer.answer(self)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):     # a client that does not trust us, or cuts us off
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.scheme = "http" if tls is None else "https"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def base_url(self):
        return f"{self.scheme}://localhost:{self.port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def send(handler, status, body=b"{}", **headers):
    handler.send_response(status)
    for k, v in headers.items():
        handler.send_header(k.replace("_", "-"), v)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def unauthorized(handler):
    send(handler, 401, b'{"error":"unauthorized"}')


def status(code, **headers):
    return lambda handler: send(handler, code, **headers)


def first(answers, then=unauthorized):
    """Each of these once, in order, then the last for ever."""
    left = list(answers)
    return lambda handler: (left.pop(0) if left else then)(handler)


def slowly(seconds, every=0.1):
    """A body that comes by the byte."""
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                handler.wfile.write(b"x")
                time.sleep(every)
        except OSError:
            pass
    return answer


def after(seconds, then=unauthorized):
    def answer(handler):
        time.sleep(seconds)
        then(handler)
    return answer


def large(size, chunked):
    def answer(handler):
        handler.send_response(200)
        if chunked:
            handler.send_header("Transfer-Encoding", "chunked")
        else:
            handler.send_header("Content-Length", str(size))
        handler.end_headers()
        try:
            for _ in range(size // 1000):
                handler.wfile.write(b"3e8\r\n" + b"x" * 1000 + b"\r\n" if chunked else b"x" * 1000)
        except OSError:
            pass
    return answer


def large_head(handler):
    handler.send_response(200)
    for i in range(100):
        handler.send_header(f"X-Filler-{i}", "x" * 1000)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def cut(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"only this")
    handler.wfile.flush()
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def no_http(handler):
    handler.wfile.write(b"220 mail.example.com ESMTP\r\n")
    handler.close_connection = True
