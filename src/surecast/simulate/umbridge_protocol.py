"""One UM-Bridge server, spoken to over HTTP: protocol 1.0, by Python's own client.

    GET  /Info                              {"protocolVersion": 1.0, "models": [...]}
    POST /ModelInfo    {name}               {"support": {"Evaluate": true, ...}}
    POST /InputSizes   {name, config}       {"inputSizes": [n_0, n_1, ...]}
    POST /OutputSizes  {name, config}       {"outputSizes": [m_0, m_1, ...]}
    POST /Evaluate     {name, input, config}  {"output": [[...], ...]}
    errors                                  {"error": {"type": "InvalidInput", "message": "..."}}

(https://um-bridge-benchmarks.readthedocs.io; Seelinger et al. 2023, "UM-Bridge: Uncertainty quantification and
modeling bridge", Journal of Open Source Software 8(83), 4748.) A number in JSON text comes back with the same bits.
"""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

PROTOCOL = 1.0
CONNECT_SECONDS = 10.0
ABOUT_SECONDS = 60.0
"""Time that a server has to say what it serves, before anything runs."""
LARGEST_ANSWER = 256 << 20
"""Bytes of an answer that are read at most: a server that never ends must not fill the memory."""
AWAY = (502, 503)
"""What a load balancer answers for a server that is not there."""

Vectors = list[list[float]]


class ConnectionLost(Exception):
    """The server cannot be reached, or went away before it had answered."""


class BadAnswer(Exception):
    """The server answered, or let its time pass, but not with what was asked for."""


class Sizes(NamedTuple):
    """Lengths of a model's input and output vectors."""

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class Server:
    """A model on a server. It holds one connection, which is opened when it is needed, and is for one thread.

    Parameters
    ----------
    url : str
        For example ``http://localhost:4242``, with a path before the protocol's own if need be.
    model : str
        Name of the model.
    config : dict
        Its configuration, sent with every request.
    time_limit : float
        Seconds that an evaluation may take.
    """

    def __init__(self, url: str, model: str, config: dict[str, Any], time_limit: float) -> None:
        self.url, self.model, self.config, self.time_limit = url, model, config, time_limit
        self._place = urlsplit(url)
        self._connection: http.client.HTTPConnection | None = None

    def sizes(self, seconds: float = ABOUT_SECONDS) -> Sizes:
        """Sizes of the model's vectors, each request answered within so many seconds.

        Raises
        ------
        ConnectionLost
            If the server is not there.
        BadAnswer
            If it speaks another protocol, has no such model, or one that cannot be evaluated.
        """
        about = self._asked("GET", "Info", None, seconds)
        if about.get("protocolVersion") != PROTOCOL:
            raise BadAnswer(f"it speaks version {about.get('protocolVersion')!r} of the protocol, not {PROTOCOL}")
        models = about.get("models")
        if not isinstance(models, list) or self.model not in models:
            raise BadAnswer(f"it has no model {self.model!r}, but {models!r}")
        support = self._asked("POST", "ModelInfo", {"name": self.model}, seconds).get("support")
        if not isinstance(support, dict) or support.get("Evaluate") is not True:
            raise BadAnswer(f"its model {self.model!r} cannot be evaluated")
        asked = {"name": self.model, "config": self.config}
        found = [
            _counts(self._asked("POST", endpoint, asked, seconds).get(key), endpoint)
            for endpoint, key in (("InputSizes", "inputSizes"), ("OutputSizes", "outputSizes"))
        ]
        return Sizes(*found)

    def evaluate(self, vectors: Vectors, sizes: Sequence[int]) -> Vectors:
        """Output vectors of one run, of the sizes that were declared.

        Raises
        ------
        ConnectionLost
            If the server goes away.
        BadAnswer
            If the model answers with an error, with something else than such vectors, or not in time.
        """
        asked = {"name": self.model, "input": vectors, "config": self.config}
        output = self._asked("POST", "Evaluate", asked, self.time_limit).get("output")
        if not isinstance(output, list) or not all(isinstance(vector, list) for vector in output):
            raise BadAnswer(f"the output is no list of vectors: {_shown(output)}")
        if [len(vector) for vector in output] != list(sizes):
            found = [len(vector) for vector in output]
            raise BadAnswer(f"the output vectors have sizes {found}, not {list(sizes)} as declared")
        for number in (number for vector in output for number in vector):
            if isinstance(number, bool) or not isinstance(number, (int, float)):
                raise BadAnswer(f"the output holds {_shown(repr(number))}, which is no number")
        try:
            return [[float(number) for number in vector] for vector in output]
        except OverflowError as error:
            raise BadAnswer("the output holds a number that is too large") from error

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _asked(self, method: str, endpoint: str, body: Any, seconds: float) -> dict[str, Any]:
        """The answer to one request, an object; the connection stays open for the next."""
        data = None if body is None else json.dumps(body, allow_nan=False).encode()
        end = time.monotonic() + seconds
        try:
            status, text = self._exchange(method, endpoint, data, end)
        except BaseException as error:
            self.close()
            # With a number it is of the operating system, which has had no sign of life from the other side.
            if isinstance(error, TimeoutError) and error.errno is None:
                raise BadAnswer(f"no answer within {seconds:g} s") from error
            if isinstance(error, http.client.IncompleteRead):
                raise ConnectionLost("the answer broke off") from error
            if isinstance(error, OSError):
                raise ConnectionLost(str(error)) from error
            if isinstance(error, (http.client.HTTPException, UnicodeError)):
                raise BadAnswer(f"the answer is no HTTP ({type(error).__name__}: {_shown(str(error))})") from error
            raise
        return _content(status, text)

    def _exchange(self, method: str, endpoint: str, data: bytes | None, end: float) -> tuple[int, bytes]:
        connection = self._open()
        sock = connection.sock  # the connection lets it go where the server will close
        sock.settimeout(_left(end))
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        connection.request(method, f"{self._place.path.rstrip('/')}/{endpoint}", body=data, headers=headers)
        response = connection.getresponse()
        pieces: list[bytes] = []
        size = 0
        while piece := response.read1(1 << 20):
            pieces.append(piece)
            size += len(piece)
            if size > LARGEST_ANSWER:
                raise BadAnswer(f"the answer is longer than {LARGEST_ANSWER >> 20} MiB")
            if sock.fileno() >= 0:
                sock.settimeout(_left(end))
        if response.length:  # what was announced and did not come
            raise http.client.IncompleteRead(b"", response.length)
        response.close()
        if response.will_close:
            self.close()
        return response.status, b"".join(pieces)

    def _open(self) -> http.client.HTTPConnection:
        if self._connection is None:
            kind = http.client.HTTPSConnection if self._place.scheme == "https" else http.client.HTTPConnection
            connection = kind(self._place.hostname or "", self._place.port, timeout=CONNECT_SECONDS)
            try:
                connection.connect()
            except TimeoutError as error:
                raise ConnectionError(f"no connection within {CONNECT_SECONDS:g} s") from error
            # A machine that is switched off says nothing: without this a run would wait for its whole time limit.
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 6)):
                if hasattr(socket, option):
                    connection.sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
            self._connection = connection
        return self._connection


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _content(status: int, text: bytes) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    error = content.get("error") if isinstance(content, dict) else None
    if isinstance(error, dict):
        raise BadAnswer(f"{error.get('type', 'error')}: {error.get('message', 'no message')}")
    if status in AWAY:
        raise ConnectionLost(f"HTTP status {status}")
    if status != 200:
        raise BadAnswer(f"HTTP status {status}: {_shown(text.decode(errors='replace'))}")
    if not isinstance(content, dict):
        raise BadAnswer(f"the answer is no JSON object: {_shown(text.decode(errors='replace'))}")
    return content


def _counts(found: Any, endpoint: str) -> tuple[int, ...]:
    # Some servers write whole numbers as floats.
    if isinstance(found, list) and all(
        isinstance(size, (int, float)) and not isinstance(size, bool) and 0 <= size <= 2**53 and size == int(size)
        for size in found
    ):
        return tuple(int(size) for size in found)
    raise BadAnswer(f"{endpoint} gave no list of sizes: {_shown(found)}")


def _shown(value: Any, longest: int = 120) -> str:
    text = " ".join((value if isinstance(value, str) else repr(value)).split())
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
