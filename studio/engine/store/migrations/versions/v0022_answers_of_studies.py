"""Answers of studies move to the table of all answers, each kept once; a study keeps which of them it compares.

Of a teacher's answer it is known who gave it under which parameters, so that nobody asks for it again. An earlier
version did not write down the weights of a model, the content of a file, or what a teacher was sent: such an answer
stays with its study and is taken for no other.
"""

import ipaddress
import json
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))

STUDY = sa.table("study", *map(sa.column, ("id", "project_id", "created_at")), sa.column("detail", sa.JSON))
TEACHER = sa.table("teacher", *map(sa.column, ("project_id", "name", "base_url", "model")))
PROMPT = sa.table("prompt", *map(sa.column, ("id", "text", "system")), sa.column("messages", sa.JSON))
STUDY_ANSWER = sa.table(
    "study_answer", *map(sa.column, ("study_id", "prompt_id", "arm", "text", "finish_reason", "answer_id"))
)
ANSWER = sa.table(
    "answer", *map(sa.column, ("id", "project_id", "subject", "sample", "text", "finish_reason")),
    *map(sa.column, ("input_tokens", "output_tokens", "seconds", "created_at")),
    sa.column("fingerprint", sa.LargeBinary), sa.column("messages", sa.JSON), sa.column("settings", sa.JSON),
)  # fmt: skip


def upgrade() -> None:
    _add_answer_id()
    for study in op.get_bind().execute(sa.select(STUDY)).all():
        detail = study.detail if isinstance(study.detail, dict) else {}
        for row in _rows(study.id):
            _link(row, _kept(study, row, _Asked.of(study, detail, row)))
    with op.batch_alter_table("study_answer") as table:
        table.alter_column("answer_id", existing_type=ID, nullable=False)
        table.drop_column("text")
        table.drop_column("finish_reason")


def _add_answer_id() -> None:
    """SQLite takes a column with its reference as it is."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("ALTER TABLE study_answer ADD COLUMN answer_id INTEGER REFERENCES answer (id)")
    else:
        op.add_column("study_answer", sa.Column("answer_id", ID, sa.ForeignKey("answer.id"), nullable=True))


def _rows(study_id: int) -> Iterator[Any]:
    """The answers of a study with their prompts, where these are still there."""
    columns = (*STUDY_ANSWER.c, PROMPT.c.text.label("prompt"), PROMPT.c.system, PROMPT.c.messages)
    joined = STUDY_ANSWER.outerjoin(PROMPT, PROMPT.c.id == STUDY_ANSWER.c.prompt_id)
    found = sa.select(*columns).select_from(joined).where(STUDY_ANSWER.c.study_id == study_id)
    yield from op.get_bind().execute(found.order_by(STUDY_ANSWER.c.arm, STUDY_ANSWER.c.prompt_id)).all()


class _Asked:
    """Who was asked what, as the table of answers keeps it."""

    def __init__(self, subject: str, system: str, turns: list[dict[str, Any]], parameters: dict[str, Any]) -> None:
        self.subject, self.turns, self.settings = subject, turns, {**parameters, "system_message": system}

    @classmethod
    def of(cls, study: Any, detail: dict[str, Any], row: Any) -> "_Asked":
        arms = detail.get("arms") or []
        arm = arms[row.arm] if row.arm < len(arms) else {}
        system, turns = _conversation(detail, row, is_file=arm.get("kind") == "file")
        subject = _teacher(study.project_id, arm)
        if subject is None or "parameters" not in arm or row.prompt is None:
            unknown = f"study:{study.id} {arm.get('name') or row.arm}"
            return cls(subject or unknown, system, turns, {"of_study": study.id, "prompt": row.prompt_id})
        return cls(subject, system, turns, arm["parameters"])

    def fingerprint(self, sample: int) -> bytes:
        text = _ENCODER.encode([self.subject, self.turns, self.settings, sample])
        return blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()


def _conversation(detail: dict[str, Any], row: Any, *, is_file: bool) -> tuple[str, list[dict[str, Any]]]:
    """The system message and the turns; none of a prompt that was deleted since."""
    if row.prompt is None:
        return "", []
    turns = None if is_file else row.messages
    turns = turns or [{"role": "user", "content": row.prompt}]
    system = "" if is_file else detail.get("system_message_text") or row.system or ""
    if not system and turns[0].get("role") == "system":
        return str(turns[0].get("content")), turns[1:]
    return system, turns


def _kept(study: Any, row: Any, asked: _Asked) -> int:
    """The answer's number; it may be kept already. Another answer to the same question is another sample of it."""
    connection, sample = op.get_bind(), 0
    while True:
        mark = asked.fingerprint(sample)
        mine = (ANSWER.c.project_id == study.project_id, ANSWER.c.fingerprint == mark)
        found = connection.execute(sa.select(ANSWER.c.id, ANSWER.c.text).where(*mine)).first()
        if found is None:
            break
        if found.text == row.text:
            return int(found.id)
        sample += 1
    connection.execute(
        sa.insert(ANSWER).values(
            project_id=study.project_id, fingerprint=mark, subject=asked.subject, messages=asked.turns,
            settings=asked.settings, sample=sample, text=row.text, finish_reason=row.finish_reason or "",
            input_tokens=0, output_tokens=0, seconds=0.0, created_at=study.created_at,
        )
    )  # fmt: skip
    return int(connection.execute(sa.select(ANSWER.c.id).where(*mine)).scalar_one())


def _link(row: Any, answer_id: int) -> None:
    mine = [STUDY_ANSWER.c[name] == getattr(row, name) for name in ("study_id", "prompt_id", "arm")]
    op.get_bind().execute(sa.update(STUDY_ANSWER).where(*mine).values(answer_id=answer_id))


def _teacher(project_id: int, arm: dict[str, Any]) -> str | None:
    """Who the teacher of an arm is, if it is still there and its model still the one that was asked."""
    if arm.get("kind") != "teacher":
        return None
    named = (TEACHER.c.project_id == project_id, TEACHER.c.name == arm.get("source"))
    found = op.get_bind().execute(sa.select(TEACHER).where(*named)).first()
    if found is None or found.model != arm.get("model"):
        return None
    return f"teacher:{_identity(found.name, found.base_url)} {found.model}"


def _identity(name: str, base_url: str) -> str:
    """As a question's fingerprint names a teacher: by its address, or by its name where addresses come and go."""
    if base_url.startswith(("practice://", "replay://")):
        return base_url
    parts = urlsplit(base_url)
    host = (parts.hostname or "").lower()
    if _is_private(host):
        return f"name:{name}"
    port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
    return f"{host}{port}{parts.path.rstrip('/')}{'?' + parts.query if parts.query else ''}"


def _is_private(host: str) -> bool:
    if ("." not in host and ":" not in host) or host.endswith((".local", ".localhost", ".internal")):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False
