"""Statements as trees, so that one that differs can be made smaller without breaking its syntax."""

import copy


class Node:
    """Text with parts in it. `kind` says what may stand in its place: a node of the same kind, one of `smaller`, or
    nothing at all where the kind is `opt`."""

    def __init__(self, kind, *parts, smaller=()):
        self.kind = kind
        self.parts = list(parts)
        self.smaller = list(smaller)

    def sql(self):
        return "".join(part.sql() if isinstance(part, Node) else part for part in self.parts)

    def size(self):
        return len(self.sql())

    def places(self, path=()):
        """Every node beneath with the way to it, outermost first."""
        for at, part in enumerate(self.parts):
            if isinstance(part, Node):
                yield path + (at,), part
                yield from part.places(path + (at,))

    def with_part(self, path, replacement):
        clone = copy.deepcopy(self)
        node = clone
        for at in path[:-1]:
            node = node.parts[at]
        node.parts[path[-1]] = replacement
        return clone


def candidates(tree):
    """Trees that are one step smaller, the most radical first."""
    for path, node in tree.places():
        if node.kind == "opt":
            yield tree.with_part(path, "")
    for path, node in tree.places():
        if node.kind == "opt":
            continue
        for text in node.smaller:
            if len(text) < node.size():
                yield tree.with_part(path, Node(node.kind, text))
        for _, inner in node.places():
            if inner.kind == node.kind:
                yield tree.with_part(path, inner)


def shrink(tree, still_differs, budget=400):
    """The smallest tree found within `budget` tries that differs still."""
    progress = True
    while progress and budget > 0:
        progress = False
        for smaller in candidates(tree):
            budget -= 1
            if budget <= 0:
                break
            if smaller.size() < tree.size() and still_differs(smaller):
                tree = smaller
                progress = True
                break
    return tree
