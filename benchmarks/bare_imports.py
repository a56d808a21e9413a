"""The loop imports are measured beside: read a CSV, check every cell, look up what is there, insert or update. It knows nothing else.

    python bare_imports.py DATABASE FILE        DATABASE: a folder for SQLite, or the address of a PostgreSQL server

No mapping, no preview, no rights, no versions, no audit, no search; one table with a unique key and an index, as durable as ours.
"""
import csv
import json
import sqlite3
import sys
import time
from datetime import datetime
from decimal import Decimal
from pathlib import Path

CHUNK = 1000
NAMES = ("number", "customer_id", "status", "payment_status", "channel", "total_minor", "currency", "placed_at", "street", "postcode", "city", "weight")
STATUSES = {"placed", "packing", "shipped", "delivered"}
PAYMENTS = {"pending", "paid"}
TABLES = ("CREATE TABLE IF NOT EXISTS people (id INTEGER PRIMARY KEY, email TEXT UNIQUE)",
          "CREATE TABLE IF NOT EXISTS orders (id {id}, number TEXT UNIQUE, customer_id INTEGER, status TEXT, payment_status TEXT, channel TEXT, "
          "total_minor BIGINT, currency TEXT, placed_at TEXT, street TEXT, postcode TEXT, city TEXT, weight INTEGER)",
          "CREATE INDEX IF NOT EXISTS ix_orders_customer ON orders (customer_id)")


def open_sqlite(folder):
    connection = sqlite3.connect(Path(folder) / "bare.db")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection, "?", "INTEGER PRIMARY KEY"


def open_postgresql(address):
    import psycopg
    return psycopg.connect(address), "%s", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"


def checked(row, customers):
    """The values of a row, each of its kind. Raises KeyError or ValueError."""
    number, email, status, payment, channel, total, currency, placed, street, postcode, city, weight = row
    if not number or status not in STATUSES or payment not in PAYMENTS or len(currency) != 3:
        raise ValueError(row)
    moment = datetime.fromisoformat(placed).isoformat(" ")
    return (number, customers[email.lower()], status, payment, channel, int(Decimal(total) * 100), currency, moment, street, postcode, city, int(weight))


def run(connection, mark, file):
    cursor = connection.cursor()
    cursor.execute("SELECT email, id FROM people")
    customers = dict(cursor.fetchall())
    insert = f"INSERT INTO orders ({', '.join(NAMES)}) VALUES ({', '.join([mark] * len(NAMES))})"
    update = f"UPDATE orders SET {', '.join(f'{name} = {mark}' for name in NAMES[1:])} WHERE number = {mark}"
    with open(file, encoding="utf-8", newline="") as source:
        rows = csv.reader(source)
        next(rows)
        while chunk := [checked(row, customers) for _, row in zip(range(CHUNK), rows, strict=False)]:
            cursor.execute(f"SELECT {', '.join(NAMES)} FROM orders WHERE number IN ({', '.join([mark] * len(chunk))})", [one[0] for one in chunk])
            there = {found[0]: found for found in cursor.fetchall()}
            cursor.executemany(insert, [one for one in chunk if one[0] not in there])
            changed = [(*one[1:], one[0]) for one in chunk if one[0] in there and there[one[0]] != one]
            if changed:
                cursor.executemany(update, changed)
            connection.commit()


if __name__ == "__main__":
    database, file = sys.argv[1:]
    connection, mark, id = (open_postgresql if "://" in database else open_sqlite)(database)
    cursor = connection.cursor()
    for table in TABLES:
        cursor.execute(table.format(id=id))
    cursor.execute("SELECT count(*) FROM people")
    if not cursor.fetchone()[0]:
        cursor.executemany(f"INSERT INTO people (id, email) VALUES ({mark}, {mark})", [(n + 1, f"person{n:06}@example.com") for n in range(5000)])
    connection.commit()
    began = time.process_time()
    run(connection, mark, file)
    print(json.dumps({"cpu": time.process_time() - began}))
