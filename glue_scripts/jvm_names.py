"""Names of the JVM that Python has resolved stay resolved."""

from typing import Any, Final

from py4j.java_gateway import JavaClass, JavaPackage, JVMView

_RESOLVERS: Final = (JVMView, JavaPackage, JavaClass)


def remember_jvm_names() -> None:
    """Lets Py4J ask for each package, class and static method once.

    Else it asks at each use, as for `functions` and `col` at each `fn.col`, and looks for each part
    of a name as a class in all jars first. Of a small run that was a sixth of the processor's time.
    """
    for resolver in _RESOLVERS:
        if not hasattr(resolver, "resolve_anew"):
            resolver.resolve_anew = resolver.__getattr__
            resolver.__getattr__ = _remembered


def _remembered(self: Any, name: str) -> Any:
    """Called for what the instance does not have yet."""
    found = self.resolve_anew(name)
    if not name.startswith("__"):
        self.__dict__[name] = found
    return found
