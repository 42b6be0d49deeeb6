"""`bench completion`: a script that lets a shell complete commands, options and their values."""

from __future__ import annotations

from typing import Literal

from bench.cli import console
from bench.cli.parser.declarations import OptionSet, argument, declarations


class CompletionOptions(OptionSet):
    """The shell."""

    shell: Literal["bash", "zsh", "fish"] = argument("SHELL", help="The shell.")


def command(options: CompletionOptions) -> int:
    """Print a completion script for bash, zsh or fish.

    To use it in every new shell, add one of these lines to the start-up file of the shell.

    Examples:
        ~/.bashrc:                   eval "$(bench completion bash)"
        ~/.zshrc, after compinit:    eval "$(bench completion zsh)"
        ~/.config/fish/config.fish:  bench completion fish | source
    """
    from bench import cards, models
    from bench.cli import commands
    from bench.cli.parser import completion

    tree = {name: declarations(commands.load(name)) for name in commands.all_names()}
    values = {"--dataset": cards.names(), "--model": models.names()}
    console.say(completion.script(options.shell, tree, values).rstrip("\n"))
    return 0
