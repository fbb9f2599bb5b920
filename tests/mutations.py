"""The small changes by which mutation tests break a module, their names, and what is left alone."""

import ast
import copy
import os
from collections import Counter
from dataclasses import dataclass

SPEED = {
    "BUFFER_BYTES",
    "BLOCK_ROWS",
    "HASH_CHUNK",
    "SCAN_CHUNK",
    "COMPARISON_CHUNK",
    "QUERY_CHUNK",
    "at_once",
    "chunk_rows",
    "widest",
}
SPEED |= {"CHUNK_PAIRS", "CHUNK_PRODUCTS", "CHUNK_ROWS", "CHUNK_NUMBERS", "CHUNK_WEIGHTS", "CHUNK_TEXTS"}
SPEED |= {"SCANS_PER_SECOND", "COMPARISONS_PER_SECOND", "SORTS_PER_SECOND", "WARN_SECONDS"}
SPEED |= {"MAX_CACHED", "MAX_PAIRS", "MAX_KEY_BITS", "MAX_SHOWN"}
"""Names that decide on speed, memory or the length of a message, and on no result."""

COMPARED = {
    ast.Lt: [ast.LtE, ast.GtE],
    ast.LtE: [ast.Lt, ast.Gt],
    ast.Gt: [ast.GtE, ast.LtE],
    ast.GtE: [ast.Gt, ast.Lt],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
}
CALCULATED = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_PAIRS = "min max, any all, first last, floor ceil, minimum maximum, amin amax, is_null is_not_null"
EXCHANGED = dict(order for pair in _PAIRS.split(", ") for order in (pair.split(), reversed(pair.split())))
LEFT_OUT = {"filter", "drop_nulls", "fill_null", "fill_nan", "abs", "clip", "unique", "sort", "lower"}
LEFT_OUT |= {"casefold", "strip", "strip_chars", "clamp", "masked_fill"}
"""Methods that a mutation takes away: `x.filter(y)` becomes `x`."""

UNSEEN = {"maintain_order", "sorted", "stable", "strict", "copy", "n_ahead"}
"""Arguments that no small table shows: few rows keep their order in any case; `n_ahead` decides on speed."""

LIBRARY_NAMES = {"np", "pl", "torch", "math", "re", "functional"}


@dataclass(frozen=True)
class Mutation:
    """One change: the way to the changed node, what comes instead, and how a person would name it."""

    module: str
    function: str
    text: str
    path: tuple
    node: ast.AST


def mutations_of(source: str, module: str) -> list[Mutation]:
    """All mutations of a module, in the order of its source."""
    tree = ast.parse(source)
    found, seen = [], Counter()
    for path, node, function, parents in _visited(tree):
        for shown, changed in _changes(node, parents):
            before, after = (ast.unparse(one) for one in shown)
            if len(before) > 150:
                before, after = _shortened(before, after)
            text = f"{before} -> {after}" if after else f"without {before}"
            seen[function, text] += 1
            if (n := seen[function, text]) > 1:
                text = f"{text} [{n}]"
            found.append(Mutation(module, function, text, path, changed))
    return found


def mutated(source: str, mutation: Mutation) -> ast.Module:
    """The tree of a module with a mutation."""
    tree = ast.parse(source)
    *way, (field, place) = mutation.path
    holder = tree
    for step, at in way:
        holder = getattr(holder, step) if at is None else getattr(holder, step)[at]
    if place is None:
        setattr(holder, field, mutation.node)
    else:
        getattr(holder, field)[place] = mutation.node
    return ast.fix_missing_locations(tree)


def _shortened(before, after):
    """Two long texts without most of what they begin and end with alike."""
    start = len(os.path.commonprefix([before, after]))
    end = len(os.path.commonprefix([before[start:][::-1], after[start:][::-1]]))
    start, end = max(0, start - 50), max(0, end - 50)
    return tuple(text[start : len(text) - end].strip() for text in (before, after))


def _visited(tree):
    """Yields (path, node, function, parents) of everything that may be mutated."""
    todo = [((), tree, "", [])]
    while todo:
        path, node, function, parents = todo.pop()
        if _is_left_alone(node, parents):
            continue
        yield path, node, function, parents
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            function = f"{function}.{node.name}".lstrip(".")
        below = []
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "decorator_list", "ctx", "op", "ops"):
                continue
            if isinstance(value, ast.AST):
                below.append(((*path, (field, None)), value, function, [*parents, node]))
            elif isinstance(value, list):
                below += [
                    ((*path, (field, i)), one, function, [*parents, node])
                    for i, one in enumerate(value)
                    if isinstance(one, ast.AST)
                ]
        todo += reversed(below)


def _is_left_alone(node, parents):
    """Whether a node is about messages, progress, types or speed only."""
    if isinstance(node, ast.JoinedStr | ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True  # a docstring
    called = _called(node.value if isinstance(node, ast.Expr) else node)
    if called.startswith("logger.") or called in ("_announce", "done.update"):
        return True
    if parents and _called(parents[-1]).endswith(".reshape"):
        return node is not parents[-1].func  # any negative number means the rest
    if isinstance(node, ast.keyword) and node.arg in UNSEEN:
        return True
    if isinstance(node, ast.BinOp | ast.Compare) or called in ("max", "min"):
        return any(_name(one) in SPEED for one in ast.walk(node))
    if isinstance(node, ast.Assign):
        return any(_name(one) in SPEED for one in node.targets)
    return bool(parents) and isinstance(parents[-1], ast.Raise)


def _name(node):
    """The last part of a name: `b` of `a.b`; "" for other nodes."""
    return getattr(node, "attr", "") or getattr(node, "id", "")


def _called(node):
    """The function that a call names, as it is written; "" for other nodes."""
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def _changes(node, parents):
    """Yields ((before, after), new node): the two are shown, the new one replaces `node`."""
    parent = parents[-1] if parents else None
    match node:
        case ast.Compare(ops=[op]):
            for other in COMPARED[type(op)]:
                changed = copy.copy(node)
                changed.ops = [other()]
                yield (node, changed), changed
        case ast.BinOp() if type(node.op) in CALCULATED and not _is_text(node):
            changed = copy.copy(node)
            changed.op = CALCULATED[type(node.op)]()
            yield (node, changed), changed
        case ast.AugAssign() if type(node.op) in CALCULATED:
            changed = copy.copy(node)
            changed.op = CALCULATED[type(node.op)]()
            yield (node, changed), changed
        case ast.BoolOp():
            changed = copy.copy(node)
            changed.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield (node, changed), changed
        case ast.UnaryOp(op=ast.USub() | ast.Not() | ast.Invert()):
            yield (node, node.operand), node.operand
        case ast.Constant(value=bool()):
            yield _within(parent, node, ast.Constant(not node.value))
        case ast.Constant(value=int() | float()):
            for value in (node.value + 1, node.value - 1):
                yield _within(parent, node, ast.Constant(value))
        case ast.Call():
            yield from _other_calls(node)
    if isinstance(node, ast.expr) and _is_condition(node, parent):
        changed = ast.UnaryOp(ast.Not(), node)
        yield (node, changed), changed
    if isinstance(node, ast.stmt) and _is_removable(node, parents):
        yield (node, ast.Module([], [])), ast.Pass()


def _is_text(node):
    sides = [node.left, node.right]
    return any(
        isinstance(side, ast.JoinedStr) or isinstance(getattr(side, "value", None), str)
        for side in sides
        if isinstance(side, ast.JoinedStr | ast.Constant)
    )


def _within(parent, node, changed):
    """A constant is shown with what is around it."""
    if not isinstance(parent, ast.expr | ast.keyword):
        return (node, changed), changed
    around = copy.copy(parent)
    for field, value in ast.iter_fields(parent):
        if value is node:
            setattr(around, field, changed)
        elif isinstance(value, list):
            setattr(around, field, [changed if one is node else one for one in value])
    return (parent, around), changed


def _other_calls(node):
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in EXCHANGED:
            changed, func = copy.copy(node), copy.copy(node.func)
            setattr(func, "id" if isinstance(func, ast.Name) else "attr", EXCHANGED[name])
            changed.func = func
            yield (node, changed), changed
    match node.func:
        case ast.Attribute(value=value, attr=name) if name in LEFT_OUT:
            if not (isinstance(value, ast.Name) and value.id in LIBRARY_NAMES):
                yield (node, value), value


def _is_condition(node, parent):
    """Whether a node decides what happens next; a comparison is turned round already."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 or isinstance(node, ast.UnaryOp):
        return False
    if isinstance(parent, ast.If | ast.IfExp | ast.While):
        return node is parent.test
    return isinstance(parent, ast.comprehension) and node in parent.ifs


def _is_removable(node, parents):
    """Whether a statement can be left out without leaving a name undefined for sure."""
    if not any(isinstance(parent, ast.FunctionDef) for parent in parents):
        return False
    match node:
        case ast.Expr() | ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break():
            return True
        case ast.Return():
            return not isinstance(parents[-1], ast.FunctionDef)
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            return True
        case ast.Assign(targets=[target]):
            inner = [parent for parent in parents if isinstance(parent, ast.FunctionDef)][-1]
            before = {arg.arg for arg in [*inner.args.args, *inner.args.kwonlyargs]}
            before |= {
                one.id
                for one in ast.walk(inner)
                if isinstance(one, ast.Name)
                and isinstance(one.ctx, ast.Store)
                and (one.lineno, one.col_offset) < (node.lineno, node.col_offset)
            }
            names = {one.id for one in ast.walk(target) if isinstance(one, ast.Name)}
            return names <= before
    return False
