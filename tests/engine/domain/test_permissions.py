"""One function says who may do what, and every service method asks it."""

import inspect
from functools import cached_property

import pytest
from sqlalchemy import update

from studio.engine.domain.permissions import MAY, NEEDED, Access, Action, Actor, PersonKind, Service, may, needs
from studio.engine.errors import NotAllowed
from studio.engine.jobs import Kind
from studio.engine.store.tables import Job
from studio.engine.studio import Studio
from studio.engine.teachers.collecting import COLLECT
from studio.engine.traces.export_jobs import EXPORT
from studio.engine.traces.traces import GRADE
from studio.engine.training.training import TRAIN


def actor(kind: PersonKind) -> Actor:
    return Actor(1, "Ann", kind)


class Thing(Service):
    def __init__(self, kind: PersonKind) -> None:
        self.access = Access(actor(kind), "default")
        self.changed = False

    @needs(Action.LABEL)
    def change(self) -> None:
        """Changes."""
        self.changed = True


def test_the_owner_may_do_everything() -> None:
    assert all(may(actor(PersonKind.OWNER), action, "default") for action in Action)


def test_a_colleague_may_work_and_not_let_others_in() -> None:
    assert may(actor(PersonKind.LOCAL), Action.SPEND, "default")
    assert not may(actor(PersonKind.LOCAL), Action.PEOPLE, "default")


def test_a_rater_may_vote_and_nothing_else() -> None:
    assert [action for action in Action if may(actor(PersonKind.RATER), action, "default")] == [Action.RATE]


def test_a_refused_method_says_who_and_what_and_changes_nothing() -> None:
    thing = Thing(PersonKind.RATER)
    with pytest.raises(NotAllowed, match="'Ann' is a rater and may not label in the project 'default'"):
        thing.change()
    assert not thing.changed
    allowed = Thing(PersonKind.OWNER)
    allowed.change()
    assert allowed.changed and Thing.change.__doc__ == "Changes."


def services(studio: Studio) -> dict[str, Service]:
    named = [name for name, made in vars(Studio).items() if isinstance(made, cached_property)]
    return {name: one for name in named if isinstance(one := getattr(studio, name), Service)}


OPEN = {
    "system_messages.ensure_library",
    *(f"people.{name}" for name in ("owner", "list", "named", "named_or_new", "by_link")),
    "people.get",
}
"""What a Studio does before anybody asks for anything, and how a request is told whom it comes from."""


def test_every_method_of_every_service_says_what_it_needs(studio: Studio) -> None:
    methods = {
        f"{name}.{method}": getattr(type(service), method)
        for name, service in services(studio).items()
        for method in dir(type(service))
        if not method.startswith("_") and inspect.isfunction(getattr(type(service), method))
    }
    assert len(methods) > 120
    assert {name for name, method in methods.items() if not hasattr(method, NEEDED)} == OPEN


def test_a_rater_is_refused_by_every_service_but_for_voting(studio: Studio) -> None:
    rater = studio.acting_for(Actor(7, "Zoe", PersonKind.RATER))
    allowed = set()
    for name, service in services(rater).items():
        for method in dir(type(service)):
            needed = getattr(getattr(type(service), method), NEEDED, None)
            if needed == Action.RATE:
                allowed.add(f"{name}.{method}")
            elif needed is not None:
                with pytest.raises(NotAllowed, match="'Zoe' is a rater"):
                    getattr(service, method)()
    rating = ("by_token", "admit", "rater", "next_pair", "vote", "undo", "progress")
    assert allowed == {f"studies.{name}" for name in rating}
    with pytest.raises(NotAllowed):
        rater.overview()


def test_a_colleague_works_and_lets_nobody_in(studio: Studio) -> None:
    colleague = studio.acting_for(studio.people.named_or_new("Ann"))
    colleague.prompts.practice(["addition"], 3, 1, "sums")
    with pytest.raises(NotAllowed, match="may not people"):
        colleague.people.open_link("Ann")


def test_whoever_only_reads_queues_no_job_that_does_more(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = studio.acting_for(Actor(studio.actor.person_id, "Robo", PersonKind.SERVICE))
    monkeypatch.setitem(MAY, PersonKind.SERVICE, frozenset({Action.READ}))
    for kind in (TRAIN, COLLECT):
        for queue in (reader.jobs.enqueue, reader.jobs.add, reader.jobs.run_new):
            with pytest.raises(NotAllowed, match=f"may not {kind.action}"):
                queue(kind, "A job", {})
    assert reader.jobs.list() == []
    assert reader.jobs.enqueue(EXPORT, "A job", {}).state == "queued"


def test_whoever_builds_queues_training_and_no_collecting(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    builder = studio.acting_for(Actor(studio.actor.person_id, "Robo", PersonKind.SERVICE))
    monkeypatch.setitem(MAY, PersonKind.SERVICE, frozenset({Action.READ, Action.BUILD}))
    assert builder.jobs.enqueue(TRAIN, "A job", {}).state == "queued"
    with pytest.raises(NotAllowed, match="may not spend"):
        builder.jobs.enqueue(COLLECT, "A job", {})


WHOSE_KIND = [(TRAIN, Action.BUILD), (COLLECT, Action.SPEND), (GRADE, Action.LABEL), (EXPORT, Action.READ)]


@pytest.mark.parametrize(("kind", "action"), WHOSE_KIND)
def test_what_is_done_with_a_job_asks_what_its_kind_does(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, kind: Kind, action: Action
) -> None:
    job_id = studio.jobs.enqueue(kind, "A job", {}).id or 0
    one = studio.acting_for(Actor(studio.actor.person_id, "Robo", PersonKind.SERVICE))
    asks = (one.jobs.retry, one.jobs.run_here, one.jobs.run_child, one.jobs.stop)
    if action != Action.READ:
        monkeypatch.setitem(MAY, PersonKind.SERVICE, frozenset(Action) - {action})
        for ask in asks:
            with pytest.raises(NotAllowed, match=f"may not {action}"):
                ask(job_id)
        assert studio.jobs.get(job_id).state == "queued"
    monkeypatch.setitem(MAY, PersonKind.SERVICE, frozenset({Action.READ, action}))
    assert one.jobs.stop(job_id).state == "stopped" and one.jobs.retry(job_id).state == "queued"


def test_a_job_of_a_kind_that_is_not_known_is_for_whoever_manages(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = studio.jobs.enqueue(EXPORT, "A job", {}).id or 0
    with studio.database.session() as session:
        session.execute(update(Job).values(kind="of a later version"))
    one = studio.acting_for(Actor(studio.actor.person_id, "Robo", PersonKind.SERVICE))
    monkeypatch.setitem(MAY, PersonKind.SERVICE, frozenset(Action) - {Action.MANAGE})
    with pytest.raises(NotAllowed, match="may not manage"):
        one.jobs.retry(job_id)
