"""django-import-export over the same file: its dry run, then its import, as its admin does. Run by benchmarks.imports.

    python peer_imports.py FOLDER FILE TUNED        TUNED: 1 has the caches it offers, for records and for customers
"""
import json
import sqlite3
import sys
import time
from pathlib import Path

import django
from django.conf import settings

folder, file, tuned = sys.argv[1:]
settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(Path(folder) / f"django-{tuned}.db"),
                           "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL"}}},
    INSTALLED_APPS=["import_export"], DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", USE_TZ=False)
django.setup()

import tablib  # noqa: E402
from django.db import connection, models  # noqa: E402
from import_export import fields, instance_loaders, resources, widgets  # noqa: E402


class Customer(models.Model):
    email = models.CharField(max_length=200, unique=True)

    class Meta:
        app_label = "import_export"


class Order(models.Model):
    number = models.CharField(max_length=80, unique=True)
    customer = models.ForeignKey(Customer, models.PROTECT)
    status = models.CharField(max_length=20, choices=[(one, one) for one in ("placed", "packing", "shipped", "delivered")])
    payment_status = models.CharField(max_length=20)
    channel = models.CharField(max_length=40)
    total = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3)
    placed_at = models.DateTimeField()
    street = models.CharField(max_length=200)
    postcode = models.CharField(max_length=20)
    city = models.CharField(max_length=200)
    weight = models.IntegerField()

    class Meta:
        app_label = "import_export"


class ByEmail(widgets.ForeignKeyWidget):
    known: dict = {}

    def clean(self, value, row=None, **kwargs):
        if tuned != "1":
            return super().clean(value, row, **kwargs)
        self.known = self.known or {one.email: one for one in Customer.objects.all()}
        return self.known[value]


class Orders(resources.ModelResource):
    customer = fields.Field("customer", "customer", ByEmail(Customer, "email"))

    class Meta:
        model = Order
        import_id_fields = ("number",)
        use_bulk, batch_size, skip_unchanged, report_skipped = True, 1000, True, False
        instance_loader_class = instance_loaders.CachedInstanceLoader if tuned == "1" else instance_loaders.ModelInstanceLoader
        fields = ("number", "customer", "status", "payment_status", "channel", "total", "currency", "placed_at", "street", "postcode", "city", "weight")


def taken():
    with open(file, encoding="utf-8") as source:
        return tablib.Dataset().load(source.read(), format="csv")


if "import_export_order" not in connection.introspection.table_names():
    with connection.schema_editor() as editor:
        editor.create_model(Customer)
        editor.create_model(Order)
    Customer.objects.bulk_create([Customer(email=f"person{n:06}@example.com") for n in range(5000)])
began = time.process_time()
for dry in (True, False):
    result = Orders().import_data(taken(), dry_run=dry, raise_errors=True)
print(json.dumps({"cpu": time.process_time() - began, "rows": Order.objects.count(), "totals": dict(result.totals), "sqlite": sqlite3.sqlite_version}))
