"""A certificate authority for tests: keys and certificates as an administrator gets them, made with the openssl program."""
import pathlib
import subprocess


def openssl(*args, stdin=None):
    done = subprocess.run(["openssl", *map(str, args)], input=stdin, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, f"openssl {args}: {done.stderr.decode()}"
    return done.stdout


class Authority:
    """A root that signs servers' certificates through an intermediate, and answers OCSP questions about them."""

    def __init__(self, base):
        self.base = pathlib.Path(base)
        self.base.mkdir(parents=True, exist_ok=True)
        self.base.chmod(0o755)
        self.count = 0
        self.root = self.make("Test Root", None, "CA:true")
        self.inter = self.make("Test Intermediate", self.root, "CA:true")
        self.ca_file = self.root[0]

    def make(self, name, issuer, constraints, names=(), days=90, key="ec", start=None):
        """(certificate file, key file); issuer None: signs itself."""
        self.count += 1
        stem = self.base / f"{self.count}-{name.lower().replace(' ', '-').replace('*', 'star')}"
        cert, private, request, extra = (stem.with_suffix(x) for x in (".crt", ".key", ".csr", ".ext"))
        if key == "ec":
            openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", private)
        else:
            openssl("genrsa", "-out", private, key)
        private.chmod(0o600)
        lines = [f"basicConstraints=critical,{constraints}", "subjectKeyIdentifier=hash"]
        if names:
            lines.append("subjectAltName=" + ",".join(f"DNS:{n}" for n in names))
        if constraints == "CA:false":
            lines += ["extendedKeyUsage=serverAuth", "keyUsage=critical,digitalSignature",
                      "authorityInfoAccess=OCSP;URI:http://127.0.0.1:9/"]
        else:
            lines.append("keyUsage=critical,keyCertSign,cRLSign,digitalSignature")
        extra.write_text("\n".join(lines) + "\n")
        openssl("req", "-new", "-key", private, "-subj", f"/CN={name}", "-out", request)
        by = ["-CA", issuer[0], "-CAkey", issuer[1]] if issuer else ["-signkey", private]
        openssl("x509", "-req", "-in", request, *by, "-days", days, "-sha256", "-set_serial", 1000 + self.count, "-extfile", extra,
                "-out", cert)
        return cert, private

    def server(self, *names, days=90, key="ec", with_chain=True):
        """The files of a server: its certificate with the intermediate behind it, and its key."""
        cert, private = self.make(names[0], self.inter, "CA:false", names, days, key)
        chain = cert.with_suffix(".pem")
        chain.write_bytes(cert.read_bytes() + (self.inter[0].read_bytes() if with_chain else b""))
        return chain, private

    def ocsp(self, chain, revoked=False, days=2):
        """The responder's answer about a server's certificate, as DER."""
        cert = chain.with_suffix(".crt")
        serial = openssl("x509", "-in", cert, "-noout", "-serial").decode().strip().split("=")[1]
        index = self.base / "index.txt"
        state = f"R\t400101000000Z\t260101000000Z\t{serial}\tunknown\t/CN=x\n" if revoked else f"V\t400101000000Z\t\t{serial}\tunknown\t/CN=x\n"
        index.write_text(state)
        answer, ask = chain.with_suffix(".ocsp"), self.base / "ask.der"
        openssl("ocsp", "-issuer", self.inter[0], "-cert", cert, "-reqout", ask, "-no_nonce")
        openssl("ocsp", "-index", index, "-CA", self.inter[0], "-rsigner", self.inter[0], "-rkey", self.inter[1], "-reqin", ask,
                "-respout", answer, "-ndays", days)
        return answer
