"""The command line: verbs over the same functions that Python users call.

Every verb builds its own parser when it is called, so that `mutoscope --help` loads neither torch nor a system.
"""

import inspect
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mutoscope.arguments import parse
from mutoscope.cli_data import data
from mutoscope.errors import InputError, TrainingFailed

if TYPE_CHECKING:
    import jsonargparse

    from mutoscope.systems.base import System
    from mutoscope.systems.control import Control

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status: 2 for bad input, said in one line."""
    try:
        dispatch(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except InputError as error:
        return complain(error, EXIT_USAGE)
    except TrainingFailed as error:
        return complain(error, EXIT_FAILED)
    except KeyboardInterrupt:
        return complain("interrupted", EXIT_INTERRUPTED)
    except BrokenPipeError:  # the reader of our output has left, as in `mutoscope list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except SystemExit as stop:  # --help
        return int(stop.code or 0)
    return 0


def dispatch(arguments: list[str]) -> None:
    """Runs the command that the first argument names.

    Raises:
        InputError: there is no such command, or what it raises.
    """
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(overview())
    elif arguments[0] == "--version":
        from mutoscope import __version__

        print(__version__)
    elif arguments[0] in COMMANDS:
        COMMANDS[arguments[0]](arguments[1:])
    else:
        raise InputError(f"{arguments[0]}: no such command (there are {', '.join(COMMANDS)})")


def complain(message: object, status: int) -> int:
    """Prints one line to standard error and passes the exit status on."""
    print(f"mutoscope: {' '.join(str(message).split())}", file=sys.stderr)
    return status


def overview() -> str:
    """What `mutoscope --help` prints."""
    lines = [f"  {name:10} {(inspect.getdoc(run) or '').splitlines()[0]}" for name, run in COMMANDS.items()]
    return "\n".join(
        [
            "Make pictures move with generative adversarial networks.",
            "",
            "usage: mutoscope COMMAND ...   (mutoscope COMMAND --help for its options)",
            "",
            *lines,
            "",
            "for example",
            "  mutoscope list",
            "  mutoscope generate pseudo_label/sprites sweep --clip 2 -o clip.mp4",
            "  mutoscope train pseudo_label --preset tiny --data FOLDER",
        ]
    )


def train(arguments: list[str]) -> None:
    """Train a system on a folder of frames or clips, or on a synthetic set.

    mutoscope train SYSTEM [--preset NAME] [--data DIR] [--out DIR] [--resume] [options]
    """
    from mutoscope.systems import SYSTEMS, system_class
    from mutoscope.systems.control import controls_of
    from mutoscope.training import options

    system = arguments[0] if arguments and not arguments[0].startswith("-") else ""
    if not system:
        print(f"usage: mutoscope train SYSTEM [options]\n\nsystems: {', '.join(SYSTEMS)}")
        print("mutoscope train SYSTEM --help shows all options.")
        return
    presets = options.presets(system) if system in SYSTEMS else {}
    parser = options.options_parser(system, prog=f"mutoscope train {system}", description=inspect.getdoc(train))
    shown = arguments[arguments.index("--preset") + 1] if "--preset" in arguments[:-1] else "tiny"
    parser.set_defaults(presets.get(shown, {}))  # for --help: the defaults there are those of the preset
    parser.add_argument("--preset", default="tiny", help=f"Named configuration to start from: {', '.join(presets)}.")
    parser.add_argument("--config", help="YAML file of options, over those of the preset.")
    parser.add_argument("--out", help="Folder of the run (default: runs/SYSTEM-DATA-PRESET).")
    parser.add_argument("--resume", nargs="?", const="", help="Go on with the run in --out, or in this folder or file.")
    parser.add_argument("--quiet", action="store_true", help="Show no progress.")
    given = parse(parser, arguments[1:], defaults=False)
    from mutoscope.training.run import rank
    from mutoscope.training.run import train as run_training

    resume = given.pop("resume", None)
    own = {key: given.pop(key) for key in ("preset", "out", "quiet") if key in given}
    config = options.read_config(given.pop("config")) if "config" in given else {}
    folder = run_training(system, resume=resume if resume else resume is not None, **own, **(config | given))
    if not own.get("quiet") and not rank():
        first = next(iter(controls_of(system_class(system))))
        print(f"{folder}/weights: done. Next: mutoscope generate {folder} {first}")


def generate(arguments: list[str]) -> None:
    """Use a control of a trained system: sweeps, walks, grids, labels, ...

    mutoscope generate WEIGHTS CONTROL [options] [-o FILE]
    """
    from mutoscope.systems.control import controls_of
    from mutoscope.systems.loading import load, shipped_weights

    if not arguments or arguments[0].startswith("-"):
        print("usage: mutoscope generate WEIGHTS CONTROL [options] [-o FILE ...]\n")
        print(f"shipped weights: {', '.join(shipped_weights())}; a folder of your own works as well")
        return
    weights, *rest = arguments
    device = "cpu"
    if "--device" in rest[:-1]:
        at = rest.index("--device")
        device = rest[at + 1]
        rest = rest[:at] + rest[at + 2 :]
    system = load(weights, device)
    controls = controls_of(type(system))
    if not rest or rest[0] in ("-h", "--help"):
        show_controls(system.name, controls)
        return
    if rest[0] not in controls:
        raise InputError(f"{rest[0]}: {system.name} has no such control (it has {', '.join(controls)})")
    chosen = controls[rest[0]]
    parser = control_parser(system, chosen, prog=f"mutoscope generate {weights} {chosen.name}")
    given = parse(parser, rest[1:], instantiate=True)
    outputs = given.pop("out")
    for path in outputs or []:
        chosen.result.check_suffix(path)
    result = getattr(system, chosen.name)(**given)
    if outputs is None and hasattr(result, "records"):
        show_table(result)
        return
    for path in outputs or [f"{chosen.name}{result.default_suffix}"]:
        print(result.save(path))


def control_parser(system: "System", control: "Control", prog: str) -> "jsonargparse.ArgumentParser":
    """A flag for every argument of a control, with its limits in this system."""
    import jsonargparse

    from mutoscope.systems.inputs import Frames
    from mutoscope.systems.parameters import add_flags

    parser = jsonargparse.ArgumentParser(prog=prog, description=control.summary, exit_on_error=False)
    add_flags(parser, control.parameters, system.config, as_text=(Frames, Frames | None))
    suffixes = ", ".join(suffix or "a folder" for suffix in control.result.suffixes)
    parser.add_argument("-o", "--out", action="append", help=f"File to write, may be repeated: {suffixes}.")
    return parser


def evaluate(arguments: list[str]) -> None:
    """Measure a trained system, a run or a folder of clips against real clips.

    mutoscope evaluate TARGET [--data DIR] [--metrics A,B] [--extractor NAME ...] [-o FILE.json] [-o FILE.csv]
    """
    import jsonargparse

    from mutoscope.evaluation.command import evaluate as run_evaluation

    parser = jsonargparse.ArgumentParser(
        prog="mutoscope evaluate", description=inspect.getdoc(evaluate), exit_on_error=False
    )
    parser.add_function_arguments(run_evaluation, as_group=False, as_positional=True, skip={"extractor", "out"})
    parser.add_argument(
        "--extractor",
        action="append",
        help="Features to measure in, may be repeated: default, pca64-pixels, inception2048, i3d400=FILE, a folder, …",
    )
    parser.add_argument("-o", "--out", action="append", help="File to write, may be repeated: .json or .csv.")
    run_evaluation(**parse(parser, arguments))


def reproduce(arguments: list[str]) -> None:
    """Train the arms of a paper's claims, and write a report with verdicts.

    mutoscope reproduce SYSTEM [--on EXPERIMENT|DIR] [--claims H1,H6] [--seeds N] [--budget 20m] [--render]
    """
    import jsonargparse

    from mutoscope.claims import render
    from mutoscope.claims import reproduce as run_arms
    from mutoscope.claims.run import arms_needed, experiments_of

    parser = jsonargparse.ArgumentParser(prog="mutoscope reproduce", exit_on_error=False)
    parser.add_argument("system", help="Name of the system, or baselines.")
    parser.add_argument("--on", help="Name of an experiment, or a folder of clips; by default those on synthetic data.")
    parser.add_argument("--claims", help="Only the arms that these claims need, as H1,H6 (see the report for names).")
    parser.add_argument("--data", help="Folder of its data (default: below the folder MUTOSCOPE_DATA names).")
    parser.add_argument("--seeds", type=int, default=3, help="How many seeds; those on file are not run again.")
    parser.add_argument("--arms", help="Names of the arms wanted, separated by semicolons (default: all).")
    parser.add_argument("--budget", help="Training time of every arm, as 90s or 20m, instead of the experiment's own.")
    parser.add_argument("--jobs", type=int, help="Arms trained at a time (default: one a GPU, or one a core).")
    parser.add_argument("--again", action="store_true", help="Measure again what is on file, from the runs kept here.")
    parser.add_argument("--render", action="store_true", help="Only write the page again, from the results on file.")
    given = parse(parser, arguments)
    system, on, arms = given["system"], given["on"], given["arms"].split(";") if given["arms"] else None
    if not given["render"]:
        synthetic = [experiment.name for experiment in experiments_of(system)[0] if experiment.test]
        wanted: dict[str, list[str] | None] = dict.fromkeys([on] if on else synthetic, arms)
        if given["claims"]:
            wanted = {**arms_needed(system, given["claims"].split(","), on)}
        for name, chosen in wanted.items():
            run_arms(
                system,
                name,
                arms=chosen,
                **{key: given[key] for key in ("data", "seeds", "budget", "jobs", "again")},
            )
    print(render(system))


def list_all(arguments: list[str]) -> None:
    """Show systems, their controls and presets, and the weights that ship."""
    from rich.console import Console
    from rich.table import Table

    from mutoscope.systems import list_systems, system_class
    from mutoscope.systems.control import controls_of
    from mutoscope.systems.loading import shipped_weights
    from mutoscope.training.options import presets

    if arguments:
        raise InputError(f"{arguments[0]}: list takes no arguments")
    table = Table(show_lines=True)
    for title in ("system", "what it does", "controls", "presets", "weights"):
        table.add_column(title, no_wrap=title in ("system", "weights"))
    for name, summary in list_systems().items():
        weights = [shipped for shipped in shipped_weights() if shipped.startswith(f"{name}/")]
        controls = ", ".join(controls_of(system_class(name)))
        table.add_row(name, summary, controls, "\n".join(presets(name)), "\n".join(weights))
    Console().print(table)


def convert(arguments: list[str]) -> None:
    """Bring weights that the authors' code of a system saved into this package's format.

    mutoscope convert SYSTEM FILE [-o FOLDER] [options]
    """
    import jsonargparse

    from mutoscope.systems.control import controls_of
    from mutoscope.systems.conversion import check_folder, converter, convertible

    if not arguments or arguments[0].startswith("-"):
        print(f"usage: mutoscope convert SYSTEM FILE [-o FOLDER] [options]\n\nsystems: {', '.join(convertible())}")
        return
    name, conversion = arguments[0], converter(arguments[0])
    parser = jsonargparse.ArgumentParser(prog=f"mutoscope convert {name}", exit_on_error=False)
    parser.add_function_arguments(conversion, as_group=False, as_positional=True)
    parser.add_argument("-o", "--out", help="Folder to write to (default: the system's name and the file's).")
    given = parse(parser, arguments[1:])
    folder = check_folder(given.pop("out") or f"{name}-{Path(given['file']).stem}")
    system, notes = conversion(**given)
    first = next(iter(controls_of(type(system))))
    print(*notes, f"{system.save_pretrained(folder)}: done. Next: mutoscope generate {folder} {first}", sep="\n")


def demo(arguments: list[str]) -> None:
    """Play the shipped weights, train a small system, and write a page that shows it all."""
    import jsonargparse

    from mutoscope.demo import demo as make_demo

    parser = jsonargparse.ArgumentParser(prog="mutoscope demo", description=inspect.getdoc(demo), exit_on_error=False)
    parser.add_function_arguments(make_demo, as_group=False)
    make_demo(**parse(parser, arguments))


COMMANDS: dict[str, Callable[[list[str]], None]] = {
    "list": list_all,
    "generate": generate,
    "train": train,
    "evaluate": evaluate,
    "reproduce": reproduce,
    "convert": convert,
    "data": data,
    "demo": demo,
}


def show_controls(system: str, controls: "dict[str, Control]") -> None:
    """Prints the controls of a system."""
    width = max(map(len, controls))
    print(f"controls of {system}:\n")
    for name, control in controls.items():
        print(f"  {name:{width}}  {control.summary}")
    print(f"\nmutoscope generate WEIGHTS {next(iter(controls))} --help shows the options of one.")


def show_table(result: Any) -> None:
    """Prints a table result."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(*map(escape, result.columns))
    for row in result.rows:
        table.add_row(*(f"{value:.4g}" if isinstance(value, float) else escape(str(value)) for value in row))
    Console().print(table)
