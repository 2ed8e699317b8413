"""A language server in a process of its own, spoken to as editors do (LSP over stdin and stdout)."""

import itertools
import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HOME = Path(__file__).parent
SERVER = HOME / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
CAPABILITIES = {
    "textDocument": {
        "completion": {"completionItem": {"documentationFormat": ["markdown"]}},
        "hover": {"contentFormat": ["markdown"]},
        "publishDiagnostics": {},
    },
}
SETTINGS = {"yaml": {"validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False}}}


@dataclass
class Server:
    """``problems`` are those last told of each file."""

    process: "subprocess.Popen[bytes]"
    problems: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def open(self, path: Path) -> str:
        """Open a file; gives what the server calls it."""
        uri = path.as_uri()
        text = path.read_text(encoding="utf-8")
        self.tell("textDocument/didOpen", textDocument={"uri": uri, "languageId": "yaml", "version": 1, "text": text})
        return uri

    def complete(self, uri: str, line: int, column: int) -> list[str]:
        """What could stand at a place; lines and columns count from 0, as editors have it."""
        found = self.ask("textDocument/completion", textDocument={"uri": uri}, position=_place(line, column))
        return [item["label"] for item in (found["items"] if isinstance(found, dict) else found)]

    def hover(self, uri: str, line: int, column: int) -> str:
        """What is said about a place."""
        found = self.ask("textDocument/hover", textDocument={"uri": uri}, position=_place(line, column))
        return str(found["contents"]["value"]) if found else ""

    def diagnose(self, uri: str) -> list[tuple[int, int, str]]:
        """What is wrong with a file: line and column from 1, as in our messages, and the message."""
        while uri not in self.problems:
            self._mind(self._receive())
        return sorted(
            (problem["range"]["start"]["line"] + 1, problem["range"]["start"]["character"] + 1, problem["message"])
            for problem in self.problems.pop(uri)
        )

    def ask(self, method: str, **params: Any) -> Any:
        """Send a request and wait for its answer."""
        number = next(self._numbers)
        self._send({"id": number, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") == number and "method" not in message:
                assert "error" not in message, message
                return message["result"]
            self._mind(message)

    def tell(self, method: str, **params: Any) -> None:
        """Send what has no answer."""
        self._send({"method": method, "params": params})

    def _mind(self, message: Mapping[str, Any]) -> None:
        """Take in what the server says unasked, and answer what it asks."""
        if message.get("method") == "textDocument/publishDiagnostics":
            self.problems[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "id" in message and "method" in message:
            self._send({"id": message["id"], "result": None})

    def _send(self, message: Mapping[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        length = 0
        while line := self.process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return dict(json.loads(self.process.stdout.read(length)))


@contextmanager
def yaml_language_server() -> Iterator[Server]:
    """The server that VS Code's and Neovim's YAML support are made of."""
    argv = ["node", str(SERVER), "--stdio"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            server = Server(process)
            server.ask("initialize", processId=None, rootUri=None, capabilities=CAPABILITIES)
            server.tell("initialized")
            server.tell("workspace/didChangeConfiguration", settings=SETTINGS)
            yield server
        finally:
            process.kill()


def _place(line: int, column: int) -> dict[str, int]:
    return {"line": line, "character": column}
