"""The loops exports are measured beside, each on its own: a cursor with a csv.writer, tablib, openpyxl. Run by benchmarks.exports.

    python bare_exports.py WAY DATABASE TARGET ROWS
"""
import csv
import json
import sqlite3
import sys
import time
from decimal import Decimal

ASKED = ("SELECT o.number, c.email, o.status, o.payment_status, o.channel, o.total_minor, o.currency, o.placed_at, o.city FROM orders o "
         "LEFT JOIN customers c ON c.id = o.customer_id WHERE o.trashed_at IS NULL ORDER BY o.id DESC LIMIT ?")
HEADS = ("Order number", "Customer", "Status", "Payment", "Channel", "Total", "Currency", "Placed", "City")


def peak():
    """The most memory this process has held, in MB; the kernel's ru_maxrss would count that of its parent too."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def cursor(database, most):
    if not database.startswith("postgresql"):
        return sqlite3.connect(database).execute(ASKED, [most])
    import psycopg
    found = psycopg.connect(database).cursor("bare")
    found.itersize = 1000
    return found.execute(ASKED.replace("?", "%s"), [most])


def rows(database, most):
    for number, email, status, payment, channel, total, currency, placed, city in cursor(database, most):
        yield (number, email, status, payment, channel, None if total is None else Decimal(total) / 100, currency,
               placed and str(placed)[:16], city)


def bare(found, target):
    with open(target, "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADS)
        writer.writerows(found)


def tablib_csv(found, target):
    import tablib
    dataset = tablib.Dataset(*found, headers=HEADS)
    with open(target, "w", encoding="utf-8-sig", newline="") as file:
        file.write(dataset.export("csv"))


def tablib_xlsx(found, target):
    import tablib
    with open(target, "wb") as file:
        file.write(tablib.Dataset(*found, headers=HEADS).export("xlsx"))


def openpyxl_xlsx(found, target):
    import openpyxl
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(HEADS)
    for row in found:
        sheet.append(row)
    book.save(target)


WAYS = {"cursor and csv.writer": bare, "tablib, CSV": tablib_csv, "tablib, XLSX": tablib_xlsx, "openpyxl, write-only": openpyxl_xlsx}

if __name__ == "__main__":
    way, database, target, most = sys.argv[1:]
    idle = peak()
    began = time.process_time()
    WAYS[way](rows(database, int(most)), target)
    print(json.dumps({"cpu": time.process_time() - began, "mb": peak() - idle}))
