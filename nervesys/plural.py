"""Numbers with their nouns, in the singular or the plural."""


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Such as `1 agent` or `2 agents`.

    Args:
        number: of things.
        noun: in the singular.
        plural: None for the noun with an `s`.
    """
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"
