"""Open, transact and migrate on SQLite or PostgreSQL: one step is one durable transaction.

SQLite runs with ``synchronous=FULL`` and ``BEGIN IMMEDIATE``; WAL only on versions without the
WAL-reset bug (https://sqlite.org/wal.html#the_wal_reset_bug), else a truncated rollback journal.
PostgreSQL comes through psycopg. The same tests run on both (Decision 3).
"""

from __future__ import annotations

import datetime as dt
import functools
import inspect
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection as Tx
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import BigInteger, TypeDecorator

from tallystick.core.errors import TallystickError
from tallystick.core.statements import Built, Statement

__all__ = ["METADATA", "Moment", "Store", "StoreCorrupt", "StoreNewer", "StoreUnusable", "Tx"]

METADATA: Final = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

BUSY_TIMEOUT_MS: Final = 10_000
STATEMENTS_KEPT: Final = 512
"""How many statements a connection keeps prepared: we have more than either driver would keep."""
NOTHING: Final[Mapping[str, Any]] = {}
ASKED: Final = "asked_"
"""Before the names of bound parameters, so that none is also a column's."""


@compiles(sa.BigInteger, "sqlite")
def _strict_integer(type_: sa.BigInteger, compiler: Any, **more: Any) -> str:
    return "INTEGER"  # a STRICT table knows no BIGINT; SQLite's INTEGER holds 64 bits


EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND: Final = dt.timedelta(microseconds=1)


class StoreUnusable(TallystickError):
    """The database cannot be opened or written."""

    code, money, say = 1001, "as last committed; nothing was changed", ""


class StoreCorrupt(StoreUnusable):
    """The database file is damaged; restore a backup, the edge journals hold the notes since."""

    code, money, say = 1002, "in the last backup and the machines' own journals", ""


class StoreNewer(StoreUnusable):
    """The database was written by a newer Tallystick; this one refuses to touch it."""

    code, money, say = 1003, "as last committed; nothing was changed", ""


class Moment(TypeDecorator[dt.datetime]):
    """An aware UTC moment, stored as integer microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: sa.Dialect) -> int | None:
        """Store microseconds; refuse a naive time."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive time {value!r}")
        return (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> dt.datetime | None:
        """Read microseconds."""
        return None if value is None else EPOCH + value * MICROSECOND


def wal_is_safe(version: tuple[int, ...]) -> bool:
    """Say whether this SQLite is free of the WAL-reset corruption bug."""
    fixed = version >= (3, 51, 3)
    return fixed or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)


def _sqlite() -> ModuleType:
    try:
        import pysqlite3

        module: ModuleType = pysqlite3
    except ImportError:
        import sqlite3 as module
    return module


def _prepare_sqlite(engine: sa.Engine, module: ModuleType) -> None:
    mode = "WAL" if wal_is_safe(tuple(module.sqlite_version_info)) else "TRUNCATE"

    @sa.event.listens_for(engine, "connect")
    def _on_connect(connection: Any, record: object) -> None:
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            f"journal_mode={mode}",
            "synchronous=FULL",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()


def _prepare_postgresql(engine: sa.Engine) -> None:
    @sa.event.listens_for(engine, "connect")
    def _on_connect(connection: Any, record: object) -> None:
        connection.prepared_max = STATEMENTS_KEPT


NEWS: Final = "tallystick.news"
STEPS_MAX: Final = 32
"""How many steps may share one commit."""
HANDOVER_S_MAX: Final = 0.05
"""Should the one who was to commit have vanished, another does after this long."""


NOTED: Final = "tallystick.noted"


def news(tx: Tx) -> None:
    """Mark that this transaction, once committed, has work for those who watch the store."""
    tx.info[NEWS] = True


def noted(tx: Tx) -> dict[str, Any]:
    """Return what this step noted for itself: it is forgotten when the step is done or undone.

    For what nobody else can change while the step lasts, such as a row that it has locked.
    """
    whole = tx.get_transaction()
    if whole is None:
        return {}  # outside of a transaction nothing lasts
    held = tx.info.get(NOTED)
    if held is None or held[0] is not whole:
        held = tx.info[NOTED] = (whole, {})
    notes: dict[str, Any] = held[1]
    return notes


def _forget(tx: Tx) -> None:
    tx.info.pop(NOTED, None)


@dataclass
class Shared:
    """A transaction that several steps share. ``over`` is set when its fate is known."""

    tx: Tx
    steps: int = 0
    error: Exception | None = None
    over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def _savepoint(shared: Shared) -> Iterator[None]:
    """Run one step so that it alone can be undone.

    SQLite may undo the whole transaction by itself, as on a full disk: then every step of it fails.
    """
    _forget(shared.tx)
    shared.tx.exec_driver_sql("SAVEPOINT step")
    try:
        yield
    except BaseException:
        _forget(shared.tx)
        try:
            shared.tx.exec_driver_sql("ROLLBACK TO step")
            shared.tx.exec_driver_sql("RELEASE step")
        except sa.exc.DBAPIError as error:
            shared.error = error
        raise
    try:
        shared.tx.exec_driver_sql("RELEASE step")
    except sa.exc.DBAPIError as error:
        shared.error = error


class Store:
    """One database. Open it once a process; hand it to whatever transacts."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.on_sqlite = engine.dialect.name == "sqlite"
        self._writing, self._counting = threading.Lock(), threading.Lock()
        self._waiting = 0
        self._shared: Shared | None = None
        self._writer: Tx | None = None
        self._watchers: list[Callable[[], None]] = []

    @classmethod
    def open(cls, url: str) -> Store:
        """Open ``sqlite:///path`` or ``postgresql+psycopg://…``; raise `StoreUnusable`."""
        if url.startswith("sqlite"):
            Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
            module = _sqlite()
            engine = sa.create_engine(
                url,
                module=module,
                poolclass=sa.QueuePool,
                pool_size=8,
                max_overflow=24,
                pool_use_lifo=True,
                connect_args={"check_same_thread": False, "cached_statements": STATEMENTS_KEPT},
            )
            _prepare_sqlite(engine, module)
        else:
            engine = sa.create_engine(
                url, pool_size=8, max_overflow=24, pool_pre_ping=True, pool_use_lifo=True
            )
            _prepare_postgresql(engine)
        store = cls(engine)
        store._check()
        return store

    def _check(self) -> None:
        try:
            with self.engine.connect() as tx:
                if self.on_sqlite and tx.exec_driver_sql("PRAGMA quick_check(1)").scalar() != "ok":
                    raise StoreCorrupt(f"{self.engine.url.database} fails its integrity check")
        except sa.exc.DatabaseError as error:
            damaged = "malformed" in str(error) or "not a database" in str(error)
            kind = StoreCorrupt if damaged else StoreUnusable
            raise kind(f"{self.engine.url.database}: {error.__cause__ or error}") from error

    def migrate(self) -> None:
        """Bring the tables to this version; raise `StoreNewer` if they are ahead of it."""
        from tallystick.core import migrations

        migrations.upgrade(self)

    def watch(self, call: Callable[[], None]) -> None:
        """Have ``call`` run after each commit that `news` marked: a worker need not poll."""
        self._watchers.append(call)

    @contextmanager
    def transact(self) -> Iterator[Tx]:
        """Run one step: everything in the block commits together, durably, or not at all."""
        if self.on_sqlite:
            with self._step() as tx:
                yield tx
            return
        with self.engine.begin() as tx:
            yield tx
            told = tx.info.pop(NEWS, False)
            _forget(tx)
        self._tell(told)

    def _tell(self, told: bool) -> None:
        for call in self._watchers if told else ():
            call()

    @contextmanager
    def _step(self) -> Iterator[Tx]:
        """Run one step of SQLite's: alone, in a savepoint; steps that queue share one commit.

        Whoever leaves while nobody waits commits for all before. Nobody returns before the commit,
        so what was answered is durable, as if each had committed by itself.
        """
        with self._turn():
            shared = self._shared = self._shared or self._begin()
            try:
                with _savepoint(shared):
                    yield shared.tx
            finally:
                shared.steps += 1
                if shared.error or not self._waiting or shared.steps >= STEPS_MAX:
                    self._commit(shared)
        while not shared.over.wait(HANDOVER_S_MAX):
            with self._writing:
                if not shared.over.is_set():
                    self._commit(shared)
        if shared.error is not None:
            raise StoreUnusable(f"not committed: {shared.error}") from shared.error

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Hold the writer's lock; while others wait for it, their number is known."""
        with self._counting:
            self._waiting += 1
        try:
            self._writing.acquire()
        finally:
            with self._counting:
                self._waiting -= 1
        try:
            yield
        finally:
            self._writing.release()

    def _begin(self) -> Shared:
        """Begin on the one connection that writes: what it has read before is still good to it."""
        tx = self._writer = self._writer or self.engine.connect()
        try:
            tx.exec_driver_sql("BEGIN IMMEDIATE")
        except sa.exc.DBAPIError as error:
            self._part()
            raise StoreUnusable(str(error.__cause__)) from error
        return Shared(tx)

    def _part(self) -> None:
        """Have another connection write from now on."""
        tx, self._writer = self._writer, None
        if tx is not None:
            tx.close()

    def _commit(self, shared: Shared) -> None:
        """Commit for every step of the batch, or fail for every one; the writer's lock is held."""
        self._shared = None
        told = shared.tx.info.pop(NEWS, False)
        try:
            if shared.error is None:
                shared.tx.exec_driver_sql("COMMIT")
        except sa.exc.DBAPIError as error:
            shared.error = error
        finally:
            if shared.error is not None:
                with suppress(sa.exc.DBAPIError):
                    shared.tx.exec_driver_sql("ROLLBACK")
            with suppress(sa.exc.DBAPIError):
                shared.tx.commit()
            if shared.error is not None:
                self._part()
            shared.over.set()
        self._tell(told and shared.error is None)

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """Read one consistent snapshot."""
        if self.on_sqlite:
            with self._session("BEGIN") as tx:
                yield tx
        else:
            isolated = self.engine.execution_options(isolation_level="REPEATABLE READ")
            with isolated.connect() as tx, tx.begin():
                yield tx

    @contextmanager
    def _session(self, begin: str) -> Iterator[Tx]:
        with self.engine.connect() as tx:
            try:
                tx.exec_driver_sql(begin)
            except sa.exc.OperationalError as error:
                raise StoreUnusable(str(error.__cause__)) from error
            try:
                yield tx
            except BaseException:
                tx.exec_driver_sql("ROLLBACK")
                tx.rollback()
                raise
            try:
                tx.exec_driver_sql("COMMIT")
            except sa.exc.OperationalError as error:
                tx.exec_driver_sql("ROLLBACK")
                raise StoreUnusable(f"not committed: {error.__cause__}") from error
            tx.commit()

    def close(self) -> None:
        """Close every connection."""
        with self._writing:
            self._part()
        self.engine.dispose()


def for_update(query: sa.Select[Any], tx: Tx) -> sa.Select[Any]:
    """Lock the rows read, where the database locks rows; SQLite's writer is alone anyway."""
    return query if tx.dialect.name == "sqlite" else query.with_for_update()


def one_of(column: sa.Column[str], words: Iterable[str]) -> sa.ColumnElement[bool]:
    """Say that a column is one of a few words that never change.

    As ``IN`` it would be written out anew at every execution, which takes longer than it runs.
    """
    return sa.or_(*(column == word for word in words))


def prepared(
    build: Callable[..., Built],
) -> Callable[..., Any]:
    """Build a statement at its first use, and afterwards only fill in its values.

    Building takes five times as long as running, so a statement of a step is written as a function
    of what it asks for: ``@prepared def _find(id): return sa.select(T).where(T.c.id == id)``, and
    run by ``_find(tx, id="…")``. What an INSERT or UPDATE sets comes as a dictionary behind ``tx``.
    It returns a `Found`; where SQLAlchemy must run it, its own result, which does all that too.
    """

    made: dict[tuple[str, ...], Statement] = {}

    @functools.cache
    def statement() -> Built:
        names = inspect.signature(build).parameters
        return build(**{name: sa.bindparam(f"{ASKED}{name}") for name in names})

    @functools.wraps(build)
    def run(tx: Tx, values: Mapping[str, Any] = NOTHING, /, **asked: Any) -> Any:
        given = {f"{ASKED}{name}": value for name, value in asked.items()}
        given.update(values)
        key = (tx.dialect.name, *values)
        known = made.get(key)
        if known is None:
            known = made[key] = Statement(statement(), tx.dialect, list(values))
        return known.run(tx, given) if known.direct else tx.execute(statement(), given)

    return run


@functools.cache
def _insert_once(table: sa.Table, dialect: str) -> Any:
    """Build the statement once for a table."""
    insert: Any
    if dialect == "sqlite":
        from sqlalchemy.dialects.sqlite import insert
    else:
        from sqlalchemy.dialects.postgresql import insert
    return insert(table).on_conflict_do_nothing().returning(sa.literal(1))


_ONCE: Final[dict[tuple[str, ...], Statement]] = {}


def insert_once(tx: Tx, table: sa.Table, values: dict[str, Any]) -> bool:
    """Insert unless a unique key already holds; return whether a row was added."""
    key = (tx.dialect.name, table.name, *values)
    known = _ONCE.get(key)
    if known is None:
        insert = _insert_once(table, tx.dialect.name)
        known = _ONCE[key] = Statement(insert, tx.dialect, list(values))
    if known.direct:
        return bool(known.run(tx, values))
    return tx.execute(_insert_once(table, tx.dialect.name), values).first() is not None
