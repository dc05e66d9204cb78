"""Wraps whole suites, by the wrappers' names."""

import inspect
from dataclasses import dataclass

from keras_metahpo.benchmark.blackbox import BlackboxFactory, Suite
from keras_metahpo.benchmark.blackboxes.adversaries import Permuted, SignFlipped
from keras_metahpo.benchmark.blackboxes.wrappers import Noisy, Pooled, Wrapper
from keras_metahpo.errors import BenchmarkError, did_you_mean

WRAPPERS: dict[str, type[Wrapper]] = {
    wrapper.name: wrapper for wrapper in (Noisy, SignFlipped, Permuted, Pooled)
}


@dataclass(frozen=True)
class WrappedFactory(BlackboxFactory):
    """Opens a blackbox and wraps it.

    Attributes:
        inner: Opens what is wrapped.
        wrapper: Key of `WRAPPERS`.
        arguments: Names and values for the wrapper.
    """

    inner: BlackboxFactory
    wrapper: str
    arguments: tuple[tuple[str, float], ...] = ()

    def open(self) -> Wrapper:
        return WRAPPERS[self.wrapper](self.inner.open(), **dict(self.arguments))


def wrap_suite(suite: Suite, wrapper: str, **arguments) -> Suite:
    """The suite with every blackbox wrapped; both get `+wrapper` added to their names.

    Args:
        suite: May be wrapped already: the last wrapper is the outermost.
        wrapper: `"noisy"` (`std`, `seed`), `"sign_flipped"`, `"permuted"` (`seed`) or `"pooled"`
            (`size`, `seed`).
        **arguments: For the wrapper.
    """
    if wrapper not in WRAPPERS:
        raise BenchmarkError(
            f"A wrapper must be one of {list(WRAPPERS)}. Received: {wrapper!r}."
            f"{did_you_mean(wrapper, list(WRAPPERS))}"
        )
    accepted = [name for name in inspect.signature(WRAPPERS[wrapper]).parameters if name != "inner"]
    unknown = [name for name in arguments if name not in accepted]
    if unknown:
        raise BenchmarkError(
            f"The wrapper {wrapper!r} takes the arguments {accepted}. Received: {unknown}."
        )
    blackboxes = {
        f"{name}+{wrapper}": WrappedFactory(factory, wrapper, tuple(arguments.items()))
        for name, factory in suite.blackboxes.items()
    }
    return Suite(f"{suite.name}+{wrapper}", blackboxes)
