"""Where processes of tests are forked from: one that has loaded the application already, which takes seconds."""
from multiprocessing import get_context

NURSERY = get_context("forkserver")
NURSERY.set_forkserver_preload(["tests.chaos.started"])
