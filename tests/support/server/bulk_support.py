"""A bulk export on the scripted server, which keeps an account of what is asked of it."""

from __future__ import annotations

import json
from typing import Any

from werkzeug import Request, Response

from tests.support.server.fake_fhir import Fake, as_json


class Export:
    """$export on the fake server: `polls` answers of 202, then a manifest of one file a type."""

    def __init__(self, fake: Fake) -> None:
        self.fake, self.polls, self.asked = fake, 2, 0
        self.kicked, self.deleted, self.waited = 0, 0, []
        self.retry_after = "120"
        self.manifest: dict[str, Any] = {}
        self.location = self.file_base = fake.base
        self.files: dict[str, Any] = {}
        for one in fake.resources:
            text = json.loads(as_json(one).get_data(as_text=True))
            self.files.setdefault(one["resourceType"], "")
            self.files[one["resourceType"]] += json.dumps(text) + "\n"
        self.file_requests: list[dict[str, str]] = []
        self.files_asked: list[str] = []
        self.types_asked: list[str] = []
        fake.before = self

    def __call__(self, server: Fake, request: Request, number: int) -> Response | None:
        if request.path.endswith("$export"):
            self.kicked += 1
            self.types_asked = request.args.get("_type", "").split(",")
            return Response("", 202, {"Content-Location": f"{self.location}/status/1"})
        if request.path.endswith("/status/1"):
            return self.status(request)
        if "/files/" in request.path:
            self.file_requests.append(dict(request.headers))
            self.files_asked.append(request.path.rsplit("/", 1)[1])
            file = self.files[self.files_asked[-1]]
            if isinstance(file, Response):
                return file
            return Response(file() if callable(file) else file, content_type="application/fhir+ndjson")
        return None

    def status(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.deleted += 1
            return Response("", 202)
        self.asked += 1
        if self.asked <= self.polls:
            return Response("", 202, {"Retry-After": self.retry_after, "X-Progress": "running"})
        output = [{"type": kind, "url": f"{self.file_base}/files/{kind}"} for kind in self.files]
        return as_json({"requiresAccessToken": True, "output": output, **self.manifest})


def everything(fake: Fake) -> set[str]:
    return {f"{one['resourceType']}/{one['id']}" for one in fake.resources}
