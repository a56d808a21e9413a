"""Everything on this machine: `python app.py`. What it does is in app/run/supervisor.py."""
import argparse
import sys

from app import create_app
from app.run.supervisor import main

ABOUT = "Start Backroom on this machine: web server, workers, sweeper and, where there is no other, a Redis of its own."
MORE = "Settings are environment variables, such as PORT, INSTANCE_DIR and DATABASE_URL: docs/operating.md lists them. " \
       "Single parts and everything else are commands: flask --app app --help."

if __name__ == "__main__":
    argparse.ArgumentParser("python app.py", description=ABOUT, epilog=MORE).parse_args()
    sys.exit(main(create_app))
