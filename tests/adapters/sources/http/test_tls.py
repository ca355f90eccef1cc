"""TLS: a certificate that is not trusted, for another host, or expired is an error; own CA and client certificate work."""

from __future__ import annotations

import ipaddress
import re
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pytest_httpserver import HTTPServer

from adapters.errors import IncompleteError, InputError
from tests.support.server.bulk_support import everything
from tests.support.server.fake_fhir import Fake, as_json
from tests.support.server.resume_support import keys

DAY = timedelta(days=1)


class Authority:
    """A certificate authority as a hospital has one."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.key = folder, ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Hospital CA")])
        self.certificate = self._signed(name, name, self.key.public_key(), x509.BasicConstraints(True, None))
        self.file = folder / "ca.pem"
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, host: str, valid: bool = True) -> tuple[Path, Path]:
        """Certificate and key for a host name or address."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
        names = x509.SubjectAlternativeName(
            [x509.DNSName(host) if not host[0].isdigit() else x509.IPAddress(ipaddress.ip_address(host))]
        )
        end = datetime.now(UTC) + (DAY if valid else -DAY)
        certificate = self._signed(subject, self.certificate.subject, key.public_key(), names, end)
        files = self.folder / f"{host}-{valid}.pem", self.folder / f"{host}-{valid}.key"
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
        files[1].chmod(0o600)
        return files

    def _signed(self, subject: Any, issuer: Any, public: Any, extension: Any, end: datetime | None = None) -> Any:
        start = datetime.now(UTC) - 10 * DAY
        issuing = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = x509.CertificateBuilder().issuer_name(issuer).subject_name(subject).public_key(public)
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(start)
        builder = builder.not_valid_after(end or datetime.now(UTC) + DAY)
        return builder.add_extension(extension, True).add_extension(issuing, False).sign(self.key, hashes.SHA256())


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def over_tls(fake: Fake):
    """The scripted server behind TLS with a certificate; gives its base address."""
    servers = []

    def make(files: tuple[Path, Path], clients: Path | None = None) -> str:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
        if clients is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(clients)
        server = HTTPServer(host="localhost", port=0, ssl_context=context)
        server.expect_request(re.compile("/fhir.*")).respond_with_handler(fake)
        server.start()
        servers.append(server)
        fake.base = f"https://localhost:{server.port}/fhir"
        return fake.base

    yield make
    for server in servers:
        server.stop()


def test_the_hospital_s_own_authority(authority, over_tls, opened):
    base = over_tls(authority.issue("localhost"))
    assert len(list(opened(base, ca_file="ca.pem").read())) == 15


@pytest.mark.parametrize("case", ["unknown authority", "another host", "expired"])
def test_a_certificate_that_does_not_hold_is_an_error(case, authority, over_tls, opened, fake):
    base = over_tls(authority.issue("127.0.0.9" if case == "another host" else "localhost", valid=case != "expired"))
    with pytest.raises(IncompleteError, match="GET metadata: the server's certificate is not trusted; name its CA"):
        list(opened(base, ca_file="" if case == "unknown authority" else "ca.pem").read())
    assert not fake.hits


def test_a_client_certificate_is_shown_where_the_server_wants_one(authority, over_tls, opened):
    base = over_tls(authority.issue("localhost"), clients=authority.file)
    certificate, key = authority.issue("client")
    options = {"ca_file": "ca.pem", "client_cert": certificate.name, "client_key": key.name}
    assert len(list(opened(base, **options).read())) == 15
    with pytest.raises(IncompleteError, match="connection failed"):
        list(opened(base, ca_file="ca.pem", attempts=1).read())


def test_a_client_certificate_and_its_key_may_be_one_file(authority, over_tls, opened, tmp_path):
    base = over_tls(authority.issue("localhost"), clients=authority.file)
    both = tmp_path / "both.pem"
    both.write_text("".join(file.read_text() for file in authority.issue("client")))
    both.chmod(0o600)
    assert len(list(opened(base, ca_file="ca.pem", client_cert="both.pem").read())) == 15
    both.chmod(0o640)
    with pytest.raises(InputError, match=r"both\.pem: others can read this secret; chmod 600 it"):
        list(opened(base, ca_file="ca.pem", client_cert="both.pem").read())


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_private_key_that_others_can_read_is_refused(mode, authority, opened):
    certificate, key = authority.issue("client")
    key.chmod(mode)
    with pytest.raises(InputError, match="others can read this secret; chmod 600 it"):
        list(opened(client_cert=certificate.name, client_key=key.name).read())


def test_a_private_key_with_a_passphrase_is_refused_and_nobody_is_asked(authority, opened, monkeypatch):
    certificate, file = authority.issue("client")
    key = serialization.load_pem_private_key(file.read_bytes(), None)
    form = serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
    file.write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    with pytest.raises(InputError, match="the client's private key has a passphrase; name a key without one"):
        list(opened(client_cert=certificate.name, client_key=file.name).read())


@pytest.fixture
def elsewhere(authority):
    """Another server, on its own origin, that would like to see a client certificate; gives server and certificates seen."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("127.0.0.1"))
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(authority.file)
    with HTTPServer(host="127.0.0.1", port=0, ssl_context=context) as server:
        yield server


def shown(server: HTTPServer) -> list[object]:
    return [request.environ.get("SSL_CLIENT_CERT") for request, _ in server.log]


def test_the_client_certificate_is_not_shown_to_a_token_endpoint_elsewhere(
    authority, over_tls, opened, elsewhere, monkeypatch
):
    monkeypatch.setenv("FHIR_CLIENT_SECRET", "secret")
    elsewhere.expect_request("/token").respond_with_json({"access_token": "abc", "token_type": "bearer"})
    base = over_tls(authority.issue("localhost"), clients=authority.file)
    certificate, key = authority.issue("client")
    options = {"ca_file": "ca.pem", "client_cert": certificate.name, "client_key": key.name, "client_id": "study"}
    token_url = f"https://127.0.0.1:{elsewhere.port}/token"
    assert len(list(opened(base, auth="client_credentials", token_url=token_url, **options).read())) == 15
    assert shown(elsewhere) == [None]


def test_the_client_certificate_is_shown_to_a_token_endpoint_of_the_server_itself(
    authority, over_tls, opened, fake, monkeypatch
):
    monkeypatch.setenv("FHIR_CLIENT_SECRET", "secret")
    fake.before = lambda server, request, number: (
        as_json({"access_token": "abc", "token_type": "bearer"}) if request.path == "/fhir/token" else None
    )
    base = over_tls(authority.issue("localhost"), clients=authority.file)
    certificate, key = authority.issue("client")
    options = {"ca_file": "ca.pem", "client_cert": certificate.name, "client_key": key.name, "client_id": "study"}
    source = opened(base, auth="client_credentials", token_url=f"{base}/token", **options)
    assert len(list(source.read())) == 15


def test_the_client_certificate_is_not_shown_to_files_elsewhere(
    authority, over_tls, bulk, export, fake, elsewhere, monkeypatch
):
    monkeypatch.setenv("FHIR_TOKEN", "secret-token")
    for kind, text in export.files.items():
        elsewhere.expect_request(f"/files/{kind}").respond_with_data(text)
    export.location = over_tls(authority.issue("localhost"), clients=authority.file)
    export.file_base = f"https://127.0.0.1:{elsewhere.port}"
    certificate, key = authority.issue("client")
    options = {"ca_file": "ca.pem", "client_cert": certificate.name, "client_key": key.name}
    assert keys(bulk(allow_output_origin=export.file_base, **options)) == everything(fake)
    assert set(shown(elsewhere)) == {None}
    assert all("Authorization" not in request.headers for request, _ in elsewhere.log)


def test_certificate_files_that_are_not_there_are_named_as_settings(opened):
    with pytest.raises(InputError, match="certificate files cannot be used"):
        list(opened(ca_file="missing.pem").read())
