"""Runs the test functions of a client's file one after the other and prints a line for each."""

import os
import sys
import time
import traceback

HOST = "127.0.0.1"
PORT = int(os.environ["AURORA_TEST_PORT"])
USER = "root"
PASSWORD = os.environ["AURORA_TEST_PASSWORD"]

_tests = []


def test(function):
    """Marks a test; its name is what is printed."""
    _tests.append(function)
    return function


def equal(got, expected, what=""):
    """Equal in value and in type, down to the cells of rows."""
    if got != expected or _types(got) != _types(expected):
        raise AssertionError(f"{what or 'value'}: expected {expected!r} {_types(expected)}, got {got!r} {_types(got)}")


def _types(value):
    if isinstance(value, (list, tuple)):
        return [_types(item) for item in value]
    return type(value).__name__


def raises(kind, code, state, action):
    """The action fails with this class, MySQL number and SQLSTATE (None: the client does not tell it)."""
    try:
        action()
    except kind as error:
        got = getattr(error, "errno", None) or error.args[0]
        equal(got, code, f"error number of {error}")
        if state is not None:
            equal(getattr(error, "sqlstate", None), state, f"SQLSTATE of {error}")
        return error
    raise AssertionError(f"expected error {code}, none came")


def main(client):
    """Runs all; the exit code tells whether every one passed."""
    failed = 0
    for function in _tests:
        begun = time.monotonic()
        name = function.__name__.replace("_", " ")
        try:
            function()
        except Exception:  # noqa: BLE001 - a failed test must not end the others
            failed += 1
            print(f"FAILED  {client}: {name}")
            traceback.print_exc(file=sys.stdout)
        else:
            print(f"ok      {client}: {name} ({(time.monotonic() - begun) * 1000:.0f} ms)")
        sys.stdout.flush()
    print(f"{client}: {len(_tests) - failed} of {len(_tests)} passed")
    sys.exit(1 if failed else 0)
