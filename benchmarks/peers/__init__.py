"""List pages and the edit form beside Flask-Admin, Django admin and the bare query, over the same million orders."""
