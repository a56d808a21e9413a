"""Long work in steps, one transaction after the other."""
import pytest

from app.audit import COMMAND_LINE
from app.jobs.steps import NO_MORE, Far, Here, in_steps
from tests.jobs.trials import effect, effects

HERE = Here(COMMAND_LINE)


@pytest.fixture(autouse=True)
def _tables(trial_tables):
    pass


def test_steps_are_taken_until_one_says_that_there_is_no_more(app):
    left = [1, 2, 3]

    def step(session):
        effect(session, "step", left.pop(0))
        return Far(bool(left))

    in_steps(HERE, step)

    assert effects("step") == {1: 1, 2: 1, 3: 1}


def test_a_step_that_breaks_takes_nothing_of_the_steps_before_it_along(app):
    left = [1, 2]

    def step(session):
        effect(session, "step", left.pop(0))
        if not left:
            raise RuntimeError
        return Far(True)

    with pytest.raises(RuntimeError):
        in_steps(HERE, step)

    assert effects("step") == {1: 1}


def test_work_that_somebody_has_ended_takes_no_further_step(app):
    said = iter([Far(True), NO_MORE])

    def step(session):
        effect(session, "step", 1)
        return next(said)

    in_steps(HERE, step)

    assert effects("step") == {1: 2}
