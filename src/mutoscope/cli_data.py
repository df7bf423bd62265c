"""The verbs of `mutoscope data`."""

import inspect

from mutoscope.arguments import parse
from mutoscope.errors import InputError


def data(arguments: list[str]) -> None:
    """Look at data before training on it, train feature extractors on it, or render clips of a synthetic set.

    mutoscope data inspect DIR [--size N] [-o SHEET.png]
    mutoscope data extractor DIR [--kind frame|clip|both] [-o FOLDER]
    mutoscope data render NAME [--clips N] [--size N] [--seed N] [-o FOLDER]
    """
    verbs = {"inspect": inspect_data, "extractor": train_extractor, "render": render_data}
    if arguments and arguments[0] in ("-h", "--help"):
        print(inspect.getdoc(data))
    elif arguments and arguments[0] in verbs:
        verbs[arguments[0]](arguments[1:])
    else:
        given = arguments[0] if arguments else "data"
        raise InputError(f"{given}: expected mutoscope data inspect DIR, extractor DIR, or render NAME")


def inspect_data(arguments: list[str]) -> None:
    """Show what clips a source holds, and which files cannot be used."""
    import jsonargparse

    from mutoscope.data import inspect as inspect_clips
    from mutoscope.media.images import write_image

    parser = jsonargparse.ArgumentParser(prog="mutoscope data inspect", exit_on_error=False)
    parser.add_argument("source", help="File or folder of clips or frames, or the name of a synthetic set.")
    parser.add_argument("--size", type=int, default=64, help="Height and width that frames would be brought to.")
    parser.add_argument("--channels", type=int, default=3, help="3 for colour, 1 for grey.")
    parser.add_argument("-o", "--out", help="Picture to write the contact sheet to.")
    given = parse(parser, arguments)
    inspection = inspect_clips(given["source"], size=given["size"], channels=given["channels"])
    from rich.console import Console

    Console().print(inspection)
    if given["out"]:
        print(write_image(given["out"], inspection.contact_sheet))


def train_extractor(arguments: list[str]) -> None:
    """Train small networks whose features clips can be measured in."""
    import jsonargparse

    from mutoscope.evaluation.command import train_extractor as run_training

    parser = jsonargparse.ArgumentParser(
        prog="mutoscope data extractor", description=inspect.getdoc(train_extractor), exit_on_error=False
    )
    parser.add_function_arguments(run_training, as_group=False, as_positional=True, skip={"out"})
    parser.add_argument("-o", "--out", help="Folder to write to (default: the cache, where evaluate finds them).")
    run_training(**parse(parser, arguments))


def render_data(arguments: list[str]) -> None:
    """Write clips of a synthetic set as files: to look at, to animate, or for other software."""
    import jsonargparse

    from mutoscope.data.rendering import render

    parser = jsonargparse.ArgumentParser(
        prog="mutoscope data render", description=inspect.getdoc(render_data), exit_on_error=False
    )
    parser.add_function_arguments(render, as_group=False, as_positional=True, skip={"out"})
    parser.add_argument("-o", "--out", help="Folder to write to (default: the name of the set).")
    given = parse(parser, arguments)
    print(render(**{**given, "out": given["out"] or given["name"]}))
