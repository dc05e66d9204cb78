"""Packages that only an extra of this one installs."""

import importlib
from collections.abc import Sequence


def require_packages(purpose: str, packages: Sequence[str], extra: str) -> None:
    """Raises `ImportError` that names the extra, before anything has taken time.

    Args:
        purpose: What needs the packages; begins a sentence.
        packages: Names of modules.
        extra: That installs them.
    """
    for module in packages:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise ImportError(
                f"{purpose} needs the packages {', '.join(packages)}. Received: {error}. "
                f"Install them with: pip install 'keras-metahpo[{extra}]'."
            ) from error
