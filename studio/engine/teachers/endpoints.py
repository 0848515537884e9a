"""The endpoints of a teacher: the one place that makes them of its row, and that holds its keys against the list of
those that this instance permits and against the hosts that they were granted for."""

from studio.engine.store import Database
from studio.engine.store.tables import Teacher
from studio.engine.teachers.grants import check_granted
from studio.engine.teachers.wire.endpoint import Endpoint
from studio.engine.teachers.wire.keys import keys_of


def endpoints_of(teacher: Teacher, database: Database) -> tuple[Endpoint, ...]:
    """One for each key of the teacher, in the order of its key sources; one with `NO_KEY` where it needs none.

    The base URL is the teacher's own; `local.served` tells where an embedded teacher listens. Raises BadInput for a
    key that is missing, is nonsense, or is from a source that this instance does not permit, NotAllowed for one that
    was not granted for this address, and MissingPart where a system keyring is named and there is none.
    """
    check_granted(database, teacher)
    keys = keys_of(teacher.api_key_env, teacher.name, database.settings.permitted_keys)
    return tuple(
        Endpoint(
            f"The teacher '{teacher.name}'", teacher.base_url, teacher.model, key, teacher.timeout, teacher.concurrency,
            teacher.requests_per_minute, teacher.tokens_per_minute,
        )
        for key in keys
    )  # fmt: skip
