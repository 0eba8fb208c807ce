"""Whether a column has one of many values, asked with one parameter: an `IN` list costs a parameter a value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ARRAY, Boolean, ColumnElement, Dialect, Text, TypeDecorator, any_, bindparam, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from inboxwatch.store.column_types import storable

_UNSTORABLE = re.compile(r"\\u(?:0000|d[89a-f])")
"""How JSON writes NUL and surrogates."""
_GIVEN = "given"


def one_of(column: ColumnElement[Any], values: Iterable[str] | Iterable[int]) -> ColumnElement[bool]:
    """Whether a column of text or numbers has one of the values."""
    return _OneOf(column, bindparam(None, values, type_=_Many(column.type), unique=True))


def one_of_given(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """The same in a statement that is made once, at import: the values come when it is executed, by `given`.

    To make a statement anew and find what it was compiled to costs several times what SQLite takes to answer it.
    """
    return _OneOf(column, bindparam(_GIVEN, type_=_Many(column.type)))


def given(values: Iterable[str] | Iterable[int]) -> dict[str, Any]:
    """The values of `one_of_given`, as a statement's parameters."""
    return {_GIVEN: values}


def json_list(values: Iterable[str] | Iterable[int]) -> str:
    """The values as a JSON list, words as `storable` has them: what no database takes is looked for in all together."""
    given = list(values)
    told = json.dumps(given)
    return json.dumps([storable(str(value)) for value in given]) if _UNSTORABLE.search(told) else told


class _Many(TypeDecorator[Iterable[Any]]):
    """Values in one parameter: an array, or JSON where a database has none."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: TypeEngine[Any]) -> None:
        super().__init__()
        self.kind = kind

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(self.kind) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Iterable[Any] | None, dialect: Dialect) -> Any:
        given = value or ()
        return list(given) if dialect.name == "postgresql" else json_list(given)


class _OneOf(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True

    def self_group(self, against: object = None) -> _OneOf:  # else SQLite gets "... = 1"
        return self


@compiles(_OneOf, "sqlite")
def _in_sqlite(element: _OneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, values = element.clauses
    its = func.json_each(values).table_valued("value")
    return compiler.process(column.in_(select(its.c.value)), **options)


@compiles(_OneOf, "postgresql")
def _in_postgresql(element: _OneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, values = element.clauses
    return compiler.process(column == any_(values), **options)
