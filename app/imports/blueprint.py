"""The blueprint the pages of imports hang on."""
from flask import Blueprint

bp = Blueprint("imports", __name__)
