"""Statements that are compiled once and then go straight to the database's driver.

A step of a purchase is some twenty small statements, and SQLAlchemy's own way from a statement to
its rows costs several times what the database needs for each. SQLAlchemy still writes the SQL and
converts values both ways; only what it would find out anew at each execution is kept. Errors are
its own, as everywhere (Decision 3).
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection as Tx

Convert = Callable[[Any], Any] | None
Built = sa.Select[Any] | sa.Update | sa.Insert | sa.Delete

ONE: Final = "one row was expected, and there are {}"


class Found(list[Any]):
    """Every row that a statement found, as tuples with names; and how many rows it changed."""

    __slots__ = ("rowcount",)
    rowcount: int

    def _like(self, rows: list[Any]) -> Found:
        found = Found(rows)
        found.rowcount = self.rowcount
        return found

    def mappings(self) -> Found:
        """Return the rows as dictionaries."""
        return self._like([row._asdict() for row in self])

    def scalars(self) -> Found:
        """Return the first value of each row."""
        return self._like([row[0] for row in self])

    def all(self) -> Found:
        """Return every row."""
        return self

    def first(self) -> Any:
        """Return the first row, or None."""
        return self[0] if self else None

    def one_or_none(self) -> Any:
        """Return the only row, or None; raise `MultipleResultsFound` if there are more."""
        if len(self) > 1:
            raise sa.exc.MultipleResultsFound(ONE.format(len(self)))
        return self[0] if self else None

    def one(self) -> Any:
        """Return the only row; raise `NoResultFound` or `MultipleResultsFound`."""
        if not self:
            raise sa.exc.NoResultFound(ONE.format(0))
        return self.one_or_none()

    def scalar(self) -> Any:
        """Return the first value of the first row, or None."""
        return self[0][0] if self else None

    def scalar_one(self) -> Any:
        """Return the value of the only row, as `one`."""
        return self.one()[0]

    def scalar_one_or_none(self) -> Any:
        """Return the value of the only row, or None, as `one_or_none`."""
        row = self.one_or_none()
        return None if row is None else row[0]


class Statement:
    """One statement in the SQL of one database, with what each of its values needs.

    ``names``: the columns that an INSERT or UPDATE is given with each execution. A list for ``IN``
    has another SQL for each length: then `direct` is False, and SQLAlchemy must run it.
    """

    def __init__(self, statement: Built, dialect: sa.Dialect, names: list[str]) -> None:
        made: Any = statement.compile(dialect=dialect, column_keys=names)
        lists = any(bound.expanding for bound in made.binds.values())
        later = made.insert_prefetch or made.update_prefetch or made.literal_execute_params
        self.direct = not (lists or later)
        self.sql = str(made)
        order = made.positiontup if made.positional else list(made.bind_names.values())
        self._positional = bool(made.positional)
        self._given: list[tuple[str, str, Convert]] = []
        self._fixed: list[Any] = [None] * len(order)
        self._order: list[str] = list(order)
        self._slots: list[tuple[int, str, Convert]] = []
        for at, name in enumerate(order):
            bound = made.binds[name]
            convert = bound.type.dialect_impl(dialect).bind_processor(dialect)
            if bound.required:
                self._slots.append((at, bound.key, convert))
            else:
                value = bound.effective_value
                self._fixed[at] = convert(value) if convert else value
        self._read = _readers(statement, dialect)
        self._row: Callable[[Any], Any] | None = None

    def _values(self, given: Mapping[str, Any]) -> Any:
        values = self._fixed.copy()
        for at, name, convert in self._slots:
            value = given[name]
            values[at] = convert(value) if convert else value
        return values if self._positional else dict(zip(self._order, values, strict=True))

    def run(self, tx: Tx, given: Mapping[str, Any]) -> Found:
        """Run it with these values; raise what SQLAlchemy raises of a database's error."""
        values = self._values(given)
        cursor = tx.connection.cursor()
        try:
            cursor.execute(self.sql, values)
            rows = cursor.fetchall() if cursor.description else ()
            found = Found(self._rows(cursor.description, rows) if rows else ())
            found.rowcount = cursor.rowcount
        except tx.dialect.loaded_dbapi.Error as error:
            raise _raised(tx, self.sql, values, error) from error
        finally:
            cursor.close()
        return found

    def _rows(self, description: Any, rows: Sequence[Any]) -> list[Any]:
        if self._row is None:
            names = [column[0] for column in description]
            kind: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]
            self._row = kind._make
        make = self._row
        if not self._read:
            return [make(row) for row in rows]
        found = []
        for row in rows:
            values = list(row)
            for at, convert in self._read:
                values[at] = convert(values[at])
            found.append(make(values))
        return found


def _readers(statement: Built, dialect: sa.Dialect) -> list[tuple[int, Callable[[Any], Any]]]:
    """Return, for the columns whose values must be converted, by what."""
    if not isinstance(statement, sa.Select):
        return []
    types = [column.type.dialect_impl(dialect) for column in statement.selected_columns]
    made = [(at, type_.result_processor(dialect, None)) for at, type_ in enumerate(types)]
    return [(at, convert) for at, convert in made if convert is not None]


def _raised(tx: Tx, sql: str, values: Any, error: Any) -> BaseException:
    """Return a driver's error as SQLAlchemy's; a connection that is gone is not used again."""
    dialect = tx.dialect
    gone = dialect.is_disconnect(error, tx.connection.dbapi_connection, None)
    kind = dialect.loaded_dbapi.Error
    made: BaseException = sa.exc.DBAPIError.instance(
        sql, values, error, kind, connection_invalidated=gone, dialect=dialect
    )
    if gone:
        tx.invalidate(error)
    return made
