"""Canaries: secrets and patients in none of what a pull writes, prints, logs or raises; addresses in resources unasked."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.support.server.fake_fhir import Fake, as_json, small_cohort
from tests.support.server.smart_support import RSA_KEY, TokenEndpoint, pem, private

LONGEST_SECONDS = 300
ASSERTION = re.compile(rb"eyJ[\w-]{20,}\.eyJ[\w-]{20,}")
PATIENTS = re.compile(rb"m-a|m-b|b-old|Patient(/|%2[Ff])[abc]\b")  # also as an address writes them


def pull(fake: Fake, folder: Path, config: str, **environment: str) -> tuple[int, bytes]:
    """Exit code, and everything that was printed, logged (DEBUG) and written but the raw spool."""
    (folder / "server.toml").write_text(config)
    script = "import logging; logging.basicConfig(level=logging.DEBUG); from adapters.__main__ import main; main()"
    command = [sys.executable, "-c", script, "pull", fake.base, "--out", str(folder / "out")]
    done = subprocess.run(
        [*command, "--server-config", str(folder / "server.toml")], capture_output=True, timeout=LONGEST_SECONDS,
        env=os.environ | {"STUDY_SPOOL": str(folder / "spool")} | environment, check=False,
    )  # fmt: skip
    written = b"".join(path.read_bytes() for path in sorted((folder / "out").rglob("*")) if path.is_file())
    arguments = " ".join(command).encode()
    return done.returncode, done.stdout + done.stderr + written + arguments


@pytest.mark.parametrize("fails", [False, True])
def test_smart_leaves_no_key_token_or_patient_behind(fails, fake: Fake, httpserver: HTTPServer, tmp_path: Path):
    issuer = TokenEndpoint(RSA_KEY.public_key(), "RS384")
    issuer.url = httpserver.url_for("/auth/token")
    httpserver.expect_request("/auth/token").respond_with_handler(issuer)
    if fails:
        fake.before = lambda server, request, number: as_json({}, 400) if "Observation" in request.path else None
    private(tmp_path / "key", pem(RSA_KEY))
    settings = f'auth = "smart"\nclient_id = "study"\nkey_file = "key"\nkey_id = "key-1"\ntoken_url = "{issuer.url}"\n'
    code, told = pull(fake, tmp_path, settings)
    assert code == (3 if fails else 0), told
    assert issuer.issued
    key_lines = [line.encode() for line in pem(RSA_KEY).splitlines()[1:-1]]
    for secret in [b"token-1", *key_lines]:
        assert secret not in told
    assert not PATIENTS.search(told)
    assert not ASSERTION.search(told)
    spooled = b"".join(path.read_bytes() for path in (tmp_path / "spool").rglob("*") if path.is_file())
    assert b"token-1" not in spooled


SIGN_IN = {
    "FHIR_CLIENT_SECRET": 'auth = "client_credentials"\nclient_id = "study"\ntoken_url = "{url}"\n',
    "FHIR_PASSWORD": 'auth = "basic"\nuser = "me"\n',
}


@pytest.mark.parametrize("variable", SIGN_IN)
def test_client_secret_and_password_are_nowhere(variable, fake: Fake, httpserver: HTTPServer, tmp_path: Path):
    httpserver.expect_request("/token").respond_with_json({"access_token": "canary-token", "token_type": "bearer"})
    settings = SIGN_IN[variable].format(url=httpserver.url_for("/token"))
    code, told = pull(fake, tmp_path, settings, **{variable: "canary-secret"})
    assert code == 0, told
    for secret in (b"canary", b64encode(b"study:canary"), b64encode(b"me:canary")):
        assert secret not in told
    assert not PATIENTS.search(told)


def test_what_is_looked_for_is_found_as_addresses_write_it():
    for shown in (b"?patient=Patient%2Fa%2CPatient%2Fb", b"Patient/c ", b"_id=b-old", b"patient=Patient%2fb"):
        assert PATIENTS.search(shown)
    assert not PATIENTS.search(b"Patient/_search Patient?_id={up to 10 ids} Patient%2F_search")


def only_get(_server: Fake, request: Request, _number: int) -> Response | None:
    return Response("", 405) if request.method == "POST" else None


def refused(server: Fake, request: Request, number: int) -> Response | None:
    return only_get(server, request, number) or (as_json({}, 400) if "Observation" in request.path else None)


def cut_off(server: Fake, request: Request, number: int) -> Response | None:
    page = "_getpages" in request.args
    return only_get(server, request, number) or (Response("{", 200) if page else None)


@pytest.mark.parametrize(("before", "expected"), [(only_get, 0), (refused, 3), (cut_off, 3)])
def test_a_server_that_takes_get_only_gets_ids_in_addresses_and_nobody_else_does(before, expected, fake, tmp_path):
    addresses: list[bytes] = []

    def noted(server: Fake, request: Request, number: int) -> Response | None:
        addresses.append(request.query_string)
        return before(server, request, number)

    fake.before = noted
    code, told = pull(fake, tmp_path, 'auth = "bearer"\n', FHIR_TOKEN="canary-token")
    assert code == expected, told
    assert any(map(PATIENTS.search, addresses)), "they stood in an address"
    assert not PATIENTS.search(told)
    assert b"canary" not in told


def test_no_address_in_a_resource_is_asked(fake: Fake, opened, caplog, monkeypatch):
    """Attachments, photos, canonicals, extensions, references and profiles may name any host: none is asked."""
    caplog.set_level(logging.WARNING)
    monkeypatch.setenv("FHIR_TOKEN", "secret-token")
    with HTTPServer(host="127.0.0.1", port=0) as trap:
        there = f"http://127.0.0.1:{trap.port}"
        for one in fake.resources:
            one["meta"] = {"profile": [f"{there}/StructureDefinition/x"], "source": there}
            one["implicitRules"] = f"{there}/rules"
            one["extension"] = [{"url": f"{there}/extension", "valueUrl": there, "valueUri": there}]
            if one["resourceType"] == "Patient":
                one["photo"] = [{"contentType": "image/png", "url": f"{there}/photo"}]
                one["managingOrganization"] = {"reference": f"{there}/Organization/1"}
            if one["resourceType"] == "Observation":
                one["derivedFrom"] = [{"reference": f"{there}/Observation/1"}]
        fake.resources.append(
            {"resourceType": "MedicationAdministration", "id": "ma2", "status": "completed",
             "medicationReference": {"reference": f"{there}/Medication/m9"}, "subject": {"reference": "Patient/b"}}
        )  # fmt: skip
        assert len(list(opened().read())) == len(small_cohort()) - 3 + 1
        assert trap.log == []
