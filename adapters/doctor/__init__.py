"""Report what a pull would give before it runs, and write the codes that no list maps as code lists to be filled in."""

from adapters.doctor.gaps import CodeCounts, Gap
from adapters.doctor.overlay import unmapped_csv, write_overlay
from adapters.doctor.report import Report, examine, examine_server
from adapters.doctor.show import print_report

__all__ = [
    "CodeCounts", "Gap", "Report", "examine", "examine_server", "print_report", "unmapped_csv", "write_overlay",
]  # fmt: skip
