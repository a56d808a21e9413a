"""A check of what is typed: text that can be kept, by the rule that holds for records."""
import sys

from wtforms import Field, Form
from wtforms.validators import StopValidation

from app.records.values import text_of


def plain(form: Form, field: Field) -> None:
    """Stop at characters no database keeps, like NUL."""
    try:
        text_of(field.data, sys.maxsize)
    except ValueError as sentence:
        raise StopValidation(str(sentence)) from None
