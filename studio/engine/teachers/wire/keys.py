"""The keys of a teacher: read from the environment or the system keyring when they are needed, kept out of every text.

A teacher names its sources, separated by commas: `OPENAI_API_KEY`, or `keyring:NAME` for one put there by
`understudy teachers set-key NAME`. Several sources are several keys, asked side by side.
"""

import os
import re
from collections.abc import Collection, Iterable
from contextlib import suppress

from studio.engine.domain.states import KeyState
from studio.engine.errors import BadInput, MissingPart
from studio.engine.teachers.wire.key_echoes import without_echoes

NO_KEY = "none"
"""What stands for a key, and is sent in its place, where a server needs none."""
SHORTEST_SECRET = 10
"""Characters of a key that somebody else could not guess."""
SHOWN, LONG_ENOUGH = 4, 16
"""Characters of a key that are shown, and how many it must have for that."""
IN_KEYRING = "keyring:"
SERVICE = "understudy"
"""What the keys are filed under in the system keyring."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_ENTRY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def keys_of(api_key_env: str, teacher: str, allowed: Collection[str] | None) -> list[str]:
    """Every key of a teacher, in the order of its sources, without repeats; a placeholder when it needs none.

    `allowed` are the sources that this instance permits (`Settings.permitted_keys`), None for all. Raises
    BadInput when a source holds no key, holds nonsense, or is not permitted.
    """
    sources = sources_of(api_key_env)
    if not sources:
        return [NO_KEY]
    check_allowed(sources, allowed)
    return list(dict.fromkeys(_checked(source, _read(source, teacher)) for source in sources))


def key_state(api_key_env: str) -> KeyState:
    """Whether every source is set, or one is missing for this process."""
    sources = sources_of(api_key_env)
    if not sources:
        return KeyState.NONE
    try:
        return KeyState.SET if all(_found(source) for source in sources) else KeyState.MISSING
    except MissingPart:
        return KeyState.MISSING


def sources_of(api_key_env: str) -> tuple[str, ...]:
    """The places that hold the keys, as the teacher's field lists them."""
    return tuple(source for part in api_key_env.split(",") if (source := part.strip()))


def check_sources(api_key_env: str, allowed: Collection[str] | None) -> None:
    """Raises BadInput for anything that is not a list of places, such as a key pasted by mistake, without repeating
    it, and for a place that this instance does not permit."""
    for source in sources_of(api_key_env):
        entry = source.removeprefix(IN_KEYRING) if source.startswith(IN_KEYRING) else None
        if not (_VARIABLE.fullmatch(source) if entry is None else _ENTRY.fullmatch(entry)):
            raise BadInput(
                "Give the name of the environment variable that holds the key, such as OPENAI_API_KEY, or keyring:NAME "
                "for one in the system keyring, not the key itself; keys are never stored.",
                field="api_key_env",
            )
    check_allowed(sources_of(api_key_env), allowed)


def check_allowed(sources: Iterable[str], allowed: Collection[str] | None) -> None:
    """Raises BadInput for a source that is not on the list of a hosted instance, where a teacher's address might
    otherwise be sent any secret of the server's environment."""
    if allowed is None:
        return
    for source in sources:
        if source not in allowed:
            known = ", ".join(sorted(allowed)) or "none"
            raise BadInput(
                f"This instance does not let teachers use the key source '{source}'. Permitted: {known}. Whoever runs "
                "it adds more with UNDERSTUDY_ALLOWED_KEY_VARIABLES.",
                field="api_key_env",
            )


def set_key(name: str, key: str) -> str:
    """Puts a key into the system keyring under a name and returns the source to give a teacher, `keyring:NAME`."""
    _keyring("set_password", name, checked_key(name, key))
    return f"{IN_KEYRING}{name}"


def checked_key(name: str, key: str) -> str:
    """The key as it is kept under a name. Raises BadInput for what cannot name one, or cannot be one."""
    if not _ENTRY.fullmatch(name):
        raise BadInput(f"'{name[:64]}' cannot name a key. Use up to 64 letters, digits, dots, dashes or underscores.")
    key = _checked(f"{IN_KEYRING}{name}", key.strip())
    if not key:
        raise BadInput("The key is empty; nothing was stored.", field="key")
    return key


def kept_key(source: str) -> str:
    """What a source holds now; empty for nothing. Raises MissingPart where there is no keyring."""
    return _found(source)


def remove_key(name: str) -> None:
    """Takes a key out of the system keyring; one that is not there is gone already."""
    with suppress(MissingPart):
        _keyring("delete_password", name)


def has_keyring() -> bool:
    """Whether there is a system keyring that keeps what it is given; most servers have none."""
    import keyring
    import keyring.backends.fail
    import keyring.backends.null

    return not isinstance(keyring.get_keyring(), keyring.backends.fail.Keyring | keyring.backends.null.Keyring)


def last_of(api_key_env: str) -> str:
    """The last four characters of a teacher's one key, by which a person knows it again; empty when it has none, or
    several, or one so short that four characters would be much of it."""
    sources = sources_of(api_key_env)
    try:
        key = _found(sources[0]) if len(sources) == 1 else ""
    except MissingPart:
        return ""
    return key[-SHOWN:] if len(key) >= LONG_ENOUGH else ""


def without_key(text: str, key: str) -> str:
    """Outside text, such as an error, in which every echo of the key is blotted out, parts of it too."""
    if len(key) < SHORTEST_SECRET:
        return text if key == NO_KEY else text.replace(key, "[key]")
    said = text.encode("utf-8", "surrogatepass")
    return without_echoes(said, key, words_stay=False).decode("utf-8", "surrogatepass")


def blotted(body: bytes, key: str) -> bytes:
    """A reply's body without the key, before anything is cut out of it that could hold a part of one. A short one is a
    word such as `ollama` that a server of one's own is given for a key, and belongs to what the answer says."""
    return body if len(key) < SHORTEST_SECRET else without_echoes(body, key, words_stay=True)


def _read(source: str, teacher: str) -> str:
    key = _found(source)
    if key:
        return key
    if source.startswith(IN_KEYRING):
        name = source.removeprefix(IN_KEYRING)
        raise BadInput(
            f"The system keyring holds no key named '{name}' for the teacher '{teacher}'. Put it there with: "
            f"understudy teachers set-key {name}"
        )
    raise BadInput(
        f"The variable {source}, which holds the key of the teacher '{teacher}', is not set. "
        f"Set it and start again, for example: export {source}=..."
    )


def _found(source: str) -> str:
    if source.startswith(IN_KEYRING):
        return (_keyring("get_password", source.removeprefix(IN_KEYRING)) or "").strip()
    return os.environ.get(source, "").strip()


def _checked(source: str, key: str) -> str:
    if not key.isascii() or not key.isprintable() or any(character.isspace() for character in key):
        holder = source if source.startswith(IN_KEYRING) else f"The variable {source}"
        raise BadInput(f"{holder} holds a space or a character that no key has. Copy the key once more.", field="key")
    return key


def _keyring(action: str, *arguments: str) -> str | None:
    """Calls the system keyring. Raises MissingPart where there is none, as on most servers, or it is locked."""
    import keyring
    import keyring.errors

    try:
        answer: str | None = getattr(keyring, action)(SERVICE, *arguments)
    except (keyring.errors.KeyringError, RuntimeError) as exc:
        raise MissingPart(
            f"There is no system keyring to use here ({type(exc).__name__}), as on most servers. "
            "Put the key into an environment variable and give the teacher the variable's name.",
            field="key",
        ) from None
    return answer
