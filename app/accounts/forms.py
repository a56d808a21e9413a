"""What people fill in about accounts."""
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, Form, IntegerField, PasswordField, SelectField, StringField
from wtforms.fields import EmailField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import DataRequired, EqualTo, Length, NumberRange, Optional

from app.access import ROLES
from app.accounts.passwords import LONGEST, SHORTEST
from app.accounts.plain import plain
from app.settings import Setting
from app.typed import NONE, TICKED, Asked, Questions

GIVEN = DataRequired("Fill this in.")
NEW = {"autocomplete": "new-password", "maxlength": str(LONGEST)}
ABOUT_ROLES = {"viewer": "Viewer: sees, changes nothing", "operator": "Operator: the daily work",
               "manager": "Manager: also exports, refunds, bulk changes", "admin": "Admin: everything, users and settings too"}
DURATIONS = {"30": "30 days", "90": "90 days", "365": "A year", "": "No end"}


class SignIn(FlaskForm):
    email = EmailField("E-mail", validators=[GIVEN, plain], render_kw={"autocomplete": "username", "maxlength": "254"})
    password = PasswordField("Password", validators=[GIVEN], render_kw={"autocomplete": "current-password"})
    stay = BooleanField("Stay signed in on this computer for 14 days")


class FirstPassword(FlaskForm):
    password = PasswordField("New password", validators=[GIVEN], render_kw=NEW,
                             description=f"At least {SHORTEST} characters. Three or four unrelated words are good.")
    repeat = PasswordField("The same again", validators=[GIVEN, EqualTo("password", "The two are not the same.")], render_kw=NEW)


class ChangePassword(FlaskForm):
    old = PasswordField("Password now", validators=[GIVEN], render_kw={"autocomplete": "current-password"})
    password = PasswordField("New password", validators=[GIVEN], render_kw=NEW,
                             description=f"At least {SHORTEST} characters. Three or four unrelated words are good.")
    repeat = PasswordField("The same again", validators=[GIVEN, EqualTo("password", "The two are not the same.")], render_kw=NEW)


class Profile(FlaskForm):
    name = StringField("Name", validators=[GIVEN, plain, Length(max=200)], description="How the trail calls you.",
                       render_kw={"autocomplete": "name"})
    time_zone = SelectField("Time zone", validators=[Optional()], description="Times are shown in it.")

    def __init__(self, installation_zone: str, **values: Any) -> None:
        super().__init__(**values)
        self.time_zone.choices = [SelectChoice("", f"That of the installation: {installation_zone}"),
                                  *(SelectChoice(zone, zone) for zone in zones())]


class AddUser(FlaskForm):
    email = EmailField("E-mail", validators=[GIVEN, Length(max=254)], render_kw={"autocomplete": "off"})
    name = StringField("Name", validators=[plain, Length(max=200)], render_kw={"autocomplete": "off"})
    role = SelectField("Role", choices=[SelectChoice(role, ABOUT_ROLES[role]) for role in ROLES])


class AddToken(FlaskForm):
    name = StringField("Name", validators=[GIVEN, plain, Length(max=100)], render_kw={"autocomplete": "off"},
                       description="What will use it, like warehouse. The trail names it.")
    days = SelectField("Good for", choices=[SelectChoice(days, words) for days, words in DURATIONS.items()], default="90")


def written(field: Field) -> str:
    """What was typed into a text field."""
    return field.data or ""


def installation(settings: list[Setting[Any]]) -> FlaskForm:
    """A form made from what is declared, filled with what holds."""
    fields: dict[str, Any] = {_name(setting): _field(setting) for setting in settings}
    form = type("Installation", (FlaskForm,), fields)
    found: FlaskForm = form(data={_name(setting): setting.get() for setting in settings})
    return found


def asked(settings: list[Setting[Any]]) -> Questions:
    """The labels of that form."""
    return {_name(setting): Asked(setting.label, TICKED if isinstance(setting.default, bool) else NONE) for setting in settings}


def value_of(form: Form, setting: Setting[Any]) -> Any:
    """What the form says for this setting."""
    value = form[_name(setting)].data
    return "" if value is None and isinstance(setting.default, str) else value


def _name(setting: Setting[Any]) -> str:
    return setting.name.replace(".", "__")


def _field(setting: Setting[Any]) -> Any:
    if isinstance(setting.default, bool):
        return BooleanField(setting.label, description=setting.help)
    if isinstance(setting.default, int):
        bounds = NumberRange(setting.least, setting.most, "It must be from %(min)s to %(max)s.")
        return IntegerField(setting.label, description=setting.help, validators=[GIVEN, bounds])
    return StringField(setting.label, description=setting.help, validators=[plain, Length(max=500)])


@lru_cache(maxsize=1)
def zones() -> list[str]:
    """The zones people live in."""
    return sorted(zone for zone in available_timezones()
                  if "/" in zone and not zone.startswith(("Etc/", "SystemV/", "posix/", "right/", "US/")))
