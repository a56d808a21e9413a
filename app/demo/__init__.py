"""A small living back office to look at: invented people and an invented shop, made the way real data comes in."""
from app.demo.load import Loaded, load

__all__ = ["Loaded", "load"]
