"""What may be wrong with this machine or the data folder, and what to do about it."""

from minisocial.doctor.examination import examine
from minisocial.doctor.finding import Finding

__all__ = ["Finding", "examine"]
