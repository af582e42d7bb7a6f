"""The report of one or several tests: one page that stands alone, and its tables as CSV and LaTeX."""

from ultraref.apis.report.page import REPORT_NAME, write_report
from ultraref.apis.report.study import Study, read_runs_named, read_study

__all__ = ["REPORT_NAME", "Study", "read_runs_named", "read_study", "write_report"]
