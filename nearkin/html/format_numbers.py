"""How numbers are printed on the pages."""

from collections.abc import Callable

NOTHING = "–"


def format_fraction(value: float | None) -> str:
    """A recall, to three decimals.

    >>> format_fraction(0.65), format_fraction(None)
    ('0.650', '–')
    """
    return NOTHING if value is None else f"{value:.3f}"


def format_points(value: float | None) -> str:
    """A difference in percentage points, with its sign.

    >>> format_points(11.53), format_points(-0.04), format_points(-2.5), format_points(None)
    ('+11.5', '0.0', '−2.5', '–')
    """
    if value is None:
        return NOTHING
    text = f"{value:+z.1f}"
    return "0.0" if text == "+0.0" else text.replace("-", "−")


def format_interval(low: float | None, high: float | None, formatter: Callable[[float], str]) -> str:
    """Both ends of an interval, each formatted by `form`; empty if there is none.

    >>> format_interval(-1.25, 3.5, format_points), format_interval(None, None, format_points)
    ('−1.2 to +3.5', '')
    """
    return "" if low is None or high is None else f"{formatter(low)} to {formatter(high)}"


def format_p_value(value: float | None) -> str:
    """A p-value to three decimals, or that it is smaller.

    >>> format_p_value(0.0312), format_p_value(0.0004), format_p_value(None)
    ('0.031', '< 0.001', '–')
    """
    if value is None:
        return NOTHING
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def format_count(value: int) -> str:
    """A whole number, with commas.

    >>> format_count(31452)
    '31,452'
    """
    return f"{value:,}"


def format_count_range(lowest: int, highest: int) -> str:
    """A count, or the range of counts where models differ in it.

    >>> format_count_range(5, 5), format_count_range(5, 1007)
    ('5', '5 to 1,007')
    """
    return format_count(lowest) if lowest == highest else f"{format_count(lowest)} to {format_count(highest)}"


def format_share(part: float, whole: float) -> str:
    """A part in percent; 0 % and 100 % only if it is exactly nothing or everything.

    >>> format_share(93, 100), format_share(1, 1000), format_share(999, 1000), format_share(0, 0)
    ('93 %', '< 1 %', '> 99 %', '–')
    """
    if not whole:
        return NOTHING
    percent = 100 * part / whole
    if 0 < percent < 1:
        return "< 1 %"
    return "> 99 %" if 99 < percent < 100 else f"{percent:.0f} %"
