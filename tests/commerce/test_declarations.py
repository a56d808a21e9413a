"""Every record type: what it declares holds together. Whatever is registered is tested."""
from importlib import import_module
from pathlib import Path

import pytest

from app import commerce
from app.records import search
from app.records.actions import needed
from app.records.fields import Choice, Reference
from app.records.registry import named, rank, resources
from app.records.resource import Outside

FILES = {path.stem for path in Path(commerce.__path__[0]).glob("[a-z]*.py")}
for name in FILES:
    import_module(f"app.commerce.{name}")
RESOURCES = pytest.mark.parametrize("resource", resources(), ids=lambda resource: resource.name)
EXPECTED = {
    "customers": "email name phone company country note",
    "products": "sku name price currency is_active",
    "orders": "number customer status payment_status channel total currency street postcode city country phone weight placed_at note lines",
    "payments": "order amount refunded currency status method",
    "subscriptions": "customer product status amount currency renews_at",
    "deliveries": "order carrier tracking_number status eta",
}
LIVES = {
    "orders": "draft placed packing shipped delivered returned cancelled",
    "payments": "pending authorised failed paid part_refunded refunded disputed",
    "subscriptions": "trial active past_due paused ended",
    "deliveries": "label_made in_transit held_up delivered sent_back lost cancelled",
}


def test_each_type_is_one_file():
    assert FILES == {resource.name for resource in resources()} == set(EXPECTED)


def test_referenced_types_come_before_those_that_refer_to_them():
    names = [resource.name for resource in resources()]
    assert all(names.index(target) < names.index(resource.name) for resource in resources() for target in resource.targets)
    assert rank("customers") == 0 < rank("orders") < rank("payments")


@RESOURCES
def test_it_has_the_fields_the_business_needs(resource):
    assert set(EXPECTED[resource.name].split()) <= {field.name for field in resource.fields}


@RESOURCES
def test_every_field_has_its_columns(resource):
    columns = resource.table.c
    for field in resource.fields:
        assert field.kind == "lines" or field.column in columns
        assert not field.sortable or field.sort_column in columns
        if isinstance(field, Reference) and field.loose:
            assert field.ref_column in columns
            assert columns[field.ref_column].nullable
    assert len({field.name for field in resource.fields}) == len(resource.fields)


@RESOURCES
def test_what_it_names_is_there(resource):
    for name in (resource.key, *resource.listed, *resource.searched, *resource.titled):
        assert resource.field(name) is not None or name in ("created_at", "updated_at"), name
    assert resource.field(resource.order.lstrip("-")) is not None or resource.order.lstrip("-") == "id"
    key = resource.require(resource.key)
    assert key.required
    assert key.unique or key.column == "external_id"
    for field in resource.references:
        assert named(field.to).field(field.shown_by) is not None


@RESOURCES
def test_every_sort_and_every_reference_has_an_index(resource):
    leading = {tuple(index.columns.keys())[0] for index in resource.table.indexes}
    pairs = {tuple(index.columns.keys()) for index in resource.table.indexes}
    assert all((field.sort_column, "id") in pairs for field in resource.fields if field.sortable)
    assert {("created_at", "id"), ("updated_at", "id")} <= pairs
    assert all(field.column in leading for field in resource.references)


@RESOURCES
def test_providers_know_it_by_account_and_id(resource):
    assert issubclass(resource.model, Outside)
    unique = {tuple(constraint.columns.keys()) for constraint in resource.table.constraints if constraint.__visit_name__ == "unique_constraint"}
    assert ("external_id", "account") in unique
    assert not resource.table.c.account.nullable
    assert resource.require("external_id").owned


@RESOURCES
def test_an_id_never_comes_back(resource):
    assert resource.table.dialect_options["sqlite"]["autoincrement"] is True


@RESOURCES
def test_its_transitions_are_between_its_states(resource):
    for field in (field for field in resource.fields if isinstance(field, Choice)):
        assert len(set(field.names)) == len(field.names)
        for state, nexts in (field.transitions or {}).items():
            assert {state, *nexts} <= set(field.names)
            assert state not in nexts
        assert field.default in (None, *field.names)


@pytest.mark.parametrize(("name", "life"), LIVES.items())
def test_states_are_declared_in_the_order_of_life(name, life):
    status = named(name).status
    assert status is not None
    assert status.names == tuple(life.split())


@RESOURCES
def test_no_heading_of_a_spreadsheet_means_two_fields_of_it(resource):
    headings = [heading.casefold() for field in resource.fields for heading in {field.name, field.title.casefold(), *field.aliases}]
    assert len(headings) == len(set(headings)), sorted(h for h in headings if headings.count(h) > 1)


@RESOURCES
def test_sensitive_fields_are_not_searched(resource):
    assert not {field.column for field in resource.fields if field.sensitive} & set(search.columns(resource))


@RESOURCES
def test_an_action_names_its_permission(resource):
    assert all(needed(resource, action).partition(".")[0] == resource.name for action in resource.actions)


@RESOURCES
def test_a_record_always_has_a_title(resource):
    assert resource.text({"id": 7}) == f"{resource.label} 7"
    assert resource.text({"id": 7, "external_id": "x_1"}) == "x_1"
    assert resource.text({resource.require(resource.key).column: "K-1", "id": 7}) == "K-1"
