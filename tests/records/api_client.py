"""A program that uses the API: its token, and every answer held against the description."""
import json
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from tests.records.contract import check

BASE = "/api/v1"


@dataclass
class Program:
    """`program.get("/orders?status=paid")`; bodies are JSON, `tag` is what If-Match carries."""

    app: Flask
    token: str | None
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.send("GET", path, headers=headers)

    def post(self, path: str, body: Any = None, **headers: str) -> TestResponse:
        return self.send("POST", path, body, headers=headers)

    def patch(self, path: str, body: Any, tag: object = None, **headers: str) -> TestResponse:
        return self.send("PATCH", path, body, tag, headers)

    def put(self, path: str, body: Any, tag: object = None, **headers: str) -> TestResponse:
        return self.send("PUT", path, body, tag, headers)

    def delete(self, path: str, tag: object = None, **headers: str) -> TestResponse:
        return self.send("DELETE", path, None, tag, headers)

    def send(self, method: str, path: str, body: Any = None, tag: object = None, headers: dict[str, str] | None = None) -> TestResponse:
        """Send it and hold the answer against the description."""
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in (headers or {}).items()}}
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        if tag is not None:
            sent["If-Match"] = f'"{tag}"' if isinstance(tag, int) else str(tag)
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        response = self.app.test_client().open(BASE + path, method=method, data=data, headers=sent)
        check(method, path, response)
        return response
