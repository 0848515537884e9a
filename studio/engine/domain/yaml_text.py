"""Reading YAML that a stranger wrote: no more of it than a person writes, however its aliases multiply it."""

from typing import Any

import yaml

LARGEST = 1_000_000
"""Characters of a text."""
MOST_NODES = 100_000
"""Values of a document, each alias counted as often as what it stands for."""
LONGEST_NUMBER = 100
"""Characters; to read a number of sixties takes the square of its length."""
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


def load(text: str, loader: type[yaml.SafeLoader] = yaml.SafeLoader) -> Any:
    """The document's value. Raises yaml.YAMLError, for what is too much too, or ValueError or RecursionError."""
    if len(text) > LARGEST:
        raise yaml.YAMLError(f"it has more than {LARGEST:,} characters")
    reading = loader(text)
    try:
        node = reading.get_single_node()
        if node is None:
            return None
        _size(node, {}, set())
        return reading.construct_document(node)
    finally:
        reading.dispose()


def _size(node: yaml.Node, known: dict[int, int], above: set[int]) -> int:
    """Values in a node, with all that its aliases repeat. Nothing is made of them yet."""
    if id(node) in known:
        return known[id(node)]
    if id(node) in above:
        raise yaml.MarkedYAMLError(None, None, "an alias stands for something that holds it", node.start_mark)
    if isinstance(node, yaml.ScalarNode):
        if node.tag in _NUMBERS and len(node.value) > LONGEST_NUMBER:
            raise yaml.MarkedYAMLError(None, None, "a number is too long", node.start_mark)
        return 1
    above.add(id(node))
    inner = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else node.value
    size = 1
    for part in inner:
        size += _size(part, known, above)
        if size > MOST_NODES:
            raise yaml.MarkedYAMLError(
                None, None, f"its aliases make more than {MOST_NODES:,} values of it", node.start_mark
            )
    above.discard(id(node))
    known[id(node)] = size
    return size
