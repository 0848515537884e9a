"""Six processes open a new workspace in the same moment: whatever is made on first use is made once, and none fails."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

OPENERS = 6
PROGRAM = """
import json, sys, time
from pathlib import Path
from studio.engine.settings import Settings
from studio.engine.store.open_app import host_of
from studio.engine.studio import open_studio
from studio.ui.auth import key_of
print("ready", flush=True)
sys.stdin.readline()
studio = open_studio(Settings(workspace=Path(sys.argv[1])))
teachers = sorted(teacher.id for teacher in studio.teachers.add_practice())
messages = [message.id for message in studio.system_messages.list()]
key = key_of(studio.settings.workspace)
print(json.dumps([studio.actor.person_id, studio.project_id, messages, teachers, host_of(studio.settings), key.token]))
"""


def opened_at_once(workspace: Path, **environment: str) -> list[list[object]]:
    """What each of the processes found, which were started first and let go together."""
    command = [sys.executable, "-c", PROGRAM, str(workspace)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    environment = {**os.environ, **environment}
    openers = [subprocess.Popen(command, text=True, env=environment, **pipes) for _ in range(OPENERS)]  # type: ignore[call-overload]
    try:
        for opener in openers:
            assert opener.stdout.readline() == "ready\n", opener.stderr.read()
        for opener in openers:
            opener.stdin.write("\n")
            opener.stdin.flush()
        told = [opener.communicate(timeout=240) for opener in openers]
    finally:
        for opener in openers:
            opener.kill()
            opener.wait()
    assert [opener.returncode for opener in openers] == [0] * OPENERS, [err[-2000:] for _, err in told]
    return [json.loads(out) for out, _ in told]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_what_is_made_on_first_use_is_made_once(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> None:
    url = request.getfixturevalue("new_database")() if kind == "postgresql" else ""
    found = opened_at_once(tmp_path / "workspace", UNDERSTUDY_DATABASE_URL=url)
    assert all(one == found[0] for one in found)
    messages, teachers = found[0][2], found[0][3]
    assert isinstance(messages, list) and len(set(messages)) == len(messages) > 10
    assert isinstance(teachers, list) and len(teachers) == 2
