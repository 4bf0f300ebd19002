"""Offer a study's simulator, or a trained surrogate of it, as an UM-Bridge server, until it is told to stop."""

from __future__ import annotations

import argparse
import signal
import threading
from typing import Any

LOOPBACK = ("127.0.0.1", "localhost")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `surecast serve`."""
    parser.add_argument("study", help="name or path of the study file")
    parser.add_argument("--surrogate", metavar="NAME", help="a trained surrogate in place of the simulator")
    parser.add_argument("--seed", type=int, help="seed of its training; the first of the study if left out")
    parser.add_argument("--port", type=int, default=4242, help="port, 4242 if left out; 0: any that is free")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; this machine alone if left out")


def run(options: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT.

    Raises
    ------
    StudyError
        If the study is wrong, or has no such surrogate.
    SurecastError
        If the surrogate has not been trained, or the port is taken.
    """
    from surecast.cli.repository import config_dir
    from surecast.cli.served_model import simulator_of, surrogate_of
    from surecast.cli.umbridge_server import ModelServer
    from surecast.study.errors import SurecastError
    from surecast.study.load import find_study, load_study

    if options.seed is not None and options.surrogate is None:
        raise SurecastError("--seed is that of a surrogate's training.", "name the surrogate, or leave --seed out.")
    study = load_study(find_study(options.study, config_dir()).resolve())
    study.check()
    model = surrogate_of(study, options.surrogate, options.seed) if options.surrogate else simulator_of(study)
    with ModelServer(model, options.host, options.port) as server:

        def stop(*_: Any) -> None:
            # Not from this thread, which is the one that serves.
            threading.Thread(target=server.shutdown, daemon=True).start()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        print(f"{study.name}: {model.about} is the UM-Bridge model {model.name!r} at {server.url}")
        for line in model.description():
            print(f"  {line}")
        if options.host not in LOOPBACK:
            print("Note: whoever reaches this address can ask the model; there is no password.")
        print("Ctrl-C or SIGTERM ends it.", flush=True)
        server.serve_forever(poll_interval=0.1)
    return 0
