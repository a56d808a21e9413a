"""What people fill in about endpoints: what every one has, and what its provider has to be told."""
from collections.abc import Mapping
from typing import Any

from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import DataRequired, Length, Optional

from app.integrations.provider import Option, Provider
from app.integrations.registry import providers
from app.sizes import size
from app.typed import NONE, Asked, Questions
from app.webhooks.endpoint_settings import LEAST_BYTES, LONGEST_TOLERANCE, LONGEST_URL, MOST_BYTES, OPTION
from app.webhooks.endpoints import LONGEST_NAME

GIVEN = DataRequired("Fill this in.")
TYPED = {"autocomplete": "off", "maxlength": "500"}
PLAIN = {"autocomplete": "off"}
COMMON: dict[str, tuple[str, str]] = {
    "public_url": ("Address as the provider has it", "Only where it differs from ours, as behind a proxy. Some sign it."),
    "tolerance": ("Clock difference (seconds)", f"How far the signed time may be from ours, from 1 to {LONGEST_TOLERANCE:,}."),
    "allow": ("Who may post", "IP addresses or networks, one a line. Empty: everybody who proves it by a signature."),
    "max_bytes": ("Largest post (bytes)", f"From {size(LEAST_BYTES)} to {size(MOST_BYTES)}."),
}
"""Label and hint of what every endpoint can be set to."""
NO_SECRET = "This provider signs nothing: the address is the secret."  # noqa: S105


class AddEndpoint(FlaskForm):
    name = StringField("Name", validators=[GIVEN, Length(max=LONGEST_NAME)], render_kw=PLAIN,
                       description="What staff will call it, like Stripe EU.")
    secret = PasswordField("Signing secret", validators=[Optional()], render_kw=TYPED)
    account = StringField("Account", validators=[Length(max=LONGEST_NAME)], render_kw=PLAIN,
                          description="Only if you have several accounts at this provider: whose IDs come in here.")


class AddSecret(FlaskForm):
    secret = PasswordField("New secret", validators=[GIVEN], render_kw=TYPED,
                           description="The ones before it go on working until you retire them.")


def adding(speaks: Provider) -> FlaskForm:
    """What it takes to add an endpoint of this provider."""
    fields = _options(speaks)
    found: FlaskForm = type("AddThis", (AddEndpoint,), fields)(
        data={OPTION + each.name: each.default for each in speaks.options})
    later = f" Leave it empty if {speaks.label} shows it only once it has the address." if speaks.needs_secret else ""
    if speaks.needs_secret or speaks.own_page:
        found.secret.description = f"{_looks(speaks)} It is stored encrypted and never shown again.{later}"
    else:
        found.secret.label.text, found.secret.description = "Secret", NO_SECRET
    return found


def first_secret(speaks: Provider, form: AddSecret) -> AddSecret:
    """The same form for the first secret of an endpoint: there are none before it."""
    form.secret.label.text = "Secret"
    form.secret.description = f"{_looks(speaks)} It is stored encrypted and never shown again."
    return form


def _looks(speaks: Provider) -> str:
    return f"{speaks.looks_like or 'What the provider signs with'}."


def setting(speaks: Provider, held: Mapping[str, str], seen: str) -> FlaskForm:
    """What an endpoint of this provider can be set to, filled with what holds; `seen` is the mark of that."""
    fields = _options(speaks) | {"seen": HiddenField()}
    for name, (label, hint) in COMMON.items():
        made = TextAreaField if name == "allow" else StringField
        longest = 20_000 if name == "allow" else LONGEST_URL
        fields[name] = made(label, validators=[Optional(), Length(max=longest)], description=hint,
                            render_kw=PLAIN | ({"rows": "3"} if name == "allow" else {}))
    found: FlaskForm = type("Settings", (FlaskForm,), fields)(data=dict(held) | {"seen": seen})
    return found


def typed(form: FlaskForm) -> dict[str, str]:
    """What was filled in, as endpoint_settings.py reads it."""
    return {field.name: str(field.data or "").strip() for field in form
            if field.name in COMMON or field.name.startswith(OPTION)}


def questions(**_: object) -> Questions:
    """The labels of everything an endpoint may be asked, whatever its provider."""
    common = {name: Asked(label, NONE) for name, (label, _) in COMMON.items()}
    own = {OPTION + each.name: Asked(each.label, dict(each.choices)) for speaks in providers() for each in speaks.options}
    return {"name": Asked("Name", NONE), "account": Asked("Account", NONE), "secret": Asked("Signing secret", NONE, True),
            **common, **own}


def _options(speaks: Provider) -> dict[str, Any]:
    return {} if speaks.own_page else {OPTION + each.name: option(each) for each in speaks.options}


def option(option: Option) -> Any:
    """The field a person fills in."""
    rules = [GIVEN if option.required and not option.default else Optional(), Length(max=option.limit)]
    if option.choices:
        choices = [SelectChoice(value, label) for value, label in option.choices]
        return SelectField(option.label, validators=rules, choices=choices, description=option.hint)
    if option.kind == "long":
        return TextAreaField(option.label, validators=rules, description=option.hint, render_kw=PLAIN | {"rows": "6"})
    return StringField(option.label, validators=rules, description=option.hint, render_kw=PLAIN)
