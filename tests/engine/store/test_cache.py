"""A value is made once for each version of what it is about."""

from studio.engine.store.cache import Cache


def test_a_value_is_made_again_only_when_its_version_changes() -> None:
    cache, made = Cache(), []

    def make() -> int:
        made.append(1)
        return len(made)

    assert [cache.get("a", version, make) for version in (1, 1, 2, 2, 1)] == [1, 1, 2, 2, 3]


def test_the_oldest_values_make_room() -> None:
    cache = Cache(most=2)
    for name in "abc":
        cache.get(name, 0, lambda name=name: name)
    assert cache.get("a", 0, lambda: "again") == "again" and cache.get("c", 0, lambda: "again") == "c"
