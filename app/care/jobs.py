"""The jobs of looking after an installation."""
from app.care import erase as erasing
from app.jobs.registry import job
from app.jobs.work import Work


@job("privacy.erase", seconds=1800, label="Erase personal data")
def erase(work: Work, customer_id: int) -> dict[str, int]:
    """Take out everything that is kept about one customer."""
    return erasing.erase(work, customer_id, by=work.actor)
