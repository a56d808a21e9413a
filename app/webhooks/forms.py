"""What people fill in about endpoints."""
from flask_wtf import FlaskForm
from wtforms import PasswordField, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import DataRequired, Length

from app.integrations.registry import providers
from app.webhooks.endpoints import LONGEST_NAME

GIVEN = DataRequired("Fill this in.")
TYPED = {"autocomplete": "off", "maxlength": "500"}


class AddEndpoint(FlaskForm):
    provider = SelectField("Provider", validators=[GIVEN])
    name = StringField("Name", validators=[GIVEN, Length(max=LONGEST_NAME)], render_kw={"autocomplete": "off"},
                       description="What staff will call it, like Stripe EU.")
    secret = PasswordField("Signing secret", validators=[GIVEN], render_kw=TYPED,
                           description="What the provider signs with. It is stored encrypted and never shown again.")
    account = StringField("Account", validators=[Length(max=LONGEST_NAME)], render_kw={"autocomplete": "off"},
                          description="Only if you have several accounts at this provider: whose IDs come in here.")

    def __init__(self) -> None:
        super().__init__()
        self.provider.choices = [SelectChoice(each.name, each.label) for each in providers()]


class AddSecret(FlaskForm):
    secret = PasswordField("New secret", validators=[GIVEN], render_kw=TYPED,
                           description="The ones before it go on working until you retire them.")
