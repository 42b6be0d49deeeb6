"""Completion scripts for shells, written from the declared options.

The scripts are static: they hold the names of all commands, options and choices, so that completing
does not start Python. What they do not know is left to the shell, which completes names of files.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from bench.cli.parser.declarations import Declaration

Tree = Mapping[str, Sequence[Declaration]]
"""Commands by name, such as `run` or `board show`, with their options and arguments."""
Values = Mapping[str, Sequence[str]]
"""Known values of options that also take others, by flag."""

_BASH = """\
_bench() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}"
    local command=""
    if [ "$COMP_CWORD" -ge 2 ]; then command="${{COMP_WORDS[1]}}"; fi
    case "$command" in
        {groups}) if [ "$COMP_CWORD" -ge 3 ]; then command="$command ${{COMP_WORDS[2]}}"; fi ;;
    esac
    case "$command $before" in
{values}
    esac
    case "$command" in
{words}
    esac
}}
complete -o default -F _bench bench
"""
_ZSH = "autoload -U +X bashcompinit && bashcompinit\n"
_GLOBAL = ("--help", "--version")


def script(shell: str, tree: Tree, values: Values) -> str:
    """The completion script for bash, zsh or fish."""
    if shell == "fish":
        return _fish(tree, values)
    return (_ZSH if shell == "zsh" else "") + _bash(tree, values)


def _bash(tree: Tree, values: Values) -> str:
    """One function with two tables: words after an option that has choices, and words of a
    command.
    """
    after_options, of_commands = [], []
    for name, declared in tree.items():
        for declaration in declared:
            choices = _known(declaration, values)
            patterns = "|".join(f'"{name} {flag}"' for flag in declaration.flags)
            if choices and patterns:
                after_options.append(f"        {patterns}) {_bash_reply(choices)} ;;")
            elif patterns and not declaration.is_flag:
                after_options.append(f"        {patterns}) COMPREPLY=(); return ;;")
    for name, words in _words(tree).items():
        of_commands.append(f'        "{name}") {_bash_reply(words)} ;;')
    return _BASH.format(
        groups="|".join(_groups(tree)),
        values="\n".join(after_options),
        words="\n".join(of_commands),
    )


def _bash_reply(words: Sequence[str]) -> str:
    return f'COMPREPLY=($(compgen -W {shlex.quote(" ".join(words))} -- "$word")); return'


def _fish(tree: Tree, values: Values) -> str:
    """One line for every word: the condition under which it is offered, the word, and its
    description.
    """
    lines = ["complete -c bench -n __fish_use_subcommand -s V -l version -d 'Show versions'"]
    lines += ["complete -c bench -s h -l help -d 'Show help'"]
    groups = _groups(tree)
    for name in _words(tree)[""]:
        if not name.startswith("-"):
            lines.append(f"complete -c bench -n __fish_use_subcommand -f -a {name}")
    for group, members in groups.items():
        condition = (
            f"'__fish_seen_subcommand_from {group}; and not __fish_seen_subcommand_from "
            f"{' '.join(members)}'"
        )
        lines.append(f"complete -c bench -n {condition} -f -a {shlex.quote(' '.join(members))}")
    for name, declared in tree.items():
        condition = "; and ".join(f"__fish_seen_subcommand_from {word}" for word in name.split())
        if name in {member for members in groups.values() for member in members}:
            # `bench show` and `bench board show` are different commands.
            condition += f"; and not __fish_seen_subcommand_from {' '.join(groups)}"
        lines += [
            _fish_line(condition, option, values)
            for option in declared
            if option.flags or option.choices
        ]
    return "\n".join(lines) + "\n"


def _fish_line(condition: str, declared: Declaration, values: Values) -> str:
    words = ["complete", "-c", "bench", "-n", shlex.quote(condition)]
    for flag in declared.flags:
        words += ["-l", flag[2:]] if flag.startswith("--") else ["-s", flag[1:]]
    # -r: a value follows; -x: a value follows, which is not a file; -f: no files, for an argument.
    if declared.choices:
        words.append("-x" if declared.flags else "-f")
    elif not declared.is_flag:
        words.append("-r")
    if choices := _known(declared, values):
        words += ["-a", shlex.quote(" ".join(choices))]
    return " ".join([*words, "-d", shlex.quote(declared.help)])


def _known(declared: Declaration, values: Values) -> Sequence[str]:
    if declared.choices:
        return declared.choices
    return next((values[flag] for flag in declared.flags if flag in values), ())


def _groups(tree: Tree) -> dict[str, list[str]]:
    """The commands that are groups, with their members."""
    groups: dict[str, list[str]] = {}
    for name in tree:
        group, _, member = name.partition(" ")
        if member:
            groups.setdefault(group, []).append(member)
    return groups


def _words(tree: Tree) -> dict[str, list[str]]:
    """What may follow `bench` (""), a group, and a command: commands, options, and choices of
    arguments.
    """
    words: dict[str, list[str]] = {"": [*dict.fromkeys(name.split()[0] for name in tree), *_GLOBAL]}
    words.update(_groups(tree))
    for name, declared in tree.items():
        choices = [choice for option in declared if not option.flags for choice in option.choices]
        long = [flag for option in declared for flag in option.flags if flag.startswith("--")]
        words[name] = [*choices, *long, "--help"]
    return words
