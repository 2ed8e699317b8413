"""The page of a CI job, on which a command tells how a batch ended."""

import os
from decimal import Decimal

from tiktoker_batch import reporting
from tiktoker_batch.cli.options import say
from tiktoker_batch.errors import TiktokerError
from tiktoker_batch.store.state import BatchState


def tell_the_job(state: BatchState, spent_usd: Decimal) -> None:
    """Its page is a courtesy: that it cannot be written does not make a command fail."""
    try:
        reporting.append_job_summary(state, spent_usd, os.environ)
    except TiktokerError as error:
        say(f"warning: the summary of the job: {error.message}")
