"""(sessions as rows come here)"""
from flask import Flask


def init_app(app: Flask) -> None:
    """Stub."""
