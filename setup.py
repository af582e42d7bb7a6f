"""What setup.cfg can't say: the recipes of configs/ become data of the package, in ultraref/configs."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["ultraref*"]), "ultraref.configs"],
    package_dir={"ultraref.configs": "configs"},
)
