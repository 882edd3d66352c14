"""The command line: a thin shell over the library. One file a command; only the command that runs imports torch."""

import errno
import io
import logging
import os
import sys
import traceback

import click

from unrolled import __version__
from unrolled.cli.compare import compare
from unrolled.cli.data import data
from unrolled.cli.demo import demo
from unrolled.cli.forecast import forecast
from unrolled.cli.predict import predict
from unrolled.cli.runs import runs
from unrolled.cli.translate import translate
from unrolled.cli.update import update
from unrolled.errors import UnrolledError

INTERRUPTED = 130
FULL = (errno.ENOSPC, errno.EDQUOT)  # what a full disk behind stdout says


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="unrolled")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def command(debug: bool) -> None:
    """Recurrent networks that you can read, run and trust: from your own table to an honest forecast, and
    from two texts to a translator.

    Completion: eval "$(_UNROLLED_COMPLETE=bash_source unrolled)" in ~/.bashrc; zsh_source and fish_source likewise.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)


for one in (forecast, predict, update, translate, compare, runs, data, demo):
    command.add_command(one)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 an error that the user can mend, 2 wrong usage, 130 Ctrl-C."""
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments[:1]
    if isinstance(sys.stdout, io.TextIOWrapper):  # a column's name or a bar that the terminal's encoding doesn't have
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        sys.exit(command.main(arguments, prog_name="unrolled", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        _fail("interrupted", INTERRUPTED)
    except UnrolledError as error:
        if debug:
            raise
        _fail(f"error: {error}", 1)
    except Exception as error:  # noqa: BLE001 - the last resort: a user gets a line to report, not a traceback
        if debug:
            traceback.print_exc()
        if isinstance(error, OSError) and error.errno in FULL:
            _fail(f"error: can't write: {os.strerror(error.errno).lower()}; make room, or write elsewhere", 1)
        _fail(
            f"internal error: {type(error).__name__}: {error}; please report it, with the output of unrolled --debug …",
            1,
        )


def _fail(message: str, code: int) -> None:
    click.echo("unrolled: " + " ".join(message.split()), err=True)
    sys.exit(code)
