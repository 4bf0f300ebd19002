"""A model as an UM-Bridge server, protocol 1.0, by Python's own HTTP server.

The protocol is that of `surecast.simulate.umbridge_protocol`, from the other side. One evaluation at a time: the others
wait. What the model cannot do (derivatives, shared memory) is answered with ``UnsupportedFeature``.
"""

from __future__ import annotations

import json
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from surecast.cli.served_model import FailedRun, InvalidInput, ServedModel
from surecast.simulate.umbridge_protocol import PROTOCOL
from surecast.study.errors import SurecastError

LARGEST_BODY = 64 << 20
"""Bytes of a request: more are no inputs of a study."""
IDLE_SECONDS = 600
UNSUPPORTED = ("Gradient", "ApplyJacobian", "ApplyHessian")


class Refused(Exception):
    """A request that is answered with an error of the protocol."""

    def __init__(self, kind: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status, self.content = status, {"error": {"type": kind, "message": message}}


class ModelServer(ThreadingHTTPServer):
    """Offers one model; `serve_forever` until `shutdown`.

    Parameters
    ----------
    model : ServedModel
        The model.
    host : str
        Address on which it listens.
    port : int
        Port; 0: any that is free.

    Raises
    ------
    SurecastError
        If it cannot listen there.
    """

    daemon_threads = True  # a run under way does not keep the process from ending
    request_queue_size = 128

    def __init__(self, model: ServedModel, host: str, port: int) -> None:
        self.model, self.host = model, host
        self.evaluating = threading.Lock()
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise SurecastError(
                f"nothing can listen on {host}, port {port} ({error}).", "give another --port (0: any), or --host."
            ) from error

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://{self.host}:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is no error of the server."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "surecast"
    timeout = IDLE_SECONDS
    wbufsize = -1  # an answer in one packet: two would wait for each other
    server: ModelServer

    def do_GET(self) -> None:
        self._send(*self._answer(None))

    def do_HEAD(self) -> None:
        self._send(*self._answer(None), body=False)

    def do_POST(self) -> None:
        try:
            body = self._body()
        except Refused as refused:
            self.close_connection = True  # what else it sent is not known
            self._send(refused.status, refused.content)
            return
        self._send(*self._answer(body))

    def log_message(self, *_: Any) -> None:
        """Nothing: a study asks many times."""

    def _body(self) -> bytes:
        try:
            length = int(self.headers.get("Content-Length", ""))
        except ValueError:
            raise Refused("InvalidInput", "the request does not say how long it is.", 411) from None
        if not 0 <= length <= LARGEST_BODY:
            raise Refused("InvalidInput", f"the request is longer than {LARGEST_BODY >> 20} MiB.", 413)
        return self.rfile.read(length)

    def _answer(self, body: bytes | None) -> tuple[int, dict[str, Any]]:
        try:
            return 200, self._content(self.path.partition("?")[0].strip("/"), body)
        except Refused as refused:
            return refused.status, refused.content
        except Exception as error:  # a defect: the client gets its name, the terminal its traceback
            traceback.print_exc()
            return 500, Refused("ModelError", f"{type(error).__name__}: {error}").content

    def _content(self, endpoint: str, body: bytes | None) -> dict[str, Any]:
        model = self.server.model
        if endpoint == "Info":
            return {"protocolVersion": PROTOCOL, "models": [model.name]}
        if endpoint not in ("ModelInfo", "InputSizes", "OutputSizes", "Evaluate", *UNSUPPORTED):
            raise Refused("UnsupportedFeature", f"there is no /{endpoint}.", 404)
        if body is None:
            raise Refused("InvalidInput", f"/{endpoint} is asked by POST.", 405)
        asked = _parsed(body)
        if asked.get("name") != model.name:
            raise Refused("ModelNotFound", f"there is no model {asked.get('name')!r}, but {model.name!r}.")
        if endpoint in UNSUPPORTED:
            raise Refused("UnsupportedFeature", f"{endpoint} is not supported.")
        if endpoint == "ModelInfo":
            return {"support": {"Evaluate": True, **dict.fromkeys(UNSUPPORTED, False)}}
        if asked.get("config", {}) != {}:
            raise Refused("InvalidInput", f"the model takes no config, but was given {asked['config']!r}.")
        if endpoint == "InputSizes":
            return {"inputSizes": model.input_sizes}
        if endpoint == "OutputSizes":
            return {"outputSizes": model.output_sizes}
        return {"output": self._evaluated(asked.get("input"))}

    def _evaluated(self, vectors: Any) -> list[list[float]]:
        model = self.server.model
        try:
            with self.server.evaluating:
                output = model.evaluate(vectors)
        except InvalidInput as error:
            raise Refused("InvalidInput", str(error)) from error
        except (FailedRun, SurecastError) as error:
            raise Refused("ModelError", str(error), 500) from error
        if [len(vector) for vector in output] != model.output_sizes:
            found = [len(vector) for vector in output]
            raise Refused("InvalidOutput", f"the output has sizes {found}, not {model.output_sizes}.", 500)
        return output

    def _send(self, status: int, content: dict[str, Any], body: bool = True) -> None:
        data = json.dumps(content, allow_nan=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            self.wfile.write(data)


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        raise Refused("InvalidInput", "the request is no JSON object.")
    return asked
