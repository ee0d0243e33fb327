"""Read one module's syntax tree and say which rules of the architecture it breaks.

The rules go by how a thing is written, so they remind honest people: a write hidden behind another name
is not caught here.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

LAYERS_BELOW_THE_EDGES = {"domain", "store", "queries", "texts", "services", "channels"}

ROW_METHODS = {
    "add",
    "add_all",
    "delete",
    "merge",
    "bulk_save_objects",
    "bulk_insert_mappings",
    "bulk_update_mappings",
}
ROW_STATEMENTS = {"insert", "update", "delete"}
ROW_STATEMENT_MODULES = re.compile(r"(sqlalchemy|sqlalchemy\.(sql|orm|dialects\.(sqlite|postgresql)))$")
ROW_SQL = re.compile(r"\s*(insert\s+into|update|delete\s+from|replace\s+into)\s", re.IGNORECASE)
SESSION_NAME = re.compile(r"(^|_)session$")
TRANSACTION_ENDS = {"commit", "rollback"}
CLOCKS = re.compile(
    r"(datetime\.)*(datetime\.(now|utcnow|today)|date\.today)$"
    r"|time\.(time|time_ns|localtime|gmtime)$"
    r"|(sqlalchemy\.)?func\.(now|current_timestamp|current_date|localtimestamp)$"
)


@dataclass(frozen=True)
class Source:
    """One module: its layer (a package or module right below `substrack`), its name to show, its text."""

    layer: str
    name: str
    text: str

    @classmethod
    def all_of(cls, package: Path) -> Iterator[Self]:
        """Read every module of `package`."""
        for path in sorted(package.rglob("*.py")):
            name = path.relative_to(package)
            yield cls(layer=name.parts[0].removesuffix(".py"), name=str(name), text=path.read_text("utf-8"))


@dataclass(frozen=True)
class Violation:
    """One place that breaks one rule."""

    rule: str
    name: str
    line: int

    def __str__(self) -> str:
        return f"substrack/{self.name}:{self.line}: {self.rule}"


def violations(source: Source) -> list[Violation]:
    """List what `source` breaks, in the order of the tree."""
    tree = ast.parse(source.text)
    names = imported_names(tree)
    return [
        Violation(rule, source.name, getattr(node, "lineno", 0))
        for node in ast.walk(tree)
        for rule in broken_rules(node, source.layer, names)
    ]


def broken_rules(node: ast.AST, layer: str, names: dict[str, str]) -> Iterator[str]:
    if layer not in {"services", "bootstrap"} and writes_rows(node, names):
        yield "only services write rows"
    if layer in LAYERS_BELOW_THE_EDGES and ends_transaction(node):
        yield "only an edge ends a transaction"
    if layer in LAYERS_BELOW_THE_EDGES and reads_clock(node, names):
        yield "the time is passed in"
    if shares_a_half_made_alias(node, names):
        yield "an alias that threads share is made whole first"
    if imports_the_other_of(node, layer):
        yield "web and bot stay apart"


def writes_rows(node: ast.AST, names: dict[str, str]) -> bool:
    if not isinstance(node, ast.Call):
        return False
    owner, _, method = written_name(node.func, names).rpartition(".")
    return (
        (method in ROW_METHODS and SESSION_NAME.search(owner.rpartition(".")[2]) is not None)
        or (method in ROW_STATEMENTS and (is_statement_module(owner) or owner.endswith("__table__")))
        or (method == "text" and holds_row_sql(node))
    )


def is_statement_module(owner: str) -> bool:
    return ROW_STATEMENT_MODULES.match(owner) is not None


def holds_row_sql(call: ast.Call) -> bool:
    return any(
        isinstance(argument, ast.Constant)
        and isinstance(argument.value, str)
        and ROW_SQL.match(argument.value)
        for argument in call.args
    )


def ends_transaction(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return False
    if node.func.attr == "begin":
        return SESSION_NAME.search(written_name(node.func.value, {}).rpartition(".")[2]) is not None
    return node.func.attr in TRANSACTION_ENDS and ast.unparse(node.func.value) != "super()"


def reads_clock(node: ast.AST, names: dict[str, str]) -> bool:
    if isinstance(node, ast.Name):
        return names.get(node.id, "").startswith("time.") and CLOCKS.match(names[node.id]) is not None
    return isinstance(node, ast.Attribute) and CLOCKS.match(written_name(node, names)) is not None


def shares_a_half_made_alias(node: ast.AST, names: dict[str, str]) -> bool:
    """Tell whether a module keeps an alias whose columns the first threads that use it would make."""
    if not isinstance(node, ast.Module):
        return False
    statements = [one for one in node.body if isinstance(one, ast.Assign | ast.AnnAssign)]
    calls = [part for one in statements for part in ast.walk(one) if isinstance(part, ast.Call)]
    return any(written_name(call.func, names) == "sqlalchemy.orm.aliased" for call in calls)


def imports_the_other_of(node: ast.AST, layer: str) -> bool:
    other = {"web": "substrack.bot", "bot": "substrack.web"}.get(layer)
    if other is None or not isinstance(node, ast.Import | ast.ImportFrom):
        return False
    module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
    return any(f"{module}{alias.name}.".startswith(f"{other}.") for alias in node.names)


def imported_names(tree: ast.Module) -> dict[str, str]:
    """Map names to what imports bound them to: `{"dt": "datetime"}` after `import datetime as dt`."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def written_name(node: ast.expr, names: dict[str, str]) -> str:
    """Spell a dotted name as written, its first part resolved by `names`; anything else is spelled `?`."""
    if isinstance(node, ast.Attribute):
        return f"{written_name(node.value, names)}.{node.attr}"
    return names.get(node.id, node.id) if isinstance(node, ast.Name) else "?"
