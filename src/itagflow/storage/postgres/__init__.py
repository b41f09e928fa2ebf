"""The store in a PostgreSQL database; it needs ``itagflow[postgres]``."""

from itagflow.storage.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
