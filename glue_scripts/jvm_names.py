"""Names of the JVM that Python has resolved stay resolved."""

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from py4j.java_gateway import JavaClass, JavaPackage, JVMView

RESOLVERS: Final = (JVMView, JavaPackage, JavaClass)
"""What Py4J asks the JVM with, each by `__getattr__`."""


@cache
def remember_jvm_names() -> None:
    """Lets Py4J ask for each package, class and static method once; has an effect once.

    Else it asks at each use, as for `functions` and `col` at each `fn.col`, and looks for each part
    of a name as a class in all jars first. Of a small run that was a sixth of the processor's time.
    """
    for resolver in RESOLVERS:
        resolver.__getattr__ = _remembering(resolver.__getattr__)


def _remembering(resolve: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    def resolved(self: Any, name: str) -> Any:
        found = resolve(self, name)
        if not name.startswith("__"):
            self.__dict__[name] = found
        return found

    return resolved
