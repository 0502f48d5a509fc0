"""The real hub: where it is, how it is started, and (run by its own Python) the server around it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HOME = Path(__file__).parent.parent.parent / "var" / "lab" / "websub"
PACKAGE = "flask-websub==0.4.1"


def missing() -> str:
    """Why there is no hub, "" if there is one."""
    found = list(HOME.glob("lib/python3*/site-packages/flask_websub"))
    return "" if found else "flask-websub is not installed; make lab brings it"


@contextmanager
def running(database: Path) -> Iterator[str]:
    """The address of a hub that runs as a process of its own."""
    environ = {**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    command = [str(HOME / "bin" / "python"), __file__, str(database)]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/hub"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


class Tasks:
    """What flask-websub needs of celery: its tasks run in threads, and are not tried again."""

    def task(self, *given: Any, bind: bool = False, **options: Any) -> Any:
        def made(function: Any) -> Any:
            def delay(*args: Any, **named: Any) -> None:
                own = (self, *args) if bind else args
                threading.Thread(target=function, args=own, kwargs=named, daemon=True).start()

            function.delay = delay
            return function

        return made(given[0]) if given else made


def serve(database: str) -> None:
    """Until the process is ended; the first line printed is the port. Topics with "refused" in their name are denied."""
    from flask import Flask  # type: ignore[import-not-found]
    from flask_websub.hub import Hub, SQLite3HubStorage  # type: ignore[import-not-found]
    from werkzeug.serving import make_server  # type: ignore[import-not-found]

    app = Flask("hub")
    app.config["PUBLISH_SUPPORTED"] = True
    hub = Hub(SQLite3HubStorage(database), Tasks(), PUBLISH_SUPPORTED=True, REQUEST_TIMEOUT=10)
    hub.register_validator(lambda callback, topic, *rest: "this list is not for you" if "refused" in topic else None)
    app.register_blueprint(hub.build_blueprint(url_prefix="/hub"))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    print(server.port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1])
