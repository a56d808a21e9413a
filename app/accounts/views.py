"""The pages of accounts, all of them."""
from app.accounts import people_views, settings_views, sign_in_views, token_views
from app.accounts.blueprint import bp

__all__ = ["bp", "people_views", "settings_views", "sign_in_views", "token_views"]
