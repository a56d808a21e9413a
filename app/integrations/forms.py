"""What people fill in about connections: what every one has, and the credentials its provider declares."""
from collections.abc import Mapping
from typing import Any

from flask_wtf import FlaskForm
from wtforms import BooleanField, PasswordField, StringField
from wtforms.validators import DataRequired, Length, Optional

from app.integrations.calling import Api, Credential
from app.integrations.connections import LONGEST_NAME, LONGEST_SECRET, Wanted
from app.integrations.registry import providers
from app.typed import NONE, TICKED, Asked, Questions

GIVEN = DataRequired("Fill this in.")
PLAIN = {"autocomplete": "off"}
OWN = "credential_"        # what the credentials of a provider begin with among the inputs


class Connect(FlaskForm):
    name = StringField("Name", validators=[GIVEN, Length(max=LONGEST_NAME)], render_kw=PLAIN,
                       description="What staff will call it, like Stripe EU.")
    account = StringField("Account", validators=[Optional(), Length(max=LONGEST_NAME)], render_kw=PLAIN,
                          description="Only if you have several accounts at this provider: as its webhook endpoint has it.")
    is_sandbox = BooleanField("Sandbox", description="For the provider's test mode: nothing real is bought, sent or paid back.")
    address = StringField("Address", validators=[Optional(), Length(max=500)], render_kw=PLAIN)


def form(api: Api, *, held: Mapping[str, Any] | None = None, hints: Mapping[str, str] | None = None) -> FlaskForm:
    """The form for a connection; with `held` for one that is there, whose secrets are kept unless they are typed again."""
    fields: dict[str, Any] = {OWN + each.name: _input(each, hints) for each in api.credentials}
    if held is not None:
        fields["account"] = None
    made: FlaskForm = type("Connection", (Connect,), fields)(data=dict(held or {}))
    made.address.description = f"Only where it differs from {api.base}, as for a proxy of yours."
    return made


def wanted(form: FlaskForm) -> Wanted:
    """What was filled in."""
    typed = {field.name: field.data for field in form}
    return Wanted(_text(typed, "name"), _text(typed, "account"),
                  {name.removeprefix(OWN): _text(typed, name) for name in typed if name.startswith(OWN)},
                  _text(typed, "address"), bool(typed.get("is_sandbox")))


def questions(**_: object) -> Questions:
    """The labels of everything a connection may be asked, whatever its provider."""
    own = {OWN + each.name: Asked(each.label, NONE, each.is_secret) for speaks in providers() if speaks.api
           for each in speaks.api.credentials}
    return {"name": Asked("Name"), "account": Asked("Account"), "address": Asked("Address"),
            "is_sandbox": Asked("Sandbox", TICKED), **own}


def _input(each: Credential, hints: Mapping[str, str] | None) -> Any:
    kept = (hints or {}).get(each.name, "")
    rules = [GIVEN if each.is_required and not kept else Optional(), Length(max=LONGEST_SECRET)]
    if not each.is_secret:
        return StringField(each.label, validators=rules, default=kept, description=each.help, render_kw=PLAIN)
    keeps = f"Leave it empty to keep the one that ends in {kept}." if kept else "It is stored encrypted and never shown again."
    return PasswordField(each.label, validators=rules, description=f"{each.help} {keeps}".strip(),
                         render_kw={"autocomplete": "new-password"})


def _text(typed: Mapping[str, Any], name: str) -> str:
    return str(typed.get(name) or "").strip()
