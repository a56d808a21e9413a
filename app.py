"""Everything on this machine: `python app.py`. What it does is in app/run/supervisor.py."""
import sys

from app import create_app
from app.run.supervisor import main

if __name__ == "__main__":
    sys.exit(main(create_app))
