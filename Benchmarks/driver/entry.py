"""What the programs of this folder have in common: their arguments, and how they begin and end."""

import argparse
import signal
import sys

import run
from prepare import PreparationError, say


def listed(known):
    """An argument that names some of these, separated by commas; gives them in the order of `known`."""

    def parse(text):
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"there is no '{name}'; there are: {', '.join(known)}")
        return [name for name in known if name in names]

    return parse


def positive(text):
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of at least 1")
    return int(text)


def parser(name, about):
    """A parser whose help is the text as it is written."""
    return argparse.ArgumentParser(
        prog=f"Benchmarks/{name}.sh", description=about, formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def interrupt(number, _):
    raise KeyboardInterrupt(number)


def start(name, main):
    """Runs a program and exits with its code; whatever it has started ends with it."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    run.adopt_orphans()
    try:
        sys.exit(main())
    except PreparationError as error:
        say(f"{name}: {error}")
        sys.exit(1)
    except KeyboardInterrupt:
        # The processes are being ended; not to be interrupted again.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        say(f"\n{name}: interrupted")
        sys.exit(130)
    finally:
        # Builds and installations, too.
        run.end_descendants()
