"""The pages of accounts hang here."""
from flask import Blueprint

bp = Blueprint("accounts", __name__)
