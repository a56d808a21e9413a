"""The pages of exports hang here."""
from flask import Blueprint

bp = Blueprint("exports", __name__)
