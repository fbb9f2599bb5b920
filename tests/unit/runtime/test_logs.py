"""The last line of a log: the counts of a step, or the error that stopped it."""

import logging
import subprocess
import sys

from nearkin.runtime.logs import Counts

STEP = """
import logging, sys
from nearkin.runtime.logs import setup_logging
setup_logging(sys.argv[1])
for n in (2, 3):
    logging.getLogger("step").info("read %d rows", n, extra={"counts": {"rows in": n}})
logging.getLogger("step").warning("one is odd")
"""


def run_and_read_log(tmp_path, step):
    log = tmp_path / "step.log"
    subprocess.run([sys.executable, "-c", step, str(log)], check=False, capture_output=True)
    return log.read_text().splitlines()


def test_a_finished_step_logs_its_counts(tmp_path):
    lines = run_and_read_log(tmp_path, STEP)
    assert lines[-1].endswith(" INFO nearkin.runtime.logs: done: 5 rows in")
    assert sum(" done: " in line for line in lines) == 1


def test_a_failed_step_logs_the_error_and_is_not_done(tmp_path):
    text = "\n".join(run_and_read_log(tmp_path, STEP + "raise ValueError('no images')"))
    assert "CRITICAL nearkin.runtime.logs: stopped by ValueError: no images" in text
    assert " done: " not in text


def test_counts_are_summed_by_name_in_order_of_appearance():
    counts = Counts()
    for record_counts in ({"rows in": 1}, {}, {"rows out": 4, "rows in": 2}):
        counts.emit(logging.makeLogRecord({"counts": record_counts} if record_counts else {}))
    assert counts.summary() == "3 rows in, 4 rows out"
    assert Counts().summary() == "nothing to count"
