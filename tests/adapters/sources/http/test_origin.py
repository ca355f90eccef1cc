"""Links that look like ours and are not: none reaches another server, with or without token."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer

from adapters.errors import IncompleteError, InputError
from adapters.sources.http.origin import LinkError, parse_base
from tests.support.server.fake_fhir import Fake

BASE = parse_base("https://fhir.example.org/app/r4")
REQUEST = "https://fhir.example.org/app/r4/Observation/_search"

TRICKS = [
    "https://fhir.example.org@trap.example/app/r4?x",
    "https://fhir.example.org:443@trap.example/app/r4?x",
    "https://trap.example/app/r4?next=https://fhir.example.org/app/r4",
    "https://trap.example/https://fhir.example.org/app/r4",
    "https://fhir.example.org.trap.example/app/r4?x",
    "https://fhir.example.org./app/r4?x",
    "//trap.example/app/r4?x",
    "\\\\trap.example/app/r4?x",
    "https:\\\\trap.example/app/r4",
    "http://fhir.example.org/app/r4?x",
    "https://fhir.example.org:8443/app/r4?x",
    "https://fhir.example.org:443:443/app/r4?x",
    "https://fhir.example.org/app/r4/../../admin?x",
    "https://fhir.example.org/app/r4/%2e%2e/%2e%2e/admin?x",
    "https://fhir.example.org/app/r4/..;/..;/admin",
    "https://fhir.example.org/app/r4/..;x=1/..;x=1/admin",
    "https://fhir.example.org/app/r4/.;/admin",
    "https://fhir.example.org/app/r4/..%3b/..%253B/admin",
    "https://fhir.example.org/app/r4/%252e%252e/admin",
    "https://fhir.example.org/app/r4/..%252fadmin",
    "https://fhir.example.org/app/r4/..%25255Cadmin",
    "https://fhir.example.org/app/r4-other?x",
    "https://fhir.example.org/app?x",
    "https://fhír.example.org/app/r4?x",
    "https://[::1]/app/r4?x",
    "https://fhir.example.org/app/r4?x\r\nHost: trap.example",
    "https://fhir.example.org\t.trap.example/app/r4",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "ftp://fhir.example.org/app/r4",
    "https://fhir.example.org/app/r4?x#@trap.example",
    "",
]


@pytest.mark.parametrize("link", TRICKS[:-1])
def test_a_link_elsewhere_is_an_error_that_does_not_show_it(link):
    with pytest.raises(LinkError, match="leads elsewhere") as caught:
        BASE.resolve(link, REQUEST)
    assert "trap" not in str(caught.value)


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("https://fhir.example.org/app/r4?_getpages=1", "https://fhir.example.org/app/r4?_getpages=1"),
        ("https://fhir.example.org:443/app/r4/Observation?p=2", "https://fhir.example.org:443/app/r4/Observation?p=2"),
        ("HTTPS://FHIR.example.ORG/app/r4?p=2", "https://FHIR.example.ORG/app/r4?p=2"),
        ("/app/r4/Observation?p=2", "https://fhir.example.org/app/r4/Observation?p=2"),
        ("/Observation?p=2", "https://fhir.example.org/app/r4/Observation?p=2"),
        ("Observation?p=2", "https://fhir.example.org/app/r4/Observation?p=2"),
        ("?p=2", "https://fhir.example.org/app/r4/Observation/_search?p=2"),
        ("fhir.example.org/app/r4?p=2", "https://fhir.example.org/app/r4?p=2"),
        ("https://fhir.example.org/app/r4?p=a%2Bb|c", "https://fhir.example.org/app/r4?p=a%2Bb|c"),
        (
            "https://fhir.example.org/app/r4/a..b;v=1/..c?p=..%2F",
            "https://fhir.example.org/app/r4/a..b;v=1/..c?p=..%2F",
        ),
    ],
)
def test_links_as_real_servers_write_them(link, address):
    assert BASE.resolve(link, REQUEST) == address


MALFORMED = ["http://[::1/x", "http://[", "http://[HOST:PORT]/", "//[x", "http://]/x", "http://[::1]]/x", "http://[v1.x]:y/z",
             "https://fhir.example.org:99999/app/r4", "https://fhir.example.org:x/app/r4",
             f"https://{'a' * 64}.org/app/r4",
             "http://[fe80::1%25eth0]/x", "https://fhir.example.org:/app/r4/[", "https://a..b/app/r4"]  # fmt: skip


@pytest.mark.parametrize("rewrite", [False, True])
@pytest.mark.parametrize("link", MALFORMED)
def test_a_malformed_link_leads_nowhere_and_is_not_shown(link, rewrite):
    outcome = ""
    try:
        outcome = BASE.resolve(link, REQUEST, rewrite=rewrite)
    except LinkError as error:
        outcome = str(error)
    assert BASE.holds(outcome) or link not in outcome
    BASE.relative(link, rewrite=rewrite)  # gives a text whatever it is given


@pytest.mark.parametrize("address", [link for link in MALFORMED if "example.org:/" not in link])
def test_a_malformed_base_is_an_error_of_ours(address):
    with pytest.raises(InputError, match="not a FHIR base address"):
        parse_base(address.replace("http:", "https:"))


@pytest.mark.parametrize("link", MALFORMED[:7])
def test_a_pull_ends_at_a_malformed_link_with_one_line(link, fake, opened):
    fake.page_size = 1
    fake.after = lambda server, request, bundle: {**bundle, "link": [{"relation": "next", "url": link}]}
    with pytest.raises(IncompleteError, match="leads elsewhere"):
        list(opened(counts=False).read())


@pytest.mark.parametrize("place", ["location", "file_base"])
@pytest.mark.parametrize("link", MALFORMED[:3])
def test_an_export_ends_at_a_malformed_address_with_one_line(link, place, export, bulk):
    setattr(export, place, link)
    with pytest.raises(IncompleteError):
        list(bulk().read())


def test_a_proxy_s_inner_host_is_rewritten_only_on_request():
    inner = "http://inner:8080/app/r4?_getpages=1"
    with pytest.raises(LinkError):
        BASE.resolve(inner, REQUEST)
    assert BASE.resolve(inner, REQUEST, rewrite=True) == "https://fhir.example.org/app/r4?_getpages=1"
    with pytest.raises(LinkError):
        BASE.resolve("http://inner:8080/other?_getpages=1", REQUEST, rewrite=True)


@pytest.mark.parametrize(
    "address",
    [
        "http://fhir.example.org/r4",
        "ftp://x/r4",
        "https://user:secret@x/r4",
        "https://x/r4?a=b",
        "https://",
        "not an address",
    ],
)
def test_a_base_that_cannot_be_used_is_refused_without_showing_secrets(address):
    with pytest.raises(InputError) as caught:
        parse_base(address)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("address", ["http://localhost:8080/fhir", "http://127.0.0.1/fhir/", "http://[::1]:80/fhir"])
def test_http_is_for_this_machine(address):
    assert parse_base(address).path == "/fhir"


@given(st.text(max_size=40))
def test_whatever_resolves_lies_beneath_the_base(link):
    try:
        address = BASE.resolve(link, REQUEST)
    except LinkError:
        return
    assert BASE.holds(address)


@pytest.mark.parametrize("trick", range(15))
def test_no_request_with_a_token_reaches_a_trap_server(trick, fake: Fake, opened, monkeypatch):
    monkeypatch.setenv("FHIR_TOKEN", "secret-token")
    with HTTPServer(host="127.0.0.1", port=0) as trap:
        here, there = fake.base.removeprefix("http://").removesuffix("/fhir"), f"127.0.0.1:{trap.port}"
        links = [
            f"http://{there}/fhir?_getpages=t0",
            f"http://{here}@{there}/fhir?_getpages=t0",
            f"http://{there}/fhir?next=http://{here}/fhir",
            f"http://{there}/http://{here}/fhir",
            f"//{there}/fhir?_getpages=t0",
            f"\\\\{there}/fhir",
            f"http:\\\\{there}/fhir",
            f"http://{there}#{here}/fhir",
            f"http://{there}\\@{here}/fhir",
            f"http://LOCALHOST:{trap.port}/fhir",
            f"http://localhost:{trap.port}/fhir",
            f"http://[::ffff:127.0.0.1]:{trap.port}/fhir",
            f"HTTP://{there}/fhir?_getpages=t0",
            f"http://{there}/fhir/../fhir?_getpages=t0",
            f"http://127.1:{trap.port}/fhir?_getpages=t0",
        ]
        fake.page_size = 1
        fake.after = lambda server, request, bundle: {**bundle, "link": [{"relation": "next", "url": links[trick]}]}
        with pytest.raises(IncompleteError, match="leads elsewhere"):
            list(opened(rewrite_links=False).read())
        assert trap.log == []
