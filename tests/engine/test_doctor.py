"""What the check-up says of the port."""

import socket
from typing import Any

from studio.engine.doctor import port
from studio.engine.store import opened_on


def test_the_apps_own_port_is_not_called_in_use(settings: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        own = settings.model_copy(update={"port": taken.getsockname()[1]})
        assert "is in use" in port(own).detail
        with opened_on(own, own.port):
            assert (port(own).ok, "in use" in port(own).detail) == (True, False)
        with opened_on(own, own.port + 1):
            assert "is in use" in port(own).detail
