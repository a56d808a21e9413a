"""The jobs of looking after an installation."""
from app.care import digest, upkeep
from app.care import erase as erasing
from app.jobs.registry import job
from app.jobs.work import Work


@job("privacy.erase", seconds=1800, label="Erase personal data", page="privacy.ask")
def erase(work: Work, customer_id: int) -> dict[str, int]:
    """Take out everything that is kept about one customer."""
    return erasing.erase(work, customer_id, by=work.actor)


@job("care.digest", cron="0 6 * * *", label="Mail what waits for people")
def mail_digest(work: Work) -> dict[str, int]:
    """One mail to everybody for whom something waits."""
    return digest.send(work)


@job("care.upkeep", queue="heavy", cron="40 3 * * *", seconds=1800, label="Keep indexes and statistics fresh")
def keep_up(work: Work) -> dict[str, int]:
    """What keeps lists and searches quick as tables grow."""
    return upkeep.keep_up(work)
