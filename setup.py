"""How pip installs minisocial. run.py reads the two lists below, so they stay plain literals."""

import re
from pathlib import Path

from setuptools import find_packages, setup

REQUIRES = [
    "bottle>=0.13,<0.14",
    "waitress>=3.0,<4",
    "sqlite-utils>=4.2,<5",
    "diskcache>=5.6,<6",
    "huey>=3.5,<4",
    "click>=8.1,<9",
    'tomli>=2.0; python_version < "3.11"',
]
EXTRAS = {
    "test": ["pytest>=8.3,<10", "hypothesis>=6.100,<7", "aiosmtpd>=1.4.6,<2"],
    "qa": ["ruff>=0.17,<0.18", "mypy>=2.4,<3", "playwright>=1.60,<2"],
}
INIT = Path(__file__).with_name("minisocial") / "__init__.py"
VERSION = re.findall(r'^__version__ = "(.+)"$', INIT.read_text("utf-8"), re.MULTILINE)[0]

setup(
    name="minisocial",
    version=VERSION,
    description="A private social network, and the whole architecture of a large one, in one process",
    python_requires=">=3.10",
    packages=find_packages(include=["minisocial", "minisocial.*"]),
    package_data={"": ["templates/*", "templates/*/*", "static/*", "static/*/*"], "minisocial.torture": ["faults.c"]},
    install_requires=REQUIRES,
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["minisocial = minisocial.cli:main"]},
)
