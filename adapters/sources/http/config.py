"""Settings of a server connection: a TOML file. Secrets are in files or the environment, never in it.

    auth = "smart"                 # none, bearer, basic, client_credentials, smart
    client_id = "study"            # client_credentials, smart
    key_file = "key.pem"           # smart: private key as PEM or JWK, readable by its owner only
    parallel = 4                   # requests at a time

Every key is a field of `ServerConfig`; an unknown one is an error that names it.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from adapters.errors import InputError

Positive = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
Hours = Annotated[float, msgspec.Meta(gt=0)]


class ServerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of a FHIR server; the defaults suit most. File names are relative to the TOML file."""

    auth: Literal["auto", "none", "bearer", "basic", "client_credentials", "smart"] = "auto"
    token_file: str = ""  # bearer; else FHIR_TOKEN
    user: str = ""  # basic; else FHIR_USER
    password_file: str = ""  # basic; else FHIR_PASSWORD
    client_id: str = ""
    client_secret_file: str = ""  # client_credentials; else FHIR_CLIENT_SECRET
    key_file: str = ""  # smart: PEM or JWK private key
    key_id: str = ""
    token_url: str = ""  # any https host; else discovered on the server's own origin
    scope: str = "system/*.read"
    ca_file: str = ""
    client_cert: str = ""
    client_key: str = ""
    parallel: Positive = 4
    chunk_size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 25
    count: Positive = 1000  # _count: a hint, servers may give less
    timeout_seconds: Seconds = 60.0  # from the request to the end of the headers; then between two pieces of a body
    attempts: Positive = 6
    retry_seconds: Seconds = 600.0  # all attempts of one request together
    longest_wait_seconds: Seconds = 120.0  # cap of Retry-After
    page_limit: Positive = 100_000
    max_search_seconds: Seconds = 6 * 3600.0  # all pages of one search
    max_page_bytes: Positive = 64 * 2**20  # decoded
    max_file_bytes: Positive = 2**35  # bulk: decoded size of one file
    max_total_bytes: Positive = 2**37  # decoded, of one pull
    max_page_seconds: Seconds = 600.0  # from the first to the last byte of one answer
    max_file_seconds: Seconds = 6 * 3600.0  # bulk: the same for one file
    resume_hours: Hours = 72.0  # an interrupted pull that began longer ago starts over
    rewrite_links: bool = False  # for proxies: links that name another host are asked from ours
    counts: bool = True  # `_summary=count` before and after each chunk
    accept_missing_patients: bool = False  # go on without patients that a therapy names and the server does not give
    poll_cap_seconds: Seconds = 300.0  # bulk: longest wait between two polls
    poll_limit_seconds: Seconds = 7 * 86400.0
    allow_output_origin: str = ""  # bulk: one more https origin that files may come from, without token

    def signs_in_by(self, environment: Mapping[str, str]) -> str:
        """The kind of authentication; "auto" is "bearer" if a token is given, else "none"."""
        if self.auth != "auto":
            return self.auth
        return "bearer" if self.token_file or environment.get("FHIR_TOKEN", "").strip() else "none"

    def describe(self) -> dict[str, object]:
        """Settings for the manifest: no file names, no secrets."""
        shown = ("auth", "parallel", "chunk_size", "count", "rewrite_links", "counts", "accept_missing_patients")
        return {name: getattr(self, name) for name in shown}


def load_server_config(path: str | Path | None) -> tuple[ServerConfig, Path]:
    """Settings and the folder that file names are relative to; defaults without a file. Raises InputError."""
    if path is None:
        return ServerConfig(), Path.cwd()
    file = Path(path)
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
        return msgspec.convert(document, ServerConfig), file.resolve().parent
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", file.name, "name the server settings file") from None
    except RecursionError:
        raise InputError("server settings are nested too deeply", file.name, "correct the file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise InputError(f"server settings are wrong: {error}", file.name, "correct that key") from None


def secret(name: str, file: str, folder: Path) -> str:
    """A secret from its file (readable by the owner only) or the environment variable `name`. Raises InputError."""
    if file:
        return private_text(folder / file)
    value = os.environ.get(name, "").strip()
    if not value:
        raise InputError(f"the secret {name} is not given", "server settings", f"set {name} or name a file")
    return value


def private_text(path: Path) -> str:
    """Text of a file that others cannot read. Raises InputError: missing, empty, or open to others."""
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise InputError("others can read this secret", path.name, "chmod 600 it")
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InputError(
            f"a secret cannot be read ({error.strerror})", path.name, "check the server settings"
        ) from None
    except UnicodeDecodeError:
        raise InputError("a secret is not text", path.name, "check the server settings") from None
    if not text:
        raise InputError("the secret is empty", path.name, "write it into that file")
    return text
