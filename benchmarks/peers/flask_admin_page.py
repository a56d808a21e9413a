"""Flask-Admin over the orders, reflected: `python flask_admin_page.py DATABASE_URL ORDERS [tuned]`, in the peers' environment.

As its documentation sets it up; tuned: without a count, and with the customers of the form asked for as one types.
"""
import sys

import sqlalchemy as sa
from answering import Act, answer
from flask import Flask
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView
from flask_admin.contrib.sqla.filters import DateTimeGreaterFilter, FilterEqual
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.orm import scoped_session, sessionmaker

URL, ORDERS, TUNED = sys.argv[1], int(sys.argv[2]), sys.argv[3:] == ["tuned"]
engine = sa.create_engine(URL)
session = scoped_session(sessionmaker(engine))
metadata = sa.MetaData()
metadata.reflect(engine, only=["orders", "customers"])
Base = automap_base(metadata=metadata)
Base.prepare()
Order, Customer = Base.classes.orders, Base.classes.customers
Customer.__str__ = lambda self: self.email
run = [0]


class Orders(ModelView):
    column_list = ("number", "customers", "status", "payment_status", "channel", "total_minor", "placed_at")
    column_sortable_list = ("number", "status", "payment_status", "channel", "total_minor", "placed_at")
    column_searchable_list = ("number", "city", "postcode", "street", "external_id")
    column_filters = (FilterEqual(Order.payment_status, "Payment"), DateTimeGreaterFilter(Order.placed_at, "Placed"))
    column_default_sort = ("id", True)
    page_size = 50
    if TUNED:
        simple_list_pager = True
        form_ajax_refs = {"customers": {"fields": ("email",)}}


def page(number: float) -> int:
    return int(number * 0.9) // 50


def pages() -> dict[str, Act]:
    app = Flask(__name__)
    app.config.update(SECRET_KEY="benchmarks only")
    Admin(app).add_view(Orders(Order, session, endpoint="order"))
    client = app.test_client()

    def get(path: str) -> Act:
        def act() -> tuple[int, bytes]:
            answered = client.get(path)
            session.remove()
            return answered.status_code, answered.data
        return act
    return {name: get(path) for name, path in {
        "first page": "/admin/order/",
        "deep page (90 %)": f"/admin/order/?page={page(ORDERS)}",
        "payment_status=paid": "/admin/order/?flt0_0=paid",
        "payment_status=paid, deep (90 %)": f"/admin/order/?flt0_0=paid&page={page(ORDERS * 0.6)}",
        "two filters": "/admin/order/?flt0_0=refunded&flt1_1=2025-09-01+00:00:00",
        "search, one hit": f"/admin/order/?search=ORD-{ORDERS // 2 + 1:07}",
        "search, part of a number": f"/admin/order/?search={ORDERS // 2 + 1:07}",
        "search, 6.7 % hits": "/admin/order/?search=lisbon",
        "sort by total": "/admin/order/?sort=5&desc=1",
        "sort by total, deep (90 %)": f"/admin/order/?sort=5&desc=1&page={page(ORDERS)}",
        "edit form": f"/admin/order/edit/?id={ORDERS // 2 + 1}",
    }.items()}


@sa.event.listens_for(engine, "before_cursor_execute")
def count(*_: object) -> None:
    run[0] += 1


answer(pages(), lambda: run[0])
