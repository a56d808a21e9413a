"""Django admin over the orders, unmanaged models: `python django_page.py DATABASE_URL ORDERS [tuned]`, in the peers' environment.

Its own tables (people, sessions) are in memory. As its documentation sets it up; tuned: without the second count, and with
the customers of the form asked for as one types.
"""
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

import django
from answering import Act, answer
from django.apps import AppConfig
from django.conf import settings

URL, ORDERS, TUNED = urlsplit(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] == ["tuned"]
if URL.scheme.startswith("sqlite"):
    SHOP: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "NAME": URL.path[1:]}
else:
    SHOP = {"ENGINE": "django.db.backends.postgresql", "NAME": URL.path[1:], "USER": URL.username,
            "HOST": parse_qs(URL.query)["host"][0]}


class Router:
    """Orders and customers are in the shop's database, all else in memory."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return "shop" if model._meta.app_label == "shop" else None

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "default"


class Shop(AppConfig):
    """This file as an application of Django's."""

    name, label = __name__, "shop"


settings.configure(
    SECRET_KEY="benchmarks only", DEBUG=False, USE_TZ=True, ALLOWED_HOSTS=["testserver"], ROOT_URLCONF=__name__, STATIC_URL="/static/",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}, "shop": SHOP},
    DATABASE_ROUTERS=[Router()], DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=["django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
                    "django.contrib.messages", "django.contrib.staticfiles", f"{__name__}.Shop"],
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.contrib.sessions.middleware.SessionMiddleware",
                "django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware", "django.contrib.messages.middleware.MessageMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {"context_processors": [
        "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages"]}}])
django.setup()

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connections, models
from django.test import Client
from django.urls import path

STATES = [(one, one.capitalize()) for one in ("draft", "placed", "packing", "shipped", "delivered", "returned", "cancelled")]
PAID = [(one, one.capitalize()) for one in ("pending", "authorised", "failed", "paid", "part_refunded", "refunded", "disputed")]
run = [0]


class Customer(models.Model):
    email = models.TextField()

    class Meta:
        app_label, db_table, managed = "shop", "customers", False

    def __str__(self) -> str:
        return self.email


class Order(models.Model):
    number = models.TextField()
    customer = models.ForeignKey(Customer, models.DO_NOTHING, null=True)
    status = models.TextField(choices=STATES)
    payment_status = models.TextField(choices=PAID)
    channel = models.TextField()
    total_minor = models.BigIntegerField(null=True)
    currency = models.TextField()
    street = models.TextField()
    postcode = models.TextField()
    city = models.TextField()
    country = models.TextField()
    phone = models.TextField(null=True)
    weight = models.BigIntegerField(null=True)
    placed_at = models.DateTimeField(null=True)
    note = models.TextField(null=True)
    external_id = models.TextField(null=True)

    class Meta:
        app_label, db_table, managed = "shop", "orders", False


@admin.register(Customer)
class Customers(admin.ModelAdmin):
    search_fields = ("email",)


@admin.register(Order)
class Orders(admin.ModelAdmin):
    list_display = ("number", "customer", "status", "payment_status", "channel", "total_minor", "placed_at")
    list_filter = ("status", "payment_status", "placed_at")
    search_fields = ("number", "city", "postcode", "street", "external_id")
    list_select_related = ("customer",)    # else it asks for each customer by itself
    list_per_page = 50
    if TUNED:
        show_full_result_count = False
        autocomplete_fields = ("customer",)


urlpatterns = [path("admin/", admin.site.urls)]


def page(number: float) -> int:
    return int(number * 0.9) // 50 + 1


def pages() -> dict[str, Act]:
    call_command("migrate", verbosity=0)
    client = Client()
    client.force_login(User.objects.create_superuser("bench", "bench@example.com", "benchmarks only"))

    def get(path: str) -> Act:
        def act() -> tuple[int, bytes]:
            answered = client.get(f"/admin/shop/order/{path}")
            return answered.status_code, answered.content
        return act
    return {name: get(path) for name, path in {
        "first page": "",
        "deep page (90 %)": f"?p={page(ORDERS)}",
        "payment_status=paid": "?payment_status__exact=paid",
        "payment_status=paid, deep (90 %)": f"?payment_status__exact=paid&p={page(ORDERS * 0.597)}",
        "two filters": "?payment_status__exact=refunded&placed_at__gte=2025-09-01",
        "search, one hit": f"?q=ORD-{ORDERS // 2 + 1:07}",
        "search, part of a number": f"?q={ORDERS // 2 + 1:07}",
        "search, 6.7 % hits": "?q=lisbon",
        "sort by total": "?o=-6",
        "sort by total, deep (90 %)": f"?o=-6&p={page(ORDERS)}",
        "edit form": f"{ORDERS // 2 + 1}/change/",
    }.items()}


def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    run[0] += 1
    return execute(sql, params, many, context)


fetch = pages()
for connection in connections.all():
    connection.execute_wrappers.append(count)
answer(fetch, lambda: run[0])
