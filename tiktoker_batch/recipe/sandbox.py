"""Where the writers of recipes run Jinja: it cannot reach out, and gives the same every time."""

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment


def sandbox(undefined: type[jinja2.StrictUndefined], *, trims_blocks: bool = False) -> ImmutableSandboxedEnvironment:
    """An environment without what is random; ``undefined`` words what is asked for and is not there."""
    environment = ImmutableSandboxedEnvironment(
        undefined=undefined, trim_blocks=trims_blocks, lstrip_blocks=trims_blocks
    )
    del environment.globals["lipsum"], environment.filters["random"]
    return environment
